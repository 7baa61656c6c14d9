"""`omni search` and `omni why-not`."""

from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import command
from omni_pipelines.cli.search_options import FeedbackOption, Filters, FusionOption, HitsOption, OpenLibrarian
from omni_pipelines.cli.views.search import SearchResult, show_hits, show_why_not
from omni_pipelines.knowledge.search.options import Fusion, Mode
from omni_pipelines.knowledge.search.why_not import WhyNot


@command(show_hits)
def search(
    filters: Filters,
    librarian: OpenLibrarian,
    query: Annotated[str, Argument(help='What to search for. "Words in quotes" must follow each other.')],
    k: HitsOption = 10,
    mode: Annotated[Mode, Option(help="Search by words, by meaning, or by both.")] = Mode.HYBRID,
    fusion: FusionOption = Fusion.EVIDENCE,
    feedback: FeedbackOption = None,
    explain: Annotated[bool, Option("--explain", help="Show the parts that each score consists of.")] = False,
) -> SearchResult:
    """Find passages."""
    hits = librarian.search(query, k, mode, filters, fusion=fusion, feedback=feedback)
    return SearchResult(librarian.release, hits, explain)


@command(show_why_not)
def why_not(
    filters: Filters,
    librarian: OpenLibrarian,
    query: Annotated[str, Argument(help="The query of the search.")],
    document: Annotated[str, Argument(help="The document that is missing: its path, or a file URI.")],
    k: HitsOption = 10,
    fusion: FusionOption = Fusion.EVIDENCE,
    feedback: FeedbackOption = None,
) -> WhyNot:
    """Explain why a search does not find a document."""
    return librarian.why_not(query, document, k, filters, fusion=fusion, feedback=feedback)
