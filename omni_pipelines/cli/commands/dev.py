"""`omni dev`."""

from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import command
from omni_pipelines.cli.dependencies import AnyHome
from omni_pipelines.cli.dev_server.server import serve


@command(None)
def dev(home: AnyHome, port: Annotated[int, Option(min=1, max=65535, help="The port on 127.0.0.1.")] = 3000) -> None:
    """Serve the Dagster UI, and keep the knowledge base up to date."""
    serve(home, port)
