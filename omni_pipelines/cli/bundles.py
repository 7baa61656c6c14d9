"""Commands that move a release: into a file, and out of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json
from omni_pipelines.cli.releases import NumberArgument


def add_to(app: typer.Typer) -> None:
    """Put the commands under `omni releases`."""
    app.command("export")(export)
    app.command("import")(import_)


def export(
    number: NumberArgument,
    file: Annotated[Path, typer.Argument(help="The bundle to write; it must not exist.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write a release to one file, with a checksum of everything in it."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.publishing.bundle import export_release

    bundle = export_release(home_to_read(home), number, file)
    size = file.stat().st_size
    if json:
        say_json({"release": number, "file": str(file), "bytes": size, "files": len(bundle.files)})
        return
    say(f"release {number} in {file}: {len(bundle.files):,} files, {size:,} bytes")
    narrate(f"next: omni releases import {file} --home DIR")


def import_(
    file: Annotated[Path, typer.Argument(help="A bundle that `omni releases export` wrote.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make a home from a bundle, after comparing everything in it; --home names it, and it must be empty."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.publishing.bundle import import_bundle

    if home is None:
        raise ConfigurationError("where to?", cure=f"name an empty home: omni releases import {file} --home DIR")
    place = find_home(home)
    release = import_bundle(file, place)
    if json:
        say_json({"release": release.release, "home": str(place.root), "counts": release.counts})
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in release.counts.items())
    say(f"release {release.release} in {place.root}: {counts}")
    narrate("note: its sources are registered where they were; an ingest stops where one of them is not there")
