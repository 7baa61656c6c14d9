"""Hits: the results of a search, each with its exact location in the file it came from."""

from pydantic import BaseModel


class Ranks(BaseModel, frozen=True):
    """The rank of a hit in each list, from 1; None where it was not in the list."""

    keyword: int | None
    vector: int | None


class ScoreParts(BaseModel, frozen=True):
    """The parts of a score as log-odds: score = 1 / (1 + exp(-(base + keyword + vector + rerank)))."""

    base: float = 0.0
    """From how well the whole query matched; the same for all hits of a search."""
    keyword: float = 0.0
    vector: float = 0.0
    rerank: float = 0.0
    """From the reranker; 0 without one."""


class HitLocation(BaseModel, frozen=True):
    """Another location of the same text."""

    chunk_id: str
    uri: str
    path: str
    start_line: int
    end_line: int
    page: int | None = None


class Hit(BaseModel, frozen=True):
    """A chunk that a search found."""

    rank: int
    score: float
    """The probability that the passage is relevant, 0 to 1, in every mode; see `knowledge.search.relevance`."""
    chunk_id: str
    doc_id: str
    uri: str
    title: str
    start_byte: int
    """`source_bytes[start_byte:end_byte]` decodes to `text` if `verbatim`; otherwise a range of the parsed text."""
    end_byte: int
    start_line: int
    end_line: int
    page: int | None = None
    """From 1, in documents that have pages or slides."""
    heading: str
    text: str
    ranks: Ranks
    source: str
    path: str
    encoding: str
    verbatim: bool
    kind: str
    parts: ScoreParts = ScoreParts()
    also_in: tuple[HitLocation, ...] = ()
    """Other chunks with the same text, or nearly the same text if near duplicates are folded."""


def format_location(name: str, start_line: int, end_line: int, page: int | None = None) -> str:
    """A location as a person would type it: `guide.md:3-9`, or `guide.pdf, page 3`."""
    if page is not None:
        return f"{name}, page {page}"
    return f"{name}:{start_line}" if start_line == end_line else f"{name}:{start_line}-{end_line}"
