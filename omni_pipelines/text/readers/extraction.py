"""Collect text that is extracted from a file, block by block, with its headings, pages and lines."""

import re
from dataclasses import dataclass, field

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import EmbeddedFile, Heading, Parsed, TextTable, nest
from omni_pipelines.text.table_headers import (
    CELL_SEPARATOR,
    MAX_ROWS_CHECKED,
    header_names,
    header_of,
)

MAX_CHARACTERS = 32 << 20
"""Characters of one document's text. A file with more is a decompression bomb or a data set, not a document."""
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")
_MAX_REASONS = 3


def too_long(limit: int) -> str:
    """What is said about a document of which only the first `limit` characters were read."""
    return f"its text is longer than {limit:,} characters; the rest was not read"


def clean(text: str) -> str:
    r"""The text with \n as line ends, without control characters and lone surrogates."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The cleaned text on one line, with single spaces between its words."""
    return _SPACE.sub(" ", clean(text)).strip()


@dataclass
class _OpenTable:
    """The table whose rows are being added."""

    rows: list[list[str]] = field(default_factory=list)
    """The first rows of it that have text."""
    ends: list[int] = field(default_factory=list)
    """Where each of these ends."""
    start: int = 0
    end: int = 0
    marked: list[int] = field(default_factory=list)
    """The rows that the file marks as header."""

    def add(self, cells: list[str], start: int, end: int, *, is_header: bool) -> None:
        if not self.rows:
            self.start = start
        if is_header and len(self.rows) == len(self.marked):
            self.marked.append(len(self.rows))
        if len(self.rows) < MAX_ROWS_CHECKED:
            self.rows.append(cells)
            self.ends.append(end)
        self.end = end

    def table(self, above: TextTable | None) -> TextTable | None:
        """The table as it is marked; None if it has no header. `above` is the table directly before it.

        A part of a table after a blank row has the header of the part above, unless it clearly has its own.
        """
        if self.marked:
            names = header_names([self.rows[number] for number in self.marked])
            return TextTable(self.ends[self.marked[0]], self.end, names)
        header = header_of(self.rows)
        if above is not None and (header is None or not header.is_sure):
            return TextTable(self.start, self.end, above.header)
        return TextTable(self.ends[header.first], self.end, header.names) if header is not None else None


class Extraction:
    """Collects the text of one document."""

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._parts: list[str] = []
        self.length = 0
        self._headings: list[Heading] = []
        self._ended = 0
        """The level of the sections that end before the next block; 0 for none."""
        self._pages: list[tuple[int, int]] = []
        self._lines: list[tuple[int, int]] = []
        self._page: int | None = None
        self._confidences: list[tuple[int, float]] = []
        self._confidence = 1.0
        self._tables: list[TextTable] = []
        self._open: _OpenTable | None = None
        self._above: TextTable | None = None
        """The table that the open one may continue."""
        self._reasons: dict[str, None] = {}
        """What was not read, and why."""
        self._code = RefusalCode.NO_TEXT
        self.is_full = False
        """Whether nothing can be added any more: a reader may stop."""

    def block(self, text: str, *, apart: bool = True, line: int | None = None) -> int | None:
        """Add a paragraph, or with `apart=False` a line directly below the previous one, and return its start.

        Blank text adds nothing and returns None. Nothing is added beyond `max_characters`: the document is partial.
        `line` is the line of the file that the text comes from.
        """
        self._close_table()
        return self._add(text, apart=apart, line=line)

    def _add(self, text: str, *, apart: bool, line: int | None) -> int | None:
        text = clean(text).strip("\n").rstrip()
        if not text.strip() or self.is_full:
            return None
        if self.length + len(text) > self._max_characters:
            self.is_full = True
            self.cut(too_long(self._max_characters))
            return None
        if self._parts:
            text = ("\n\n" if apart else "\n") + text
        start = self.length + len(text) - len(text.lstrip("\n"))
        if self._page is not None:
            self._pages.append((start, self._page))
            self._page = None
        if self._confidence != (self._confidences[-1][1] if self._confidences else 1.0):
            self._confidences.append((start, self._confidence))
        if line is not None and (not self._lines or self._lines[-1][1] != line):
            self._lines.append((start, line))
        if self._ended:
            self._headings.append((start, self._ended, ""))
            self._ended = 0
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
        if self._ended:
            self._headings.append((start, self._ended, ""))
            self._ended = 0
        self._headings.append((start, level, one_line(title)))

    def end(self, level: int) -> None:
        """End the sections of a level and below: the next block belongs to what encloses them."""
        self._ended = min(level, self._ended or level)

    def end_sections(self) -> None:
        """End all sections: the next block is under no heading."""
        if self._parts:
            self._headings.append((self.length + 2, 1, ""))

    def row(
        self,
        cells: list[str],
        *,
        first: bool = False,
        header: bool = False,
        continues: bool = False,
        line: int | None = None,
    ) -> None:
        """Add a row of a table as one line; a blank line precedes the first row.

        Every chunk that starts below the header of a table carries the names of its columns. `header` is for rows
        that the file marks as header; without such a row, the cells tell which row it is. `continues` is for the
        first row of a part of a table after a gap, which may have no header of its own.
        """
        texts = [one_line(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        opened = self._open
        if opened is None or (first and not (continues and len(opened.rows) == 1)):
            self._close_table(keep=continues)
            opened = self._open = _OpenTable()
        start = self._add(CELL_SEPARATOR.join(texts), apart=first, line=line)
        if start is not None:
            opened.add(texts, start, self.length, is_header=header)

    def _close_table(self, *, keep: bool = False) -> None:
        opened, self._open = self._open, None
        if opened is not None and opened.rows:
            table = opened.table(self._above)
            self._tables += [table] if table is not None else []
            self._above = table
        if not keep:
            self._above = None

    def include(self, parsed: Parsed, level: int = 0) -> None:
        """Add the text of a document that is a part of this one, with its headings, below the one of `level`."""
        start = self.block(parsed.text)
        if start is not None:
            shift = start - (len(parsed.text) - len(parsed.text.lstrip("\n")))
            self._headings += [
                (shift + section.start, level + max(len(section.path), 1), section.path[-1] if section.path else "")
                for section in parsed.sections
            ]
            if parsed.partial:
                self.cut(parsed.partial)

    def page(self, number: int) -> None:
        """Start a page: the following blocks are on it."""
        self._page = number

    def recognized(self, confidence: float) -> None:
        """Say how sure the words of the following blocks are, from 0 to 1; 1 is for text that the file holds."""
        self._confidence = confidence

    @property
    def is_cut(self) -> bool:
        """Whether something was not read."""
        return bool(self._reasons)

    def cut(self, reason: str, code: RefusalCode = RefusalCode.NO_TEXT) -> None:
        """Say what of the file was not read, and why, as one sentence. The first reasons are kept.

        If nothing else of the file is text, `code` and the first reason are why it is refused.
        """
        if not self._reasons:
            self._code = code
        if len(self._reasons) < _MAX_REASONS:
            self._reasons[one_line(reason)] = None

    def parsed(
        self,
        name: str,
        title: str = "",
        language: str = "",
        no_text: str = "it contains no text",
        embedded: tuple[EmbeddedFile, ...] = (),
    ) -> Parsed:
        """The document. Without a title, its first heading or else `name` is its title.

        Raises:
            Unreadable: E_NO_TEXT, with `no_text` as the detail, or what `cut` was given.
        """
        self._close_table()
        if not self._parts:
            detail = no_text if self._code is RefusalCode.NO_TEXT else next(iter(self._reasons))
            raise Unreadable(self._code, detail)
        headings = [heading for heading in self._headings if heading[0] < self.length]
        return Parsed(
            DecodedText("", "utf-8", 0),
            one_line(title) or next((title for *_, title in headings if title), name),
            nest(headings),
            extracted="".join(self._parts),
            line_marks=tuple(self._lines),
            page_marks=tuple(self._pages),
            confidence_marks=tuple(self._confidences),
            tables=tuple(self._tables),
            language=language,
            partial="; ".join(self._reasons),
            embedded=embedded,
        )
