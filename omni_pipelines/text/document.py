"""A parsed document: its text, its structure, and the way back to the bytes and lines of the file."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.lines import Lines, Marks

HEADING_SEPARATOR = " > "
JOINED_SEPARATOR = "; "
"""It stands between the headings of a section path that is written as one text."""
Heading = tuple[int, int, str]
"""Start, level from 1 (outermost), title."""


Properties = Mapping[str, Sequence[str]]
"""Names to values, such as `tags` to the tags of a note."""


@dataclass(frozen=True)
class Section:
    """The text from character `start` up to the next section, under one heading path."""

    start: int
    path: tuple[str, ...]
    """Headings, outermost first; empty before the first heading."""


@dataclass(frozen=True)
class TextTable:
    """The rows of a table below the first row of its header: chunks that start in it carry the column names."""

    start: int
    """The first character after the first header row, or of the first row where the header is on an earlier page."""
    end: int
    header: str
    """The names of the columns, with ` | ` between them."""
    rows: tuple[int, ...] = ()
    """Where each row starts, if a row may have several lines; without them, each line is a row."""


@dataclass(frozen=True)
class EmbeddedFile:
    """A file inside a document that is a document of its own, such as an attachment."""

    name: str
    """Its name in the document, with `/` between folders."""
    raw: bytes
    media_type: str = ""
    """As the document declares it; empty if it does not."""
    charset: str = ""
    """The label by which the document declares its encoding; empty if it declares none."""


@dataclass(frozen=True)
class Parsed:
    """One document as text."""

    decoded: DecodedText
    """The file itself, decoded."""
    title: str
    sections: tuple[Section, ...] = ()
    extracted: str | None = None
    """The text, where it is extracted from the file (HTML, PDF); None where it is the file's own characters."""
    line_marks: Marks = ()
    """(character, line of the file) for text extracted from a text file; without them, the text's own lines count."""
    page_marks: Marks = ()
    """(character, page or slide, from 1); empty for documents without pages."""
    confidence_marks: tuple[tuple[int, float], ...] = ()
    """(character, how sure the words from there on are) for text recognised in pictures, 0 to 1; 1 is other text."""
    tables: tuple[TextTable, ...] = ()
    """The tables with a header that the reader knows of, in order; `chunk_context` finds those that are only text."""
    language: str = ""
    """The language that the file declares, in its own spelling, such as `de-AT`; see `languages`."""
    partial: str = ""
    """What of the file was not read, and why, as one sentence; "" if all of it was read."""
    properties: Properties = field(default_factory=dict)
    """What the file says about itself: its `tags`, `aliases`, and the `links` to other notes."""
    embedded: tuple[EmbeddedFile, ...] = ()
    """The files inside it, which are read as documents of their own; not stored with this one."""

    @property
    def verbatim(self) -> bool:
        """Whether the text is the decoded file, and every range of it has a range of bytes of its own."""
        return self.extracted is None and self.decoded.is_exact

    @property
    def text(self) -> str:
        """The text that is chunked, indexed and quoted."""
        return self.decoded.text if self.extracted is None else self.extracted

    @property
    def stored_bytes(self) -> bytes:
        """The bytes that byte ranges refer to: those of the file, or the UTF-8 of extracted text."""
        return self.decoded.file_bytes() if self.verbatim else self.text.encode()

    def byte_offsets(self, positions: list[int]) -> list[int]:
        """Byte offsets of ascending character positions, in the file or in the UTF-8 of extracted text."""
        file = self.decoded if self.verbatim else DecodedText(self.text, "utf-8", 0)
        return file.byte_offsets(positions)

    def line(self, position: int) -> int:
        """The line of a character, from 1: in the file if it has lines, else on its page or in the extracted text."""
        part = self.part_at(position)
        return part.lines.place(position - part.start).line

    def page(self, position: int) -> int | None:
        """The page of a character, from 1; None where the document has no pages."""
        return self.part_at(position).page

    def confidence(self, start: int, end: int) -> float:
        """How sure the words of a range are: those that are least sure, and 1 for what was not recognised."""
        marks = self.confidence_marks
        at = bisect_right(marks, (start, 2.0)) - 1
        until = bisect_left(marks, (end, 0.0))
        return min((confidence for _, confidence in marks[max(at, 0) : until]), default=1.0) if marks else 1.0

    def part_at(self, position: int) -> "Part":
        """The page that holds a character; the whole document if it has no pages."""
        return self.parts[max(bisect_right(self._part_starts, position) - 1, 0)]

    @cached_property
    def parts(self) -> tuple["Part", ...]:
        """The pages in order; the whole document if it has none."""
        if not self.page_marks:
            return (Part(0, None, self.text, self.line_marks),)
        starts = [0, *(start for start, _ in self.page_marks[1:]), len(self.text)]
        bounds = zip(itertools.pairwise(starts), self.page_marks, strict=True)
        return tuple(Part(start, number, self.text[start:end].rstrip()) for (start, end), (_, number) in bounds)

    @cached_property
    def _part_starts(self) -> list[int]:
        return [part.start for part in self.parts]


@dataclass(frozen=True)
class Part:
    """A page of a document, or all of a document without pages: within it, each line has one number."""

    start: int
    """Its first character in the text of the document."""
    page: int | None
    text: str
    """Without the blank lines before the next page."""
    line_marks: Marks = ()

    @property
    def end(self) -> int:
        """The character of the document after its last one."""
        return self.start + len(self.text)

    @cached_property
    def lines(self) -> Lines:
        """Its lines; positions count from its start."""
        return Lines.of(self.text, self.line_marks)


def nest(headings: Iterable[Heading]) -> tuple[Section, ...]:
    """A section for each heading, in order; its path names the headings that enclose it, outermost first.

    A heading without a title ends those of its level and below: the text after it belongs to what encloses them. It
    gives no section of its own if it ends nothing, or where another heading starts.
    """
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    ended: int | None = None
    for start, level, title in headings:
        if ended == start:
            sections.pop()
        depth = len(above)
        while above and above[-1][0] >= level:
            above.pop()
        if title:
            above.append((level, title))
        ended = start if not title and len(above) < depth else None
        if title or ended is not None:
            sections.append(Section(start, tuple(name for _, name in above)))
    return tuple(sections)
