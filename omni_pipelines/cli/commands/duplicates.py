"""`omni duplicates`."""

from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.release_options import RefreshedHome, ViewerOrOwner
from omni_pipelines.cli.views.search import show_duplicates
from omni_pipelines.knowledge.search.duplicates import DuplicatePassages, find_duplicates
from omni_pipelines.knowledge.state.snapshot import Snapshot


@command(show_duplicates)
def duplicates(
    viewer: ViewerOrOwner,
    home: RefreshedHome,
    least: Annotated[
        float, Option(help="The least share of word sequences that they have in common, above 0 and at most 1.")
    ] = 0.8,
    limit: Annotated[int, Option("--limit", "-l", min=1, help="How many groups at most.")] = 20,
) -> Rows[DuplicatePassages]:
    """List passages that are the same or nearly the same.

    It lists them in groups, the largest group first.
    """
    groups = find_duplicates(Snapshot.open(home, viewer=viewer), least)
    passages = sum(len(group.places) for group in groups)
    return Rows("shown", groups[:limit], groups=len(groups), passages=passages)
