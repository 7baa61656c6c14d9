"""What a reader makes of a file: text, structure, and the way back to bytes and lines."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from omni_pipelines.text.decoding import Decoded, newline_offsets


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
    """Text taken out of the file, where it is not the file's own characters (HTML)."""
    line_marks: tuple[tuple[int, int], ...] = field(default=())
    """For extracted text: (character, line of the file), rising."""

    @property
    def verbatim(self) -> bool:
        """Whether the text is the decoded file, character for character."""
        return self.extracted is None

    @property
    def text(self) -> str:
        """What is chunked, indexed and quoted."""
        return self.decoded.text if self.extracted is None else self.extracted

    def byte_offsets(self, positions: list[int]) -> list[int]:
        """Bytes of rising character positions: into the file, or into the UTF-8 of extracted text."""
        if self.extracted is None:
            return self.decoded.byte_offsets(positions)
        return Decoded(self.extracted, "utf-8", 0).byte_offsets(positions)

    def line(self, position: int) -> int:
        """The line of the file, from 1, that a character stands on."""
        if self.extracted is None:
            return bisect_right(self._newlines, position) + 1
        at = bisect_right(self.line_marks, (position, 1 << 62))
        return self.line_marks[at - 1][1] if at else 1

    @cached_property
    def _newlines(self) -> list[int]:
        return newline_offsets(self.decoded.text)
