"""`omni status`."""

from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber, ViewerOrOwner
from omni_pipelines.cli.views.releases import FirstIngest, HomeState, show_state
from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import status
from omni_pipelines.knowledge.state.access import visible_sources
from omni_pipelines.knowledge.state.files import SeenFile, seen_files
from omni_pipelines.knowledge.state.releases import newest_release, require_release
from omni_pipelines.knowledge.state.writer import read_writer
from omni_pipelines.operations.alerts import read_ledger
from omni_pipelines.refusals import Fate

FateArgument = Annotated[
    str | None,
    Argument(
        metavar="[FATE]", help=f"With --files, name only files with this fate: {', '.join(Fate)}.", show_default=False
    ),
]


@command(show_state)
def read(
    viewer: ViewerOrOwner,
    release: ReleaseNumber,
    home: RefreshedHome,
    fate: FateArgument = None,
    files: Annotated[bool, Option("--files", help="Name every file that was seen, and what became of it.")] = False,
) -> HomeState | Rows[SeenFile]:
    """Show what the knowledge base holds, who writes to it, and which alerts are open."""
    if not files:
        if fate is not None:
            raise ConfigurationError(f"{fate!r} is a fate of files", cure=f"omni status --files {fate}")
        alerts = read_ledger(home).open.values() if viewer is None else ()  # they may name what a viewer may not see
        return HomeState(_first_ingest(home) or status.status(home, release, viewer), list(alerts))
    wanted = set(Fate) if fate is None else {_fate(fate)}
    pinned = require_release(home, release)
    visible = visible_sources(home, pinned, viewer) if viewer is not None else None
    return Rows("files", [file for file in seen_files(home, pinned, visible) if file.fate in wanted])


def _fate(name: str) -> Fate:
    try:
        return Fate(name.replace("-", " ").lower())
    except ValueError as error:
        raise ConfigurationError(
            f"no file has the fate {name!r}", cure=nearest(name, list(Fate), f"one of: {', '.join(Fate)}")
        ) from error


def _first_ingest(home: Home) -> FirstIngest | None:
    """The process that makes the first release of a home, if there is none yet."""
    writer = read_writer(home) if newest_release(home) is None else None
    return FirstIngest(str(home.root), writer) if writer is not None else None
