"""A parsed document: its text, its structure, and the way back to the bytes and lines of the file."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from omni_pipelines.text.decoding import DecodedText, newline_offsets

Marks = tuple[tuple[int, int], ...]
"""(character, number) in ascending order: the number applies from that character up to the next mark."""


Heading = tuple[int, int, str]
"""Start, level from 1 (outermost), title."""


@dataclass(frozen=True)
class Section:
    """The text from character `start` up to the next section, under one heading path."""

    start: int
    path: tuple[str, ...]
    """Headings, outermost first; empty before the first heading."""


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
    language: str = ""
    """The language that the file declares, in its own spelling, such as `de-AT`; see `languages`."""

    @property
    def verbatim(self) -> bool:
        """Whether the text is the decoded file, character for character."""
        return self.extracted is None

    @property
    def text(self) -> str:
        """The text that is chunked, indexed and quoted."""
        return self.decoded.text if self.extracted is None else self.extracted

    @property
    def stored_bytes(self) -> bytes:
        """The bytes that byte ranges refer to: those of the file, or the UTF-8 of extracted text."""
        return self.decoded.file_bytes() if self.extracted is None else self.extracted.encode()

    def byte_offsets(self, positions: list[int]) -> list[int]:
        """Byte offsets of ascending character positions, in the file or in the UTF-8 of extracted text."""
        file = self.decoded if self.extracted is None else DecodedText(self.extracted, "utf-8", 0)
        return file.byte_offsets(positions)

    def line(self, position: int) -> int:
        """The line of a character, from 1: in the file if it has lines, else in the extracted text."""
        if not self.line_marks:
            return bisect_right(self._newlines, position) + 1
        return _number_at(self.line_marks, position) or 1

    def page(self, position: int) -> int | None:
        """The page of a character, from 1; None where the document has no pages."""
        return _number_at(self.page_marks, position)

    @cached_property
    def _newlines(self) -> list[int]:
        return newline_offsets(self.text)


def nest(headings: Iterable[Heading]) -> tuple[Section, ...]:
    """A section for each heading, in order; its path names the headings that enclose it, outermost first.

    A heading without a title ends those of its level and below: the text after it belongs to what encloses them.
    """
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    for start, level, title in headings:
        while above and above[-1][0] >= level:
            above.pop()
        if title:
            above.append((level, title))
        sections.append(Section(start, tuple(name for _, name in above)))
    return tuple(sections)


def _number_at(marks: Marks, position: int) -> int | None:
    index = bisect_right(marks, (position, 1 << 62))
    return marks[index - 1][1] if index else None
