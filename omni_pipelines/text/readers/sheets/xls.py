"""Excel before 2007: each sheet is a section and each row a line, as in the reader of newer files.

Comments stand in their cell, merged cells are repeated, and hidden sheets, rows and columns are left out.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.sheets.number_formats import GENERAL, shown_number
from omni_pipelines.text.readers.sheets.sheet_rows import (
    NO_TEXT,
    CellRange,
    SheetNotes,
    SheetRows,
    comment,
    leave_out,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlrd.book import Book
    from xlrd.sheet import Cell, Sheet

_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, TypeError, ValueError,
    struct.error,
)  # fmt: skip
"""What xlrd raises for damaged files besides its own errors: it trusts the numbers in them."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The names of the sheets are headings, ` | ` separates cells, and empty rows are left out."""
    import xlrd
    from xlrd.biffh import XLRDError
    from xlrd.compdoc import CompDocError

    if raw.startswith(b"PK"):
        raise Unreadable(RefusalCode.PARSE, "not a workbook of Excel before 2007")
    try:
        book = xlrd.open_workbook(file_contents=raw, formatting_info=True, ragged_rows=True, logfile=io.StringIO())
        return _read(book, name)
    except XLRDError as error:
        is_encrypted = "encrypted" in str(error).lower()
        raise Unreadable(RefusalCode.ENCRYPTED if is_encrypted else RefusalCode.PARSE, str(error)) from error
    except CompDocError as error:
        raise Unreadable(RefusalCode.PARSE, str(error)) from error
    except _DAMAGE as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {type(error).__name__}: {error}") from error


def _read(book: Book, name: str) -> Parsed:
    extraction = Extraction()
    hidden: list[str] = []
    for sheet in book.sheets():
        if sheet.visibility:
            hidden.append(sheet.name)
        elif not extraction.is_full:
            _add_sheet(book, sheet, extraction)
    leave_out(hidden, extraction)
    return extraction.parsed(name, no_text=NO_TEXT)


def _add_sheet(book: Book, sheet: Sheet, extraction: Extraction) -> None:
    merged = [CellRange(top + 1, left + 1, bottom, right) for top, bottom, left, right in sheet.merged_cells]
    comments = {
        (row + 1, column + 1): comment(note.author or "", one_line(note.text or ""))
        for (row, column), note in sheet.cell_note_map.items()
        if (note.text or "").strip()
    }
    rows = SheetRows(extraction, sheet.name, SheetNotes(merged, comments=comments))
    hidden_columns = {column for column, info in sheet.colinfo_map.items() if info.hidden}
    rows.add_visible(_rows(book, sheet), hidden_columns)


def _rows(book: Book, sheet: Sheet) -> Iterator[tuple[int, bool, list[str]]]:
    """Number from 1, whether it is hidden, and cells of each row."""
    for number in range(sheet.nrows):
        is_hidden = number in sheet.rowinfo_map and bool(sheet.rowinfo_map[number].hidden)
        yield number + 1, is_hidden, [_shown(book, cell) for cell in sheet.row(number)]


def _shown(book: Book, cell: Cell) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_TEXT:
        return str(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(int(cell.value), "#ERROR"))
    if cell.ctype not in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
        return ""
    styles = book.xf_list
    style = styles[cell.xf_index] if cell.xf_index is not None and 0 <= cell.xf_index < len(styles) else None
    code = book.format_map.get(style.format_key) if style is not None else None
    return shown_number(float(cell.value), code.format_str if code else GENERAL, is_from_1904=book.datemode == 1)
