"""Serving a home: over stdin and stdout to the program that started the server, or over HTTP on this machine."""

import asyncio
import socket

import uvicorn
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.mcp_server.handshake_clients import MAX_CLIENTS
from omni_pipelines.mcp_server.http_guard import HOST, App, HttpGuard
from omni_pipelines.mcp_server.server import KnowledgeServer

MAX_CONNECTIONS = 512
"""Further ones are answered 503."""
MAX_BODY_BYTES = 1_000_000
_CLOSING_SECONDS = 3
_SESSION_SECONDS = 600.0


def serve_stdio(server: KnowledgeServer) -> None:
    """Serve one client until it closes its end. While it runs, what is printed goes to stderr."""
    asyncio.run(_serve_stdio(server))


async def _serve_stdio(server: KnowledgeServer) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.protocol.run(incoming, outgoing, server.protocol.create_initialization_options())


def listen(port: int) -> socket.socket:
    """A socket on this machine; port 0 takes a free one.

    Raises:
        ConfigurationError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        cure = "choose another: --port, or 0 for a free one"
        raise ConfigurationError(f"port {port} cannot be used: {error.strerror}", cure=cure) from error
    return listener


def http_app(server: KnowledgeServer, port: int, token: str) -> App:
    """The application at `/mcp`.

    Each request of the current protocol is independent. An older client has a session, through which the server can
    reach it; an abandoned session times out.
    """
    app = server.protocol.streamable_http_app(
        max_sessions=MAX_CLIENTS,
        session_idle_timeout=_SESSION_SECONDS,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the guard does it
    )
    return HttpGuard(app, port, token)


def http_server(server: KnowledgeServer, listener: socket.socket, token: str) -> uvicorn.Server:
    """What serves HTTP on a socket, by its `run(sockets=[listener])`."""
    config = uvicorn.Config(
        http_app(server, listener.getsockname()[1], token),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=_CLOSING_SECONDS,
    )
    return uvicorn.Server(config)


def serve_http(server: KnowledgeServer, listener: socket.socket, token: str) -> None:
    """Serve until Ctrl+C or SIGTERM."""
    http_server(server, listener, token).run(sockets=[listener])
