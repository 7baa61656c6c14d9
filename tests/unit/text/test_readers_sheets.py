"""The readers of spreadsheets: cells as a person sees them, merged and repeated cells, comments, what is hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.sheets import ods, xls, xlsb, xlsx
from omni_pipelines.text.readers.sheets.number_formats import shown_number
from tests.samples.office import HEADER, relations
from tests.samples.sheets import binary_workbook, number_cell, old_workbook, text_cells, workbook
from tests.samples.sheets import ods as open_sheet

Write = Callable[..., bytes]
Read = Callable[[bytes, str], Parsed]


def _rows(raw: bytes) -> list[str]:
    return xlsx.read(raw, "a.xlsx").text.split("\n\n", 1)[1].split("\n")


def _open_rows(rows: str, before: str = "", attributes: str = "") -> list[str]:
    return (
        ods.read(open_sheet(rows, before=before, attributes=attributes), "a.ods").text.split("\n\n", 1)[1].split("\n")
    )


# --- numbers


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        (1234.5, r"_-* #,##0.00\ _D_M_-", "1234.50"),
        (1234.5, r'_-* #,##0.00\ "dm"_-', "1234.50 dm"),
        (-1234.5, '"$"#,##0.00_);("$"#,##0.00)', "($1234.50)"),
        (49.5, "[$€-2] #,##0.00", "€ 49.50"),
        (3, r"_-* #,##0.00\ [$CHF]_-", "3.00 CHF"),
        (-7, "#,##0;[Red]-#,##0", "-7"),
        (0, '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)', "-"),
        (0.155, "0.0%", "15.5%"),
        (0.12, "0 %", "12 %"),
        (1067, "00000", "01067"),
        (15, '"Nr. "000', "Nr. 015"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (5551234567, "[<=9999999]###-####;(###) ###-####", "(555) 123-4567"),
        (1_000_000, "# ##0", "1000000"),
        (1.25, "# ?/?", "1 1/4"),
        (0.5, "# ?/?", "1/2"),
        (2.625, "# ?/8", "2 5/8"),
        (1.999, "# ?/8", "2"),
        (123456, "0.00E+00", "1.23E+05"),
        (1234567, '0.0,,"M"', "1.2M (1234567)"),
        (0.004, "0.0", "0.0 (0.004)"),
        (12, r'#,##0.00\ "days"', "12.00 days"),
        (3, "0.##", "3"),
        (1, '"Yes";;"No"', "Yes"),
        (5, "@", "5"),
        (5, ";;;", "5"),
        (45000.5, "General", "45000.5"),
        (7.5, 'General" l"', "7.5 l"),
        (1e-5, "General", "0.00001"),
        (4111111111111111, "0", "4111111111111111"),
    ],
)
def test_number_is_shown_with_the_signs_of_its_format(number: float, code: str, shown: str) -> None:
    assert shown_number(number, code) == shown


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        (45000, r"yyyy\-mm\-dd", "2023-03-15"),
        (45000, "[$-407]d/ mmmm yyyy;@", "2023-03-15"),
        (45000, "mmm yyyy", "2023-03"),
        (45000, "yyyy", "2023"),
        (45000, "ge.m.d", "2023-03-15"),
        (45000.75, "dd.mm.yyyy hh:mm", "2023-03-15 18:00:00"),
        (5, "yyyy-mm-dd", "1900-01-05"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (-1, "yyyy-mm-dd", "-1"),
        (1.25, "h:mm", "6:00:00"),
        (0.75, "h:mm AM/PM", "18:00:00"),
        (1.25, "[h]:mm:ss", "30:00:00"),
        (-1.25, "[h]:mm", "-30:00:00"),
        (0.0625, "[mm]:ss", "90:00"),
        (0.0625, "[ss]", "5400"),
        (0.00056, "mm:ss.0", "00:00:48.384"),
    ],
)
def test_number_is_a_date_time_or_duration_by_its_format(number: float, code: str, shown: str) -> None:
    assert shown_number(number, code) == shown


def test_xlsx_cells_have_the_format_of_their_style() -> None:
    rows = number_cell(1.25, 1) + number_cell(1067, 2) + number_cell(45000)
    assert _rows(workbook(rows, ["[h]:mm:ss", "00000"])) == ["30:00:00", "01067", "45000"]


def test_xlsx_dates_may_count_from_1904() -> None:
    book = workbook(
        number_cell(0.5, 1) + number_cell(43538, 1), ["yyyy-mm-dd h:mm"], properties='<workbookPr date1904="1"/>'
    )
    assert _rows(book) == ["1904-01-01 12:00:00", "2023-03-15"]


# --- cells of Excel


def test_xlsx_formula_without_a_value_is_shown_as_formula() -> None:
    rows = (
        "<row r='1'><c r='A1'><f>SUM(B2:B3)</f></c><c r='B1'><f>1+1</f><v>2</v></c>"
        "<c r='C1' t='str'><f>A9</f></c></row>"
        "<row r='2'><c r='A2'><f t='shared' si='0' ref='A2:A3'>B2*$C$1</f></c></row>"
        "<row r='3'><c r='A3'><f t='shared' si='0'/></c></row>"
    )
    assert _rows(workbook(rows)) == ["=SUM(B2:B3) | 2", "=B2*$C$1", "=B3*$C$1"]


def test_xlsx_escapes_are_characters_and_references_may_be_small() -> None:
    rows = "<row r='1'><c r='a1' t='str'><v>one_x000D_\ntwo_x005F_x0041_</v></c><c r='c1'><v>9</v></c></row>"
    assert _rows(workbook(rows)) == ["one two_x0041_ |  | 9"]


def test_xlsx_merged_cells_are_repeated_where_the_row_has_others() -> None:
    rows = (
        text_cells(1, "Sales of all shops")
        + text_cells(2, "", "North", "", "South")
        + text_cells(3, "Bremen", "1", "2", "3")
        + text_cells(4, "", "4", "5", "6")
    )
    merged = "".join(f'<mergeCell ref="{ref}"/>' for ref in ("A1:E1", "B2:C2", "D2:E2", "A3:A4"))
    shown = _rows(workbook(rows, after=f"<mergeCells>{merged}</mergeCells>"))
    assert shown == [
        "Sales of all shops",
        " | North | North | South | South",
        "Bremen | 1 | 2 | 3",
        "Bremen | 4 | 5 | 6",
    ]


def test_xlsx_hidden_sheet_is_left_out_and_said() -> None:
    with pytest.raises(Unreadable, match=r"E_NO_TEXT.*hidden"):
        xlsx.read(workbook(text_cells(1, "Salary"), state="veryHidden"), "a.xlsx")


def test_xlsx_hidden_rows_and_columns_are_left_out_and_said() -> None:
    rows = text_cells(1, "seen", "veiled") + text_cells(2, "gone", attributes='hidden="1"')
    parsed = xlsx.read(workbook(rows, before='<cols><col min="2" max="2" hidden="1"/></cols>'), "a.xlsx")
    assert (parsed.text, parsed.partial) == ("S\n\nseen", "hidden rows or columns of the sheet S are left out")


def test_xlsx_rows_that_a_filter_hides_are_kept() -> None:
    rows = text_cells(1, "name") + text_cells(2, "otter", attributes='hidden="1"')
    book = workbook(rows, after='<autoFilter ref="A1:A2"><filterColumn colId="0"/></autoFilter>')
    assert _rows(book) == ["name", "otter"]


def test_xlsx_filter_and_tables_tell_the_header_row() -> None:
    rows = text_cells(1, "7", "8") + text_cells(2, "9", "10") + text_cells(3, "11", "12")
    filtered = xlsx.read(workbook(rows, after='<autoFilter ref="A2:B3"/>'), "a.xlsx")
    assert [table.header for table in filtered.tables] == ["9 | 10"]
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations({"t": ("table", "../tables/table1.xml")}),
        "xl/tables/table1.xml": f'{HEADER}<table ref="A1:B3"/>',
    }
    assert [table.header for table in xlsx.read(workbook(rows, parts=parts), "a.xlsx").tables] == ["7 | 8"]


def test_xlsx_comments_stand_in_their_cell_with_their_author() -> None:
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(
            {"c": ("comments", "../comments1.xml"), "t": ("threadedComment", "../threads.xml")}
        ),
        "xl/_rels/workbook.xml.rels": relations(
            {"r1": ("worksheet", "worksheets/sheet1.xml"), "p": ("person", "persons/person.xml")}
        ),
        "xl/persons/person.xml": f'{HEADER}<personList><person id="p1" displayName="Ben"/></personList>',
        "xl/comments1.xml": f"{HEADER}<comments><authors><author>Anna</author></authors><commentList>"
        '<comment ref="B1" authorId="0"><text><r><t>Anna:\n</t></r><r><t>with heating</t></r></text></comment>'
        '<comment ref="A9" authorId="0"><text><t>on nothing</t></text></comment>'
        '<comment ref="A1" authorId="0"><text><t>[Threaded comment] old</t></text></comment>'
        "</commentList></comments>",
        "xl/threads.xml": f'{HEADER}<ThreadedComments><threadedComment ref="A1" personId="p1"><text>Why?</text>'
        '</threadedComment><threadedComment ref="A1" personId="p1"><text>Because.</text></threadedComment>'
        "</ThreadedComments>",
    }
    parsed = xlsx.read(workbook(text_cells(1, "Rent", "700"), parts=parts), "a.xlsx")
    assert parsed.text == (
        "S\n\nRent [Comment by Ben: Why?; Comment by Ben: Because.] | 700 [Comment by Anna: with heating]"
        "\n\nComment by Anna: on nothing"
    )


def test_xlsx_headers_and_footers_of_pages_are_said_once() -> None:
    header, footer = '&amp;C&amp;"Arial"Contract 17', "Page &amp;P"
    after = f"<headerFooter><oddHeader>{header}</oddHeader><oddFooter>{footer}</oddFooter></headerFooter>"
    assert _rows(workbook(text_cells(1, "x"), after=after))[-3:] == ["Header: Contract 17", "", "Footer: Page"]


@pytest.mark.parametrize("gap", [1, 3])
def test_xlsx_rows_after_a_gap_have_the_header_of_the_table_above(gap: int) -> None:
    rows = text_cells(1, "name", "place") + text_cells(2, "otter", "Ulm") + text_cells(2 + gap, "heron", "Bonn")
    parsed = xlsx.read(workbook(rows + text_cells(3 + gap, "crane", "Kiel")), "a.xlsx")
    assert {table.header for table in parsed.tables} == {"name | place"}
    assert all(
        any(table.start <= parsed.text.index(w) < table.end for table in parsed.tables) for w in ("heron", "crane")
    )


# --- OpenDocument

CELL = "<table:table-cell {}><text:p>{}</text:p></table:table-cell>"


def _open_row(*texts: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(CELL.format('', text) for text in texts)}</table:table-row>"


def test_ods_repeated_cells_and_rows_are_repeated() -> None:
    empty = '<table:table-cell table:number-columns-repeated="16382"/>'
    cells = CELL.format("", "Merle") + CELL.format('table:number-columns-repeated="2"', "4") + empty
    rows = f'<table:table-row table:number-rows-repeated="3">{cells}</table:table-row>'
    blank = f'<table:table-row table:number-rows-repeated="1048570">{empty}</table:table-row>'
    assert _open_rows(rows + blank) == ["Merle | 4 | 4"] * 3


def test_ods_row_repeated_too_often_is_said() -> None:
    parsed = ods.read(open_sheet(_open_row("x", attributes='table:number-rows-repeated="1048576"')), "a.ods")
    assert parsed.text.count("x") == ods.MAX_REPEATED_ROWS
    assert "1,048,576" in parsed.partial


def test_ods_merged_cells_comments_and_dates_are_kept() -> None:
    xml = (
        "<table:table-row>"
        + CELL.format('table:number-rows-spanned="2"', "North")
        + CELL.format('office:value-type="date" office:date-value="2023-03-15"', "15.03.23")
        + "<table:table-cell><office:annotation><dc:creator xmlns:dc='x'>Anna</dc:creator><text:p>why</text:p>"
        "</office:annotation><text:p>7</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:covered-table-cell/>" + CELL.format("", "b") + "</table:table-row>"
    )
    assert _open_rows(xml) == ["North | 15.03.23 (2023-03-15) | 7 [Comment by Anna: why]", "North | b"]


def test_ods_values_without_text_are_shown() -> None:
    cells = (
        '<table:table-cell office:value="7.5"/><table:table-cell office:time-value="PT30H05M00S"/>'
        '<table:table-cell table:formula="of:=SUM([.B2:.B3])"/>'
    )
    assert _open_rows(f"<table:table-row>{cells}</table:table-row>") == ["7.5 | 30:05:00 | =SUM(B2:B3)"]


@pytest.mark.parametrize(("end", "is_damaged"), [("</c:title></c:chart>", False), ("<", True)])
def test_ods_titles_of_charts_are_read_and_damaged_charts_are_said(end: str, is_damaged: bool) -> None:
    chart = f"<c:chart xmlns:c='urn:c'><c:title><c:p>Sales</c:p></c:title><c:title><c:p>Year</c:p>{end}"
    link = "<draw:frame><draw:object xmlns:l='urn:l' l:href='./Object 1'/></draw:frame>"
    raw = open_sheet(f"<table:shapes>{link}</table:shapes>{_open_row('x')}", parts={"Object 1/content.xml": chart})
    parsed = ods.read(raw, "a.ods")
    assert (parsed.text, bool(parsed.partial)) == ("S\n\nx\n\nChart: Sales, Year", is_damaged)


def test_ods_hidden_sheets_rows_and_columns_are_left_out_and_said() -> None:
    styles = (
        "<office:automatic-styles xmlns:style='urn:s'><style:style style:name='h'>"
        "<style:table-properties table:display='false'/></style:style></office:automatic-styles>"
    )
    hidden = f"<table:table table:name='Salaries' table:style-name='h'>{_open_row('gone')}</table:table>"
    column = '<table:table-column/><table:table-column table:visibility="collapse"/>'
    rows = column + _open_row("seen", "veiled") + _open_row("away", attributes='table:visibility="collapse"')
    parsed = ods.read(open_sheet(rows, before=styles + hidden), "a.ods")
    assert (parsed.text, parsed.partial) == (
        "S\n\nseen",
        "hidden sheets are left out: Salaries; hidden rows or columns are left out",
    )


def test_ods_header_rows_are_the_header() -> None:
    rows = f"<table:table-header-rows>{_open_row('7', '8')}</table:table-header-rows>{_open_row('9', '10')}"
    assert [table.header for table in ods.read(open_sheet(rows), "a.ods").tables] == ["7 | 8"]


# --- older and binary workbooks

ROWS = [
    ["Prices of the harbour"],
    ["name", "kg", "code", "time"],
    ["öl", 7.5, (1067, 1), (1.25, 2)],
    ["", 8.5, (45_000, 3)],
]
SHOWN = "S\n\nPrices of the harbour\nname | kg | code | time\nöl | 7.5 | 01067 | 30:00:00\nöl | 8.5 | 2023-03-15"


@pytest.mark.parametrize(("write", "read"), [(old_workbook, xls.read), (binary_workbook, xlsb.read)])
def test_other_workbooks_are_read_like_xlsx(write: Write, read: Read) -> None:
    parsed = read(write(ROWS, ["00000", "[h]:mm:ss", "yyyy-mm-dd"], merged=[(2, 3, 0, 0)]), "a")
    assert parsed.text == SHOWN
    assert [table.header for table in parsed.tables] == ["name | kg | code | time"]
    assert [section.path for section in parsed.sections] == [("S",)]


@pytest.mark.parametrize(("write", "read"), [(old_workbook, xls.read), (binary_workbook, xlsb.read)])
def test_hidden_sheets_of_other_workbooks_are_left_out(write: Write, read: Read) -> None:
    with pytest.raises(Unreadable, match=r"E_NO_TEXT.*hidden"):
        read(write([["Salary"]], hidden=True), "a")


@pytest.mark.parametrize(("write", "read"), [(old_workbook, xls.read), (binary_workbook, xlsb.read)])
def test_damaged_workbook_is_refused(write: Write, read: Read) -> None:
    whole = write(ROWS, ["00000"])
    for end in range(0, len(whole), 7):
        with contextlib.suppress(Unreadable):
            read(whole[:end], "a")


def test_old_workbook_may_count_from_1904() -> None:
    assert xls.read(old_workbook([[(43_538, 1)]], ["yyyy-mm-dd"], from_1904=True), "a.xls").text == "S\n\n2023-03-15"


@pytest.mark.parametrize(
    ("packed", "number"),
    [(0x3FF00000, 1.0), (0x3FF00001, 0.01), (7 << 2 | 2, 7.0), (-7 << 2 & 0xFFFFFFFF | 3, -0.07)],
)
def test_packed_number_of_a_binary_workbook(packed: int, number: float) -> None:
    assert xlsb.rk_number(packed) == number
