"""`omni gaps`."""

from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.release_options import RefreshedHome
from omni_pipelines.cli.views.search import show_gaps
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.gaps import Gap


@command(show_gaps)
def gaps(
    home: RefreshedHome,
    include_closed: Annotated[bool, Option("--all", help="Also gaps that are closed.")] = False,
    limit: Annotated[int, Option("--limit", "-l", min=1, help="How many gaps at most.")] = 20,
) -> Rows[Gap]:
    """List questions that were not answered, or only weakly.

    Similar questions are one gap. A release that answers them closes it.
    """
    all_gaps = Librarian.open(home).gaps()
    shown = [gap for gap in all_gaps if include_closed or gap.closed_by is None][:limit]
    return Rows("gaps", shown, open=sum(gap.closed_by is None for gap in all_gaps))
