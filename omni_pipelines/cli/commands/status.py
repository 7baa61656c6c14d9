"""`omni status`."""

from omni_pipelines.cli.command import command
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber, ViewerOrOwner
from omni_pipelines.cli.views.releases import FirstIngest, show_status
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import status
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.knowledge.state.writer import read_writer


@command(show_status)
def read(viewer: ViewerOrOwner, release: ReleaseNumber, home: RefreshedHome) -> status.Status | FirstIngest:
    """Show what the knowledge base holds, and what works on it."""
    return _first_ingest(home) or status.status(home, release, viewer)


def _first_ingest(home: Home) -> FirstIngest | None:
    """The process that makes the first release of a home, if there is none yet."""
    writer = read_writer(home) if newest_release(home) is None else None
    return FirstIngest(str(home.root), writer) if writer is not None else None
