"""Write the rows of a spreadsheet: gaps part tables, merged cells are repeated, comments stand in their cell."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.office.table_grid import MAX_REPEATED

MAX_COLUMNS = 16_384
MAX_REPEATED_COLUMNS = 64
NO_TEXT = "all its sheets are hidden or empty"
"""Why a workbook is refused."""
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class CellRange:
    """A rectangle of cells; rows and columns count from 1."""

    top: int
    left: int
    bottom: int
    right: int


def cell_range(reference: str) -> CellRange | None:
    """The rectangle of a reference such as `B2:C5` or `B2`; None if it is not one."""
    first, _, last = reference.replace("$", "").partition(":")
    (top, left), (bottom, right) = cell_place(first), cell_place(last or first)
    if not (top and left and bottom and right):
        return None
    return CellRange(min(top, bottom), min(left, right), max(top, bottom), max(left, right))


def cell_place(reference: str) -> tuple[int, int]:
    """Row and column of a reference such as `AB7`, from 1: (7, 28); 0 for what it does not say."""
    letters = reference.rstrip("0123456789")
    digits = reference[len(letters) :]
    column = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or column > MAX_COLUMNS:
            return 0, 0
        column = column * 26 + ord(letter) - 64
    return int(digits) if digits and len(digits) < 9 else 0, column


def unescaped(text: str) -> str:
    """A text of a workbook without its escapes: `_x000D_` is a line end, `_x005F_` an underscore."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def comment(author: str, text: str) -> str:
    """A comment with its author, whose name many programs also write before the text."""
    author = one_line(author)
    text = text.removeprefix(f"{author}:").strip() if author else text
    return f"Comment by {author}: {text}" if author else f"Comment: {text}"


def leave_out(sheets: Sequence[str], extraction: Extraction) -> None:
    """Say that hidden sheets are left out, if there are any."""
    if sheets:
        extraction.cut(f"hidden sheets are left out: {', '.join(sheets)}")


@dataclass(frozen=True)
class SheetNotes:
    """What a file says about the cells of a sheet, besides their values."""

    merged: Sequence[CellRange] = ()
    header_rows: frozenset[int] = frozenset()
    """Rows with the names of columns."""
    comments: dict[tuple[int, int], str] = field(default_factory=dict)
    """Row and column to the comments there, each as "Comment by NAME: TEXT"."""


class SheetRows:
    """Adds the rows of one sheet to a text, below a heading with the name of the sheet."""

    def __init__(self, extraction: Extraction, name: str, notes: SheetNotes | None = None) -> None:
        self._extraction, self._name = extraction, name
        notes = notes or SheetNotes()
        self._header_rows, self._comments = notes.header_rows, dict(notes.comments)
        self._merged = sorted(notes.merged, key=lambda each: each.top, reverse=True)
        self._open: list[tuple[CellRange, str]] = []
        self._last = 0
        self._is_after_header = False

    def merge(self, cells: CellRange) -> None:
        """Repeat the text of merged cells, whose first row is added next."""
        self._merged.append(cells)

    def add(self, number: int, cells: Sequence[str], *, is_header: bool = False) -> None:
        """Add a row, whose number is above that of the last one. A row without text is a gap."""
        row = list(cells)
        self._repeat_merged(number, row)
        for place in [place for place in self._comments if place[0] == number] if self._comments else ():
            row += [""] * (place[1] - len(row))
            row[place[1] - 1] = f"{row[place[1] - 1]} [{self._comments.pop(place)}]".lstrip()
        if not any(cell.strip() for cell in row):
            return
        if not self._last:
            self._extraction.heading(1, self._name)
        is_gap = not self._last or number > self._last + 1
        is_header = is_header or number in self._header_rows
        starts = is_header and not self._is_after_header
        self._extraction.row(row, first=is_gap or starts, continues=is_gap and not starts, header=is_header)
        self._last, self._is_after_header = number, is_header

    def add_visible(self, rows: Iterable[tuple[int, bool, Sequence[str]]], hidden_columns: Collection[int]) -> None:
        """Add rows, each as (number from 1, whether it is hidden, cells), and say whether hidden cells are left out.

        Columns count from 0.
        """
        has_hidden = False
        for number, is_hidden, cells in rows:
            shown = ["" if is_hidden or column in hidden_columns else cell for column, cell in enumerate(cells)]
            has_hidden |= shown != list(cells)
            self.add(number, shown)
        self.end()
        if has_hidden:
            self.say_hidden()

    def say_hidden(self) -> None:
        """Say that cells of the sheet are left out."""
        self._extraction.cut(f"hidden rows or columns of the sheet {self._name} are left out")

    def end(self, texts: Iterable[str] = ()) -> None:
        """Add what belongs to the sheet but to none of its rows: comments on empty rows, and these texts."""
        for text in (*self._comments.values(), *texts):
            if not self._last and text:
                self._extraction.heading(1, self._name)
                self._last = 1
            self._extraction.block(text)

    def _repeat_merged(self, number: int, row: list[str]) -> None:
        """Give each cell of a merged range its text, in rows that have other cells as well."""
        while self._merged and self._merged[-1].top <= number:
            each = self._merged.pop()
            text = row[each.left - 1] if each.top == number and each.left <= len(row) else ""
            if text and len(text) <= MAX_REPEATED:
                self._open.append((each, text))
        self._open = [(each, text) for each, text in self._open if each.bottom >= number]
        others = sum(map(bool, row))
        for each, text in self._open:
            if others > (each.top == number):
                last = min(each.right, each.left + MAX_REPEATED_COLUMNS, MAX_COLUMNS)
                row += [""] * (last - len(row))
                row[each.left - 1 : last] = [cell or text for cell in row[each.left - 1 : last]]
