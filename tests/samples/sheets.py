"""Excel and OpenDocument spreadsheets with cells of every kind, written as XML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def ods(rows: str, *, before: str = "", attributes: str = "") -> bytes:
    """An OpenDocument spreadsheet with one sheet "S"."""
    return opendocument(f'{before}<table:table table:name="S" {attributes}>{rows}</table:table>', kind="spreadsheet")
