"""Commands about files that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.home import Home

app = typer.Typer(help="Files that could not be read, and why.", no_args_is_help=True, rich_markup_mode=None)
PathArgument = Annotated[str, typer.Argument(help="The file's path in its source, or the end of it.")]
_MAX_SHOWN = 110


@app.callback()
def quarantine() -> None:
    """Files that could not be read, and why."""


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List them, with the code of what is wrong."""
    from omni_pipelines.steps.quarantine import quarantined

    rows = quarantined(_home(home))
    if json:
        say_json({"quarantine": [_fields(row) for row in rows]})
        return
    if not rows:
        narrate("nothing is in quarantine")
    for row in rows:
        say(f"{row['code']:<16} {row['source']}: {row['path']}")
        say(f"{'':<16} {row['detail'][:_MAX_SHOWN]}")


@app.command()
def show(path: PathArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Say all that is known of one file."""
    from omni_pipelines.steps.quarantine import quarantined

    rows = [_fields(row) for row in quarantined(_home(home), path)]
    if json:
        say_json({"quarantine": rows})
        return
    for row in rows:
        for name, value in row.items():
            say(f"{name:<11} {value}")
        say()


@app.command()
def retry(
    paths: Annotated[
        Optional[list[str]],  # noqa: UP045  # typer reads it at run time
        typer.Argument(help="Paths as `list` shows them; default: all.", show_default=False),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Read them again, though they did not change, and publish what can be read now."""
    from omni_pipelines.cli.pipeline import ingest
    from omni_pipelines.configuration import load_settings
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.steps.quarantine import quarantined, release_for_retry

    place = _home(home)
    with writer_session(place, load_settings(place)):
        rows = [row for path in paths or [""] for row in quarantined(place, path)]
        release_for_retry(place, rows)
    narrate(f"{len(rows)} {'file' if len(rows) == 1 else 'files'} will be read again")
    ingest(None, None, False, False, home, json)


def _home(home: Path | None) -> Home:
    from omni_pipelines.configuration import find_home

    place = find_home(home)
    place.check()
    return place


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("source", "path", "code", "stage", "parser", "detail", "first_seen", "attempts")
    return {name: row[name].isoformat() if name == "first_seen" else row[name] for name in names}
