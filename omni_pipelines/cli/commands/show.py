"""`omni show`."""

from typing import Annotated

from typer import Argument

from omni_pipelines.cli.command import command
from omni_pipelines.cli.search_options import OpenLibrarian
from omni_pipelines.cli.views.search import show_citation
from omni_pipelines.knowledge.search.citations import Passage


@command(show_citation)
def show(
    librarian: OpenLibrarian,
    citation: Annotated[
        str, Argument(help="What omni ask and omni search print: PATH:LINE, PATH:LINE-LINE, PATH:pPAGE.")
    ],
) -> Passage:
    """Print exactly the text that a citation names."""
    return librarian.show(citation)
