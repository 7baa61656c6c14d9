"""`omni why-not`."""

from typing import Annotated

from typer import Argument

from omni_pipelines.cli.command import command
from omni_pipelines.cli.search_options import FeedbackOption, Filters, FusionOption, HitsOption, OpenLibrarian
from omni_pipelines.cli.views.search import show_why_not
from omni_pipelines.knowledge.search.options import Fusion
from omni_pipelines.knowledge.search.why_not import WhyNot


@command(show_why_not)
def why_not(
    filters: Filters,
    librarian: OpenLibrarian,
    query: Annotated[str, Argument(help="The query of the search.")],
    document: Annotated[
        str, Argument(help="The document that is missing, as omni search prints it, or its path or URI.")
    ],
    k: HitsOption = 10,
    fusion: FusionOption = Fusion.EVIDENCE,
    feedback: FeedbackOption = None,
) -> WhyNot:
    """Explain why a search does not find a document."""
    return librarian.why_not(query, document, k, filters, fusion=fusion, feedback=feedback)
