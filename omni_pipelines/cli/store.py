"""Commands about the store that several homes share."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from pathlib import Path

    from omni_pipelines.home import Home
    from omni_pipelines.settings import Settings

app = typer.Typer(
    help="The bucket where several homes keep their releases.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def store() -> None:
    """The bucket where several homes keep their releases."""


@app.command()
def status(home: HomeOption = None, json: JsonOption = False) -> None:
    """Say what the store holds, and how far this home is."""
    from omni_pipelines.sharing.store_state import read_store_state
    from omni_pipelines.steps.step_table import new_run

    found = read_store_state(new_run(*_sharing(home)))
    if json:
        say_json(asdict(found))
        return
    releases = ", ".join(map(str, found.releases)) or "none"
    say(f"{found.url}: {found.objects:,} objects, {found.bytes:,} bytes")
    say(f"  releases {releases}" + (f"; pinned {', '.join(map(str, found.pinned))}" if found.pinned else ""))
    say(f"  this home is at release {found.here}" if found.here else "  this home has not joined it yet")
    for name, fingerprint in found.differing.items():
        narrate(
            f"note: {name} of the newest release is {fingerprint}: homes with other settings undo each other's work"
        )
    if found.here < max(found.releases, default=0):
        narrate("next: omni store pull")


@app.command()
def pull(home: HomeOption = None, json: JsonOption = False) -> None:
    """Bring this home to the newest release now. Reading commands and omni ingest do it by themselves."""
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.progress import reporting_to
    from omni_pipelines.sources.membership import read_membership

    place, settings = _sharing(home)
    place.create()
    before = read_membership(place)
    with ProgressBar() as bar, reporting_to(bar), writer_session(place, settings, sync=True):
        after = read_membership(place)
    number, had = after.release if after else 0, before.release if before else 0
    if json:
        say_json({"release": number, "before": had})
    elif number == had:
        say(f"release {number}: this home has it already" if number else "the store is empty")
    else:
        say(f"release {number}; it was {had}" if had else f"release {number}")


def _sharing(home: Path | None) -> tuple[Home, Settings]:
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.errors import ConfigurationError

    place = find_home(home)
    settings = load_settings(place)
    if not settings.store:
        raise ConfigurationError(
            f"{place.root} shares no store", cure='write into omni.toml beside it: store = "s3://bucket/folder"'
        )
    return place, settings
