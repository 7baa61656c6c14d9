"""`omni mcp`."""

from enum import StrEnum
from typing import Annotated

from typer import Option

from native.allocator import share_arenas
from omni_pipelines.cli.command import command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.release_options import RefreshedHome, ViewerOrOwner
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.mcp_server.http_guard import HOST, read_or_make_token
from omni_pipelines.mcp_server.transports import listen, serve_http, serve_stdio


class Transport(StrEnum):
    """How a client reaches the server."""

    STDIO = "stdio"
    HTTP = "http"


@command(None)
def mcp(
    home: RefreshedHome,
    viewer: ViewerOrOwner,
    transport: Annotated[
        Transport, Option(help="stdio for the program that starts it; http for programs of this machine.")
    ] = Transport.STDIO,
    port: Annotated[int, Option(min=0, max=65535, help="The port on 127.0.0.1, for http. 0: a free one.")] = 8765,
    allow_writes: Annotated[
        bool, Option("--allow-writes", help="Offer tools that change the knowledge base too.")
    ] = False,
    allow_skills: Annotated[
        bool, Option("--allow-skills", help="Offer the commands of the skills that you trust too.")
    ] = False,
) -> None:
    """Serve the knowledge base to editors and agents, by the Model Context Protocol.

    With --transport http, clients send the token in the home's file mcp.token.
    """
    if viewer is not None and allow_writes:
        raise ConfigurationError("a viewer cannot change the knowledge base", cure="leave out --as or --allow-writes")
    share_arenas()  # each call runs in a thread of its own
    server = make_server(home, viewer=viewer, allow_writes=allow_writes, allow_skills=allow_skills)
    if transport is Transport.STDIO:
        serve_stdio(server)
        return
    home.check()
    token = read_or_make_token(home.mcp_token)
    with listen(port) as listener:
        narrate(f"serving http://{HOST}:{listener.getsockname()[1]}/mcp (Ctrl+C stops)")
        narrate(f"clients send the header: Authorization: Bearer, then the content of {home.mcp_token}")
        serve_http(server, listener, token)
