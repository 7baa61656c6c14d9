"""Excel and OpenDocument spreadsheets with cells of every kind, written as XML."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from tests.samples.office import HEADER, archive, opendocument, relations

_NS = (
    'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)


def workbook(
    rows: str,
    formats: Sequence[str] = (),
    *,
    before: str = "",
    after: str = "",
    properties: str = "",
    state: str = "visible",
    parts: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook with one sheet "S" of these rows. Style n of a cell has the n-th of the formats, from 1."""
    codes = "".join(
        f'<numFmt numFmtId="{170 + at}" formatCode={quoteattr(code)}/>' for at, code in enumerate(formats)
    )
    styles = "".join(f'<xf numFmtId="{170 + at}"/>' for at in range(len(formats)))
    return archive(
        {
            "[Content_Types].xml": f"{HEADER}<Types/>",
            "xl/workbook.xml": f"{HEADER}<workbook {_NS}>{properties}<sheets>"
            f'<sheet name="S" state="{state}" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(
                {"r1": ("worksheet", "worksheets/sheet1.xml"), "r2": ("styles", "styles.xml")}
            ),
            "xl/styles.xml": f"{HEADER}<styleSheet {_NS}><numFmts>{codes}</numFmts>"
            f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
            "xl/worksheets/sheet1.xml": f"{HEADER}<worksheet {_NS}>{before}<sheetData>{rows}</sheetData>{after}"
            "</worksheet>",
            **(parts or {}),
        }
    )


def text_cells(number: int, *texts: str, attributes: str = "") -> str:
    """A row of texts; an empty text is no cell."""
    cells = "".join(
        f'<c r="{chr(65 + at)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        for at, text in enumerate(texts)
        if text
    )
    return f'<row r="{number}" {attributes}>{cells}</row>'


def number_cell(value: object, style: int = 0) -> str:
    """A row with one number."""
    return f'<row><c s="{style}"><v>{value}</v></c></row>'


def ods(rows: str, *, before: str = "", attributes: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    """An OpenDocument spreadsheet with one sheet "S"."""
    sheet = f'{before}<table:table table:name="S" {attributes}>{rows}</table:table>'
    return opendocument(sheet, kind="spreadsheet", parts=parts)


def old_workbook(
    rows: Sequence[Sequence[str | float | tuple[float, int]]],
    formats: Sequence[str] = (),
    *,
    hidden: bool = False,
    merged: Sequence[tuple[int, int, int, int]] = (),
    from_1904: bool = False,
) -> bytes:
    """A workbook of Excel 97 with one sheet "S". A number with style n has the n-th of the formats, from 1.

    The records are those of [MS-XLS]; the file is their stream alone, without the container around it.
    """
    codes = [
        _record(0x041E, struct.pack("<HHB", 170 + at, len(code), 1), code.encode("utf-16-le"))
        for at, code in enumerate(formats)
    ]
    styles = [
        _record(0x00E0, struct.pack("<HHHBBBBIIH", 0, 0 if at < 0 else 170 + at, 1, 0, 0, 0, 0, 0, 0, 0))
        for at in range(-1, len(formats))
    ]
    font = _record(0x0031, struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 1, 0), b"A")
    head = [
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0)),
        _record(0x0022, struct.pack("<H", from_1904)),
        font,
        *codes,
        *styles,
    ]
    start = sum(map(len, head)) + len(_boundary(0, hidden=hidden)) + 4
    return b"".join([*head, _boundary(start, hidden=hidden), _record(0x000A), *_sheet_records(rows, merged)])


def _boundary(start: int, *, hidden: bool) -> bytes:
    return _record(0x0085, struct.pack("<IBBBB", start, hidden, 0, 1, 0), b"S")


def _sheet_records(
    rows: Sequence[Sequence[str | float | tuple[float, int]]], merged: Sequence[tuple[int, int, int, int]]
) -> Iterator[bytes]:
    yield _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0, 0, 0, 0))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                text = cell.encode("utf-16-le")
                yield _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(cell), 1), text) if cell else b""
            else:
                number, style = cell if isinstance(cell, tuple) else (cell, 0)
                yield _record(0x0203, struct.pack("<HHHd", row, column, style, number))
    if merged:
        ranges = b"".join(struct.pack("<HHHH", *each) for each in merged)
        yield _record(0x00E5, struct.pack("<H", len(merged)), ranges)
    yield _record(0x000A)


def _record(kind: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack("<HH", kind, len(content)) + content


def binary_workbook(
    rows: Sequence[Sequence[str | float | tuple[float, int]]],
    formats: Sequence[str] = (),
    *,
    hidden: bool = False,
    merged: Sequence[tuple[int, int, int, int]] = (),
) -> bytes:
    """A binary workbook (xlsb) with one sheet "S"; texts are shared. The records are those of [MS-XLSB]."""
    strings = [cell for row in rows for cell in row if isinstance(cell, str)]
    codes = b"".join(_part(44, struct.pack("<H", 170 + at), _wide(code)) for at, code in enumerate(formats))
    styles = b"".join(_part(47, struct.pack("<HH", 0, 170 + at if at >= 0 else 0)) for at in range(-1, len(formats)))
    ranges = b"".join(_part(176, struct.pack("<IIII", *each)) for each in merged)
    sheet = _part(156, struct.pack("<II", hidden, 1), _wide("r1"), _wide("S"))
    return archive(
        {
            "[Content_Types].xml": f"{HEADER}<Types/>",
            "xl/workbook.bin": _part(143) + sheet + _part(144),
            "xl/_rels/workbook.bin.rels": relations(
                {
                    "r1": ("worksheet", "worksheets/sheet1.bin"),
                    "r2": ("styles", "styles.bin"),
                    "r3": ("sharedStrings", "sharedStrings.bin"),
                }
            ),
            "xl/styles.bin": _part(615, _count(formats))
            + codes
            + _part(616)
            + _part(617, _count(formats))
            + styles
            + _part(618),
            "xl/sharedStrings.bin": _part(159, _count(strings), _count(strings))
            + b"".join(_part(19, b"\0", _wide(text)) for text in strings),
            "xl/worksheets/sheet1.bin": _part(
                148, struct.pack("<IIII", 0, len(rows), 0, max(map(len, rows), default=0))
            )
            + _part(145)
            + b"".join(_binary_rows(rows))
            + _part(146)
            + ranges,
        }
    )


def _binary_rows(rows: Sequence[Sequence[str | float | tuple[float, int]]]) -> Iterator[bytes]:
    shared = 0
    for row, cells in enumerate(rows):
        yield _part(0, struct.pack("<IIHBB", row, 0, 300, 0, 0))
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                yield _part(7, struct.pack("<III", column, 0, shared)) if cell else b""
                shared += 1
            else:
                number, style = cell if isinstance(cell, tuple) else (cell, 0)
                yield _part(5, struct.pack("<IId", column, style, number))


def _count(items: Sequence[object]) -> bytes:
    return struct.pack("<I", len(items))


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _part(kind: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    number = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length = len(content)
    return number + bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14]) + content
