"""`omni status`."""

from omni_pipelines.cli.command import command
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber, ViewerOrOwner
from omni_pipelines.cli.views.releases import show_status
from omni_pipelines.knowledge.state import status


@command(show_status)
def read(viewer: ViewerOrOwner, release: ReleaseNumber, home: RefreshedHome) -> status.Status:
    """Show what the knowledge base holds."""
    return status.status(home, release, viewer)
