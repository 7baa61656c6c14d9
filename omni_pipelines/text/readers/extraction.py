"""Collect text that is extracted from a file, block by block, with its headings, pages and lines."""

import re

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Heading, Parsed, nest

MAX_CHARACTERS = 32 << 20
"""Characters of one document's text. A file with more is a decompression bomb or a data set, not a document."""
CELL_SEPARATOR = " | "
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    r"""The text with \n as line ends, without control characters and lone surrogates."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The cleaned text on one line, with single spaces between its words."""
    return _SPACE.sub(" ", clean(text)).strip()


class Extraction:
    """Collects the text of one document."""

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._parts: list[str] = []
        self.length = 0
        self._headings: list[Heading] = []
        self._pages: list[tuple[int, int]] = []
        self._lines: list[tuple[int, int]] = []
        self._page: int | None = None
        self._partial = ""
        self.is_full = False
        """Whether nothing can be added any more: a reader may stop."""

    def block(self, text: str, *, apart: bool = True, line: int | None = None) -> int | None:
        """Add a paragraph, or with `apart=False` a line directly below the previous one, and return its start.

        Blank text adds nothing and returns None. Nothing is added beyond `max_characters`: the document is partial.
        `line` is the line of the file that the text comes from.
        """
        text = clean(text).strip("\n").rstrip()
        if not text.strip() or self.is_full:
            return None
        if self.length + len(text) > self._max_characters:
            self.is_full = True
            self.cut(f"its text is longer than {self._max_characters:,} characters; the rest was not read")
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
        return start

    def heading(self, level: int, title: str, *, line: int | None = None) -> None:
        """Add a heading: a block that starts a section. `level` counts from 1, the outermost."""
        title = one_line(title)
        start = self.block(title, line=line)
        if start is not None:
            self._headings.append((start, level, title))

    def mark(self, level: int, title: str) -> None:
        """Start a section at the next block, with a title that is not part of the text."""
        start = self.length + 2 if self._parts else 0
        self._headings.append((start, level, one_line(title)))

    def end_sections(self) -> None:
        """End all sections: the next block is under no heading."""
        if self._parts:
            self._headings.append((self.length + 2, 1, ""))

    def row(self, cells: list[str], *, first: bool = False, line: int | None = None) -> None:
        """Add a row of a table as one line; a blank line precedes the first row."""
        texts = [one_line(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        self.block(CELL_SEPARATOR.join(texts), apart=first, line=line)

    def include(self, parsed: Parsed) -> None:
        """Add the text of a document that is a part of this one, with its headings."""
        start = self.block(parsed.text)
        if start is not None:
            shift = start - (len(parsed.text) - len(parsed.text.lstrip("\n")))
            self._headings += [
                (shift + section.start, max(len(section.path), 1), section.path[-1] if section.path else "")
                for section in parsed.sections
            ]
            if parsed.partial:
                self.cut(parsed.partial)

    def page(self, number: int) -> None:
        """Start a page: the following blocks are on it."""
        self._page = number

    def cut(self, reason: str) -> None:
        """Say what of the file was not read, and why, as one sentence. The first reason is kept."""
        self._partial = self._partial or one_line(reason)

    def parsed(self, name: str, title: str = "", language: str = "", no_text: str = "it contains no text") -> Parsed:
        """The document. Without a title, its first heading or else `name` is its title.

        Raises:
            Unreadable: E_NO_TEXT, with `no_text` as the detail.
        """
        if not self._parts:
            raise Unreadable(RefusalCode.NO_TEXT, no_text)
        headings = [heading for heading in self._headings if heading[0] < self.length]
        return Parsed(
            DecodedText("", "utf-8", 0),
            one_line(title) or next((title for *_, title in headings if title), name),
            nest(headings),
            extracted="".join(self._parts),
            line_marks=tuple(self._lines),
            page_marks=tuple(self._pages),
            language=language,
            partial=self._partial,
        )
