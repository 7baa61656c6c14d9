"""Excel's binary workbooks (xlsb): each sheet is a section and each row a line, as in the reader of xlsx.

The parts are those of xlsx, with records instead of XML: [MS-XLSB], 2.3 and 2.4.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.office.package_parts import (
    CORE_PROPERTIES,
    document_properties,
    main_part,
    relations,
)
from omni_pipelines.text.readers.office.zip_archive import ZipArchive
from omni_pipelines.text.readers.sheets.number_formats import BUILT_IN, GENERAL, shown_number
from omni_pipelines.text.readers.sheets.sheet_rows import (
    MAX_COLUMNS,
    NO_TEXT,
    CellRange,
    SheetNotes,
    SheetRows,
    leave_out,
)

WORKBOOK = "xl/workbook.bin"
_ROW, _BLANK, _RK, _ERROR, _BOOLEAN, _REAL, _STRING, _SHARED = range(8)
_FORMULA_STRING, _FORMULA_NUMBER, _FORMULA_BOOLEAN, _FORMULA_ERROR = range(8, 12)
_SHARED_ITEM, _FORMAT, _STYLE, _COLUMNS = 19, 44, 47, 60
_WORKBOOK_PROPERTIES, _SHEET, _FILTER, _MERGED = 153, 156, 161, 176
_BEGIN_STYLES, _END_STYLES = 617, 618
_ERRORS = {
    0: "#NULL!",
    7: "#DIV/0!",
    15: "#VALUE!",
    23: "#REF!",
    29: "#NAME?",
    36: "#NUM!",
    42: "#N/A",
    43: "#GETTING_DATA",
}
_IS_ROW_HIDDEN = 0x10
_MAX_TEXT = 1 << 20
_NO_TEXT = 0xFFFFFFFF

_Record = tuple[int, bytes]


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The names of the sheets are headings, ` | ` separates cells, and empty rows are left out."""
    archive = ZipArchive(raw)
    try:
        return _read(archive, name)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Unreadable(RefusalCode.PARSE, f"a record is damaged: {error}") from error


def _read(archive: ZipArchive, name: str) -> Parsed:
    main = main_part(archive, WORKBOOK, ("sheet.binary.macroEnabled.main",))
    targets = relations(archive, main)
    parts = dict(targets.values())
    book = _Book(_strings(archive.optional(parts.get("sharedStrings", "xl/sharedStrings.bin"))))
    book.formats = _formats(archive.optional(parts.get("styles", "xl/styles.bin")))
    extraction = Extraction()
    hidden: list[str] = []
    for kind, content in _records(archive.read(main)):
        if kind == _WORKBOOK_PROPERTIES:
            book.is_from_1904 = bool(content[0] & 1)
        elif kind == _SHEET:
            relation, at = _text(content, 8)
            sheet, _ = _text(content, at)
            part_kind, part = targets.get(relation, ("", ""))
            if struct.unpack_from("<I", content)[0]:
                hidden.append(sheet)
            elif part_kind == "worksheet" and not extraction.is_full:
                _add_sheet(archive.read(part), sheet, book, extraction)
    leave_out(hidden, extraction)
    title, _ = document_properties(archive.optional(CORE_PROPERTIES))
    return extraction.parsed(name, title or name, no_text=NO_TEXT)


@dataclass
class _Book:
    strings: list[str]
    formats: list[str] = field(default_factory=list)
    is_from_1904: bool = False

    def number(self, number: float, style: int) -> str:
        code = self.formats[style] if style < len(self.formats) else GENERAL
        return shown_number(number, code, is_from_1904=self.is_from_1904) if abs(number) < float("inf") else ""


def _records(raw: bytes) -> Iterator[_Record]:
    """The records of a part: number, and content."""
    at = 0
    while at < len(raw):
        kind, at = _varint(raw, at, 2)
        length, at = _varint(raw, at, 4)
        yield kind, raw[at : at + length]
        at += length


def _varint(raw: bytes, at: int, most: int) -> tuple[int, int]:
    """A number in bytes of seven bits each, lowest first, and where it ends."""
    number = 0
    for shift in range(most):
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            break
    return number, at


def _text(content: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    (length,) = struct.unpack_from("<I", content, at)
    if length == _NO_TEXT:
        return "", at + 4
    if length > _MAX_TEXT:
        raise IndexError("a text is too long")
    end = at + 4 + 2 * length
    return content[at + 4 : end].decode("utf-16-le", "replace"), end


def _strings(raw: bytes | None) -> list[str]:
    return [_text(content, 1)[0] for kind, content in _records(raw or b"") if kind == _SHARED_ITEM]


def _formats(raw: bytes | None) -> list[str]:
    """The code of the number format of each cell style."""
    own: dict[int, str] = {}
    codes: list[str] = []
    is_in_styles = False
    for kind, content in _records(raw or b""):
        if kind == _FORMAT:
            own[struct.unpack_from("<H", content)[0]] = _text(content, 2)[0]
        elif kind in (_BEGIN_STYLES, _END_STYLES):
            is_in_styles = kind == _BEGIN_STYLES
        elif kind == _STYLE and is_in_styles:
            (number,) = struct.unpack_from("<H", content, 2)
            codes.append(own.get(number) or BUILT_IN.get(number, GENERAL))
    return codes


def _add_sheet(raw: bytes, name: str, book: _Book, extraction: Extraction) -> None:
    merged, header_rows, hidden_columns = list[CellRange](), set[int](), set[int]()
    for kind, content in _records(raw):
        if kind in (_MERGED, _FILTER):
            top, bottom, left, right = struct.unpack_from("<IIII", content)
            if kind == _MERGED:
                merged.append(CellRange(top + 1, left + 1, bottom + 1, right + 1))
            elif bottom > top:
                header_rows.add(top + 1)
        elif kind == _COLUMNS:
            first, last = struct.unpack_from("<II", content)
            if content[16] & 1:
                hidden_columns.update(range(first, min(last, MAX_COLUMNS) + 1))
    rows = SheetRows(extraction, name, SheetNotes(merged, frozenset(header_rows)))
    rows.add_visible(_rows(raw, book), hidden_columns)


def _rows(raw: bytes, book: _Book) -> Iterator[tuple[int, bool, list[str]]]:
    """Number from 1, whether it is hidden, and cells of each row."""
    number, is_hidden, cells = 0, False, list[str]()
    for kind, content in _records(raw):
        if kind == _ROW:
            if cells:
                yield number, is_hidden, cells
            number, is_hidden, cells = (
                struct.unpack_from("<I", content)[0] + 1,
                bool(content[11] & _IS_ROW_HIDDEN),
                [],
            )
        elif _BLANK < kind <= _FORMULA_ERROR:
            column, style = struct.unpack_from("<II", content)
            if len(cells) <= column < MAX_COLUMNS:
                cells += [""] * (column - len(cells)) + [_shown(kind, content, style & 0xFFFFFF, book)]
    if cells:
        yield number, is_hidden, cells


def _shown(kind: int, content: bytes, style: int, book: _Book) -> str:
    if kind in (_STRING, _FORMULA_STRING):
        return _text(content, 8)[0]
    if kind == _SHARED:
        (index,) = struct.unpack_from("<I", content, 8)
        return book.strings[index] if index < len(book.strings) else ""
    if kind in (_BOOLEAN, _FORMULA_BOOLEAN):
        return "TRUE" if content[8] else "FALSE"
    if kind in (_ERROR, _FORMULA_ERROR):
        return _ERRORS.get(content[8], "#ERROR")
    if kind == _RK:
        return book.number(rk_number(struct.unpack_from("<I", content, 8)[0]), style)
    return book.number(struct.unpack_from("<d", content, 8)[0], style)


def rk_number(packed: int) -> float:
    """A number in 30 bits: a whole number or the upper half of a double, perhaps times 100."""
    if packed & 2:
        number = float((packed >> 2) - (1 << 30 if packed & 0x80000000 else 0))
    else:
        (number,) = struct.unpack("<d", struct.pack("<Q", (packed & 0xFFFFFFFC) << 32))
    return number / 100 if packed & 1 else number
