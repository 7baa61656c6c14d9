"""What a reader makes of a file: text, structure, and the way back to bytes and lines."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from omni_pipelines.text.decoding import Decoded, newline_offsets

Marks = tuple[tuple[int, int], ...]
"""(character, number), rising: from that character on, up to the next mark, the number holds."""


@dataclass(frozen=True)
class Section:
    """From character `start` on, the text stands under this heading path, up to the next section."""

    start: int
    path: tuple[str, ...]


@dataclass(frozen=True)
class Parsed:
    """One document as text."""

    decoded: Decoded
    """The file itself, decoded."""
    title: str
    sections: tuple[Section, ...] = ()
    extracted: str | None = None
    """Text taken out of the file, where it is not the file's own characters (HTML, PDF)."""
    line_marks: Marks = ()
    """For text extracted from a text file: (character, line of the file). Without, the text's own lines count."""
    page_marks: Marks = ()
    """(character, page or slide from 1), rising; none where the document has no pages."""
    language: str = ""
    """What the file says its language is, as the file writes it: `de-AT`; see `languages`."""

    @property
    def verbatim(self) -> bool:
        """Whether the text is the decoded file, character for character."""
        return self.extracted is None

    @property
    def text(self) -> str:
        """What is chunked, indexed and quoted."""
        return self.decoded.text if self.extracted is None else self.extracted

    @property
    def stored_bytes(self) -> bytes:
        """The text as the bytes that ranges of bytes count in: as in the file, or UTF-8 of extracted text."""
        return self.decoded.file_bytes() if self.extracted is None else self.extracted.encode()

    def byte_offsets(self, positions: list[int]) -> list[int]:
        """Bytes of rising character positions: into the file, or into the UTF-8 of extracted text."""
        if self.extracted is None:
            return self.decoded.byte_offsets(positions)
        return Decoded(self.extracted, "utf-8", 0).byte_offsets(positions)

    def line(self, position: int) -> int:
        """The line, from 1, that a character stands on: of the file if it has lines, else of the extracted text."""
        if not self.line_marks:
            return bisect_right(self._newlines, position) + 1
        return _at(self.line_marks, position) or 1

    def page(self, position: int) -> int | None:
        """The page, from 1, that a character stands on; None where the document has no pages."""
        return _at(self.page_marks, position)

    @cached_property
    def _newlines(self) -> list[int]:
        return newline_offsets(self.text)


def _at(marks: Marks, position: int) -> int | None:
    at = bisect_right(marks, (position, 1 << 62))
    return marks[at - 1][1] if at else None
