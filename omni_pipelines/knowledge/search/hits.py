"""Hits: the results of a search, each with its exact location in the file it came from."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, PrivateAttr

from omni_pipelines.knowledge.search.citation_names import cited_name, cited_place
from omni_pipelines.rows import ChunkRow
from omni_pipelines.text.lines import Lines, Marks, Place

LOW_CONFIDENCE = 0.8
"""Of recognised words: below it, several in a hundred letters are wrong."""

STALE = "the file has changed since it was read"


def doubt(confidence: float) -> str:
    """What a person should know about words with a low confidence; "" about all others."""
    return f"recognised in a picture, only {confidence:.0%} sure" if confidence < LOW_CONFIDENCE else ""


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

    citation: str
    chunk_id: str
    uri: str
    source: str
    path: str
    start_line: int
    end_line: int
    page: int | None = None


class ChunkLayout(BaseModel, frozen=True):
    """How the text of a chunk lies in the lines of its document; a part of the metadata of the chunk."""

    start_column: int = 1
    """Column of its first character, from 1."""
    ends_line: bool = True
    """Whether it ends where a line ends."""
    line_marks: Marks = ()
    """(character, line) where the text was extracted from a file with lines."""

    def lines(self, text: str, start_line: int) -> Lines:
        """The lines of its text."""
        first = Place(start_line, self.start_column)
        return Lines.of(text, self.line_marks, first, is_closed=self.ends_line)

    def cite(self, text: str, start_line: int) -> str:
        """The place of all its text, as `Lines.cite` gives it."""
        is_whole_lines = self.start_column == 1 and self.ends_line and text[-1:].strip()
        if is_whole_lines and not self.line_marks and "\r" not in text:  # most chunks: counting is faster
            last = start_line + text.count("\n")
            return f"{start_line}-{last}" if last > start_line else f"{start_line}"
        return self.lines(text, start_line).cite(0, len(text))


class Hit(BaseModel, frozen=True):
    """A chunk that a search found."""

    rank: int
    citation: str
    """Opens exactly `text`; see `citation_names`."""
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
    confidence: float = 1.0
    """How sure the words are, 0 to 1: below 1 if they were recognised in a scan or picture, see `doubt`."""
    parts: ScoreParts = ScoreParts()
    also_in: tuple[HitLocation, ...] = ()
    """Other chunks with the same text, or nearly the same text if near duplicates are folded."""
    modified: datetime | None = None
    """The time of the last change of the file, when it was read."""
    source_seen: datetime | None = None
    """When its source was last listed completely, with or without a change."""
    stale: bool | None = None
    """Whether the file is gone or has another content now; None if that was not looked at or cannot be said."""
    _layout: ChunkLayout = PrivateAttr(default_factory=ChunkLayout)

    def laid_out(self, layout: ChunkLayout) -> Self:
        """The hit with the layout of its chunk."""
        self._layout = layout
        return self

    @property
    def lines(self) -> Lines:
        """The lines of its text; positions count from its start."""
        return self._layout.lines(self.text, self.start_line)


def caveats(hit: Hit) -> list[str]:
    """What a person should know about the words of a hit before they trust them."""
    return [*filter(None, [doubt(hit.confidence)]), *([STALE] if hit.stale else [])]


def chunk_citation(row: ChunkRow, layout: ChunkLayout) -> str:
    """The citation of a whole chunk."""
    name = cited_name(row["source"], row["path"], row["uri"])
    return name + cited_place(layout.cite(row["text"], row["start_line"]), row["page"])


def cite_part(hit: Hit, start: int, end: int) -> str:
    """The citation of the characters from `start` to `end` of a hit's text."""
    return cited_name(hit.source, hit.path, hit.uri) + cited_place(hit.lines.cite(start, end), hit.page)
