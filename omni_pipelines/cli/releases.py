"""Commands about releases."""

from __future__ import annotations

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import say, say_json

app = typer.Typer(help="Knowledge states that can be read.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def releases() -> None:
    """Knowledge states that can be read."""


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the kept releases, newest first."""
    from omni_pipelines.knowledge.releases import list_releases, require_release
    from omni_pipelines.settings import find_home

    place = find_home(home)
    require_release(place)
    found = list_releases(place)
    if json:
        say_json({"releases": [release.model_dump(mode="json") for release in found]})
        return
    for release in found:
        when = release.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        counts = ", ".join(f"{count:,} {name}" for name, count in release.counts.items())
        say(f"{release.release:>6}  {when}  {counts}")
