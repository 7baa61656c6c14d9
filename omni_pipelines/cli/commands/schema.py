"""`omni schema`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Rows, Verbatim, command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.text import table
from omni_pipelines.contracts import SHARED, schema_text, write_schemas
from omni_pipelines.errors import ConfigurationError


@command(table("name", "meaning"))
def schema(
    name: Annotated[str | None, Argument(help="A type from the list. Default: the list.")] = None,
    write: Annotated[
        Path | None, Option(metavar="FOLDER", help="Write the schemas of all types to files in this folder.")
    ] = None,
) -> Rows[Fields] | Verbatim | None:
    """List the types that other programs use, or print a JSON Schema."""
    if name is not None and write is not None:
        raise ConfigurationError("--write writes all types", cure="leave out the name")
    if write is not None:
        changed = write_schemas(write)
        narrate(f"{write}: {len(SHARED)} types, {len(changed)} files changed")
        return None
    if name is not None:
        return Verbatim(schema_text(name).rstrip())
    meanings = {shared: (model.__doc__ or "").strip().partition("\n")[0] for shared, model in SHARED.items()}
    return Rows("types", [{"name": shared, "meaning": meaning} for shared, meaning in meanings.items()])
