"""Text that is taken out of a file, block by block, with its headings, pages and lines."""

from __future__ import annotations

import re

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import Decoded
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.headings import nest

MAX_CHARACTERS = 32 << 20
"""Of one document's text. More is a bomb, or a data set and no document."""
CELL_SEPARATOR = " | "
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """The text with plain line ends, without control characters and halves of characters."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The text with single blanks between its words."""
    return _SPACE.sub(" ", clean(text)).strip()


class Extraction:
    """Collects the text of one document."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.length = 0
        """Characters so far: where the next block begins, but for the line ends in front of it."""
        self._headings: list[tuple[int, int, str]] = []
        self._pages: list[tuple[int, int]] = []
        self._lines: list[tuple[int, int]] = []
        self._page: int | None = None

    def block(self, text: str, *, apart: bool = True, line: int | None = None) -> int | None:
        """Add a paragraph, or with `apart=False` a line right below the one before; where it begins.

        Blank text adds nothing, and gives None. `line` is the line of the file it comes from.

        Raises:
            Unreadable: E_OUTPUT_LIMIT.
        """
        text = clean(text).strip("\n").rstrip()
        if not text.strip():
            return None
        if self._parts:
            text = ("\n\n" if apart else "\n") + text
        start = self.length + len(text) - len(text.lstrip("\n"))
        if self._page is not None:
            self._pages.append((start, self._page))
            self._page = None
        if line is not None and (not self._lines or self._lines[-1][1] != line):
            self._lines.append((start, line))
        self._parts.append(text)
        self.length += len(text)
        if self.length > MAX_CHARACTERS:
            raise Unreadable(RefusalCode.OUTPUT_LIMIT, f"more than {MAX_CHARACTERS:,} characters of text")
        return start

    def heading(self, level: int, title: str, *, line: int | None = None) -> None:
        """Add a heading: a block, and a section from here on. `level` counts from 1, the outermost."""
        title = one_line(title)
        start = self.block(title, line=line)
        if start is not None:
            self._headings.append((start, level, title))

    def mark(self, level: int, title: str) -> None:
        """Begin a section with the next block, whose title the text itself does not say."""
        start = self.length + 2 if self._parts else 0
        self._headings.append((start, level, one_line(title)))

    def row(self, cells: list[str], *, first: bool = False, line: int | None = None) -> None:
        """Add a table's row as one line; the first row stands apart from what is above."""
        texts = [one_line(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        self.block(CELL_SEPARATOR.join(texts), apart=first, line=line)

    def page(self, number: int) -> None:
        """Whatever is added from here on stands on this page."""
        self._page = number

    def parsed(self, name: str, title: str = "", nothing: str = "no text in it", language: str = "") -> Parsed:
        """The document. Without a title of its own it is called by its first heading, or by `name`.

        Raises:
            Unreadable: E_NO_TEXT, with `nothing` as the detail.
        """
        if not self._parts:
            raise Unreadable(RefusalCode.NO_TEXT, nothing)
        headings = [each for each in self._headings if each[0] < self.length and each[2]]
        return Parsed(
            Decoded("", "utf-8", 0),
            one_line(title) or (headings[0][2] if headings else name),
            nest(headings),
            extracted="".join(self._parts),
            line_marks=tuple(self._lines),
            page_marks=tuple(self._pages),
            language=language,
        )
