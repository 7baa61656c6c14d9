"""`omni search`."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.formats import Format, FormatOption
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.search_options import (
    FeedbackOption,
    Filters,
    FusionOption,
    HitsOption,
    OpenLibrarian,
    tell_vector_share,
)
from omni_pipelines.cli.stdin import words_or_stdin
from omni_pipelines.cli.views.search import FoundFile, FoundFiles, SearchResult, show_found
from omni_pipelines.errors import NoAnswer
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import MAX_HITS, Fusion, Mode

_HITS_PER_FILE = 10
"""Hits that are looked at for each document that `--files` prints."""

QueryArgument = Annotated[
    list[str],
    Argument(
        metavar="QUERY",
        help="What to search for, or - for standard input. '\"Words in quotes\"' must follow each other.",
    ),
]
ScoreOption = Annotated[
    float, Option("--min-score", min=0, max=1, metavar="SCORE", help="Leave out hits with a lower score, 0 to 1.")
]


@command(show_found)
def search(
    filters: Filters,
    librarian: OpenLibrarian,
    query: QueryArgument,
    k: HitsOption = 10,
    mode: Annotated[Mode, Option(help="Search by words, by meaning, or by both.")] = Mode.HYBRID,
    min_score: ScoreOption = 0.0,
    files: Annotated[bool, Option("--files", help="Print one line per document; -k counts documents.")] = False,
    form: FormatOption = Format.TEXT,
    fusion: FusionOption = Fusion.EVIDENCE,
    feedback: FeedbackOption = None,
    explain: Annotated[bool, Option("--explain", help="Show the parts that each score consists of.")] = False,
) -> Result[SearchResult | FoundFiles]:
    """Find passages by their words and their meaning.

    The exit code is 1 if nothing is found.
    """
    words = words_or_stdin(query)
    tell_vector_share(librarian)
    count = min(k * _HITS_PER_FILE, MAX_HITS) if files else k
    hits = librarian.search(words, count, mode, filters, fusion=fusion, feedback=feedback, min_score=min_score)
    if hits and mode is Mode.HYBRID and not any(dict(hit.ranks).get("keyword") for hit in hits):
        narrate("note: no passage contains a word of the query; these are the nearest by meaning")
    nothing = NoAnswer("nothing matches", cure=_what_to_try(filters, mode, min_score))
    found: SearchResult | FoundFiles
    if files:
        found = FoundFiles(librarian.release, _by_document(hits)[:k], form)
    else:
        found = SearchResult(librarian.release, hits, librarian.query_forms(words), librarian.forms, explain, form)
    return Result(found, error=None if hits else nothing)


def _by_document(hits: Sequence[Hit]) -> list[FoundFile]:
    """The documents of hits, in the order of their best hit."""
    documents: dict[str, list[Hit]] = {}
    for hit in hits:
        documents.setdefault(hit.doc_id, []).append(hit)
    return [
        FoundFile(best.path, best.source, best.uri, best.score, len(found))
        for found in documents.values()
        for best in found[:1]
    ]


def _what_to_try(filters: Mapping[str, str], mode: Mode, min_score: float) -> str:
    if filters:
        return f"search everything: leave out --where {next(iter(filters))}=…"
    if min_score > 0:
        return f"accept weaker hits: --min-score below {min_score:g}"
    if mode is Mode.KEYWORD:
        return "search by meaning as well: leave out --mode keyword"
    return "use other words; see which documents there are: omni ls"
