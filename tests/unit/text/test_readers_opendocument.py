"""The reader of OpenDocument texts: tables in tables, numbers of lists, hidden text, notes, encryption."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.formats import UNKNOWN
from omni_pipelines.text.readers.office import opendocument
from omni_pipelines.text.readers.registry import reader_by_content
from omni_pipelines.text.readers.sheets import ods
from tests.samples import office

STYLES = (
    "<office:automatic-styles xmlns:style='urn:s'><text:list-style style:name='L1'>"
    "<text:list-level-style-number text:level='1' style:num-format='1' style:num-suffix='.'/>"
    "<text:list-level-style-number text:level='2' style:num-format='1' text:display-levels='2'/>"
    "</text:list-style><text:list-style style:name='L2'><text:list-level-style-number text:level='1' "
    "style:num-format='a' style:num-prefix='(' style:num-suffix=')' text:start-value='3'/></text:list-style>"
    "<style:style style:name='H'><style:text-properties text:display='none'/></style:style>"
    "<style:style style:name='I' style:parent-style-name='H'/></office:automatic-styles>"
)


def _read(body: str) -> Parsed:
    return opendocument.read(office.opendocument(body), "a.odt")


def _p(text: str) -> str:
    return f"<text:p>{text}</text:p>"


def _table(*rows: list[str]) -> str:
    cells = ("".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in row) for row in rows)
    return f"<table:table>{''.join(f'<table:table-row>{row}</table:table-row>' for row in cells)}</table:table>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (_table([_p("Outer A") + _table([_p("Inner 1"), _p("Inner 2")]), _p("Outer B")]) + _p("End"),
         "Outer A Inner 1 | Inner 2 | Outer B\n\nEnd"),
        (_table([_table([_p("Inner")]) + _p("Outer A"), _p("Outer B")]), "Inner Outer A | Outer B"),
        (_table([_p("Frame") + _table([_p("a"), _p("b")], [_p("c"), _p("d")])]), "Frame\n\na | b\n\nc | d"),
        (_table([_table([_table([_p("deep"), _p("er")]), _p("b")]), _p("c")]), "deep | er | b | c"),
        (_table(["", _p("b")]), " | b"),
    ],
)  # fmt: skip
def test_odt_text_around_a_table_in_a_cell_is_kept(body: str, text: str) -> None:
    assert _read(body).text == text


def test_odt_merged_cells_are_repeated() -> None:
    body = (
        "<table:table><table:table-row><table:table-cell table:number-rows-spanned='2'><text:p>North</text:p>"
        "</table:table-cell><table:table-cell><text:p>Kiel</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:covered-table-cell/><table:table-cell><text:p>Bremen</text:p></table:table-cell>"
        "</table:table-row><table:table-row><table:table-cell table:number-columns-spanned='2'><text:p>Both</text:p>"
        "</table:table-cell><table:covered-table-cell/></table:table-row></table:table>"
    )
    assert _read(body).text == "North | Kiel\nNorth | Bremen\nBoth | Both"


def test_odt_items_of_lists_have_their_numbers() -> None:
    inner = "<text:list><text:list-item><text:p>deep</text:p></text:list-item></text:list>"
    body = (
        f"<text:list text:style-name='L1'><text:list-item>{_p('one')}{inner}</text:list-item>"
        f"<text:list-item>{_p('two')}</text:list-item></text:list>{_p('Text')}"
        f"<text:list text:style-name='L1' text:continue-numbering='true'><text:list-item>{_p('three')}"
        f"</text:list-item></text:list>"
        f"<text:list text:style-name='L2'><text:list-item>{_p('c')}{_p('goes on')}</text:list-item></text:list>"
        f"<text:list><text:list-item>{_p('dot')}</text:list-item></text:list>"
    )
    assert _read(STYLES + body).text == "1. one\n1.1 deep\n2. two\n\nText\n\n3. three\n(c) c\n\ngoes on\n\n- dot"


@pytest.mark.parametrize(
    "hidden",
    [
        "<text:span text:style-name='H'>no</text:span>",
        "<text:span text:style-name='I'>no</text:span>",
        "<text:hidden-text>no</text:hidden-text>",
        "</text:p><text:p text:style-name='H'>no</text:p><text:p>",
        "</text:p><text:p><text:hidden-paragraph text:is-hidden='true'/></text:p><text:p>",
        "</text:p><text:section text:display='none'><text:p>no</text:p></text:section><text:p>",
        "</text:p><text:section text:display='condition' text:is-hidden='true'><text:p>no</text:p></text:section>"
        "<text:section><text:p/></text:section><text:p>",
    ],
)
def test_odt_hidden_text_is_left_out(hidden: str) -> None:
    assert _read(STYLES + _p(f"one {hidden}two")).text.split() == ["one", "two"]


def test_odt_notes_and_comments_have_their_kind() -> None:
    note = (
        "<text:note text:note-class='{}'><text:note-citation>1</text:note-citation>"
        "<text:note-body>{}</text:note-body></text:note>"
    )
    comment = (
        "<office:annotation xmlns:dc='urn:d'><dc:creator>Ann</dc:creator><dc:date>2026</dc:date>"
        f"{_p('Check')}</office:annotation>"
    )
    body = _p(f"Text{note.format('footnote', _p('See there.'))} and{comment} more") + _p(
        note.format("endnote", _p("End.")) + "Last"
    )
    assert _read(body).text == (
        "Text and more\n\nFootnote: See there.\n\nComment by Ann: Check\n\nLast\n\nEndnote: End."
    )


@pytest.mark.parametrize("read", [opendocument.read, ods.read])
def test_opendocument_with_a_password_is_refused_as_encrypted(read: Callable[[bytes, str], Parsed]) -> None:
    manifest = (
        '<m:manifest xmlns:m="urn:x"><m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry>'
        "</m:manifest>"
    )
    raw = office.archive({"content.xml": b"\x01\x02 no XML", "META-INF/manifest.xml": manifest.encode()})
    with pytest.raises(Unreadable, match="E_ENCRYPTED"):
        read(raw, "a.odt")


def test_odp_hidden_slide_is_named_as_one() -> None:
    ns = "xmlns:draw='urn:d' xmlns:presentation='urn:p' xmlns:style='urn:s'"
    hides = "<style:drawing-page-properties presentation:visibility='hidden'/>"
    page = "<draw:page {} draw:style-name='{}'><draw:frame><text:p>{}</text:p></draw:frame></draw:page>".format
    pages = page(ns, "G", "kept back") + page(ns, "S", "shown")
    body = f"<style:style {ns} style:name='G'>{hides}</style:style>{pages}"
    parsed = opendocument.read(office.opendocument(body, kind="presentation"), "a.odp")
    assert parsed.text == "Hidden slide:\n\nkept back\n\nshown"


MATH = (
    "<math:math xmlns:math='http://www.w3.org/1998/Math/MathML'><math:semantics><math:mfrac><math:mn>12</math:mn>"
    "<math:mn>34</math:mn></math:mfrac><math:annotation>{12} over {34}</math:annotation></math:semantics></math:math>"
)
FRAME = "<draw:frame><draw:object {}</draw:frame>"
INLINE = FRAME.format(f">{MATH}</draw:object>")
LINK = "xmlns:xlink='urn:x' xlink:href='./Object 1'/>"
CHART = (
    f"{office.HEADER}<office:document-content xmlns:office='urn:o' xmlns:chart='urn:c' xmlns:text='urn:t' "
    "xmlns:table='urn:b'><office:body><chart:chart><chart:title><text:p>Sales</text:p></chart:title><table:table>"
    "<table:table-row><table:table-cell><text:p>Kiel</text:p></table:table-cell><table:table-cell><text:p>7</text:p>"
    "</table:table-cell></table:table-row></table:table></chart:chart></office:body></office:document-content>"
)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (office.HEADER + MATH, "The share is 12/34 today."),
        (CHART, "Sales\n\nKiel | 7\n\nThe share is  today."),
        (CHART.replace("Sales", FRAME.format(LINK).replace("frame>", "frame xmlns:draw='urn:d'>", 1)), "Kiel | 7"),
        ("<broken", "The share is  today."),
    ],
    ids=["formula", "chart", "chart that shows itself", "damaged"],
)
def test_objects_of_a_text_are_read_where_they_are_shown(part: str, text: str) -> None:
    body = _p(f"The share is {FRAME.format(LINK)} today.")
    parsed = opendocument.read(office.opendocument(body, parts={"Object 1/content.xml": part}), "a.odt")
    assert text in parsed.text
    assert parsed.partial.startswith("an object in it is damaged") == (part == "<broken")


def test_file_that_is_one_xml_file_is_read_like_its_parts() -> None:
    pages = (
        f"{STYLES}<office:master-styles xmlns:style='urn:s'><style:master-page><style:header>{_p('Contract 4711')}"
        "</style:header></style:master-page></office:master-styles>"
    )
    body = (
        "<text:h>Clauses</text:h><text:list text:style-name='L1'>"
        f"<text:list-item>{_p('Term')}</text:list-item></text:list>{_p(f'The share is {INLINE}.')}"
        f"{_p('<draw:frame><draw:image><office:binary-data>aGVs</office:binary-data></draw:image></draw:frame>')}"
    )
    raw = office.flat_opendocument(body, title="Offer", before=pages)
    reader = reader_by_content(UNKNOWN, raw)
    parsed = reader.read(raw, "a")
    assert (reader.name, parsed.title) == ("opendocument", "Offer")
    assert parsed.text == "Header: Contract 4711\n\nClauses\n\n1. Term\n\nThe share is 12/34."
    sheet = office.flat_opendocument(
        f"<table:table table:name='S'>{_row('a', 'b')}</table:table>", kind="spreadsheet"
    )
    assert reader_by_content(UNKNOWN, sheet).read(sheet, "a").text == "S\n\na | b"


def _row(*cells: str) -> str:
    inside = "".join(f"<table:table-cell>{_p(cell)}</table:table-cell>" for cell in cells)
    return f"<table:table-row>{inside}</table:table-row>"


def test_titles_of_slides_are_headings_and_names_of_frames_are_no_text() -> None:
    title = f"<draw:text-box>{_p('Goals')}</draw:text-box><svg:title>Frame 7</svg:title>"
    frame = f"<draw:frame presentation:class='title'>{title}</draw:frame>"
    page = f"<draw:page xmlns:presentation='urn:p' xmlns:svg='urn:g'>{frame}{_p('Ship it')}</draw:page>"
    parsed = opendocument.read(office.opendocument(page, kind="presentation"), "a.odp")
    assert (parsed.text, [section.path for section in parsed.sections]) == ("Goals\n\nShip it", [("Goals",)])
