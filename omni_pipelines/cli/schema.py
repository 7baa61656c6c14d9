"""The command about shared types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from omni_pipelines.cli.options import JsonOption
from omni_pipelines.cli.output import narrate, say, say_json


def add_to(app: typer.Typer) -> None:
    """Put the command under `omni`."""
    app.command()(schema)


def schema(
    name: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="A type from the list; default: the list.", show_default=False),
    ] = None,
    write: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--write", help="Write the schema of every type to a file in this folder."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the types that other programs read and write, or print the JSON Schema of one."""
    from omni_pipelines.contracts import SHARED, schema_text, write_schemas
    from omni_pipelines.errors import ConfigurationError

    if name is not None and write is not None:
        raise ConfigurationError("--write writes all types", cure="leave out the name")
    if write is not None:
        changed = write_schemas(write)
        narrate(f"{write}: {len(SHARED)} types, {len(changed)} files changed")
    elif name is not None:
        say(schema_text(name).rstrip())
    else:
        _say_list(json=json)


def _say_list(*, json: bool) -> None:
    from omni_pipelines.contracts import SHARED

    meanings = {name: (model.__doc__ or "").strip().partition("\n")[0] for name, model in SHARED.items()}
    if json:
        say_json({"types": [{"name": name, "meaning": meaning} for name, meaning in meanings.items()]})
        return
    for name, meaning in meanings.items():
        say(f"{name:<18}{meaning}")
