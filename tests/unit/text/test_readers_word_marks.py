"""What the reader of Word files shows as Word does: numbers, merged cells, symbols, formulas, notes, hidden text."""

from __future__ import annotations

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.office import docx
from tests.samples.office import archive, chart, relations, word_part
from tests.samples.office import docx as make
from tests.samples.office import word_paragraph as p
from tests.samples.office import word_table as table

RELATIONS = "word/_rels/document.xml.rels"
FALLBACK = "<mc:Fallback xmlns:mc='m'>{}</mc:Fallback>"


def read(body: str, **parts: str) -> Parsed:
    """A document with the XML inside the roots of its parts, such as `styles` or `numbering`."""
    named = {f"word/{name}.xml": word_part(name, inside) for name, inside in parts.items()}
    return docx.read(make(body, parts=named), "a.docx")


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def paragraph(inside: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def item(text: str, level: int = 0, list_id: int = 1) -> str:
    number = f"<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{list_id}'/></w:numPr>"
    return paragraph(run(text), number)


def level(number: int, text: str, numerals: str = "decimal", more: str = "") -> str:
    return (
        f"<w:lvl w:ilvl='{number}'><w:start w:val='1'/><w:numFmt w:val='{numerals}'/>{more}"
        f"<w:lvlText w:val='{text}'/></w:lvl>"
    )


def numbering(*levels: str, lists: str = "") -> str:
    return (
        f"<w:abstractNum w:abstractNumId='7'>{''.join(levels)}</w:abstractNum>"
        f"<w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num>{lists}"
    )


def test_docx_clauses_have_the_numbers_that_word_shows() -> None:
    clauses = numbering(
        level(0, "Clause %1."), level(1, "%1.%2"), level(2, "(%3)", "lowerLetter"), level(3, "%4)", "upperRoman")
    )
    body = item("Term") + item("Start", 1) + item("End", 1) + item("by mail", 2) + item("at once", 2)
    body += item("late", 3) + item("Price") + item("Net", 1)
    assert read(body, numbering=clauses).text.split("\n") == [
        "Clause 1. Term", "1.1 Start", "1.2 End", "(a) by mail", "(b) at once", "I) late", "Clause 2. Price",
        "2.1 Net",
    ]  # fmt: skip


def test_docx_list_that_starts_anew_counts_from_its_own_start_and_another_continues() -> None:
    again = (
        "<w:num w:numId='2'><w:abstractNumId w:val='7'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='5'/>"
        "</w:lvlOverride></w:num><w:num w:numId='3'><w:abstractNumId w:val='7'/></w:num>"
    )
    body = item("a") + item("b") + item("c", list_id=2) + item("d", list_id=2) + item("e", list_id=3)
    text = read(body, numbering=numbering(level(0, "%1."), lists=again)).text
    assert text == "1. a\n2. b\n5. c\n6. d\n7. e"


def test_docx_headings_are_numbered_by_the_list_of_their_style() -> None:
    styles = (
        "<w:style w:styleId='H'><w:name w:val='heading 1'/><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr>"
        "</w:style><w:style w:styleId='S'><w:name w:val='Chapter part'/><w:basedOn w:val='H'/>"
        "<w:pPr><w:outlineLvl w:val='1'/></w:pPr></w:style>"
    )
    levels = level(0, "%1", more="<w:pStyle w:val='H'/>") + level(1, "%1.%2", more="<w:pStyle w:val='S'/>")
    titles = (("River", "H"), ("Herons", "S"))
    body = "".join(paragraph(run(text), f"<w:pStyle w:val='{style}'/>") for text, style in titles)
    parsed = read(body + p("They wait."), styles=styles, numbering=numbering(levels))
    assert parsed.text == "1 River\n\n1.1 Herons\n\nThey wait."
    assert [section.path for section in parsed.sections] == [("1 River",), ("1 River", "1.1 Herons")]


@pytest.mark.parametrize(("style", "path"), [("Own", ("Otters",)), ("Quiet", ())])
def test_docx_style_inherits_the_level_of_its_parent_unless_it_is_body_text(
    style: str, path: tuple[str, ...]
) -> None:
    styles = (
        "<w:style w:styleId='H1'><w:name w:val='heading 1'/></w:style>"
        "<w:style w:styleId='Own'><w:name w:val='House'/><w:basedOn w:val='H1'/></w:style>"
        "<w:style w:styleId='Quiet'><w:basedOn w:val='H1'/><w:pPr><w:outlineLvl w:val='9'/></w:pPr></w:style>"
    )
    sections = read(paragraph(run("Otters"), f"<w:pStyle w:val='{style}'/>"), styles=styles).sections
    assert [section.path for section in sections] == ([path] if path else [])


_HIDDEN_STYLES = (
    "<w:style w:styleId='Base'><w:rPr><w:vanish/></w:rPr></w:style>"
    "<w:style w:styleId='Derived'><w:basedOn w:val='Base'/></w:style>"
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (paragraph(run("no", "<w:vanish/>") + run("yes")), "yes"),
        (paragraph(run("yes", "<w:vanish w:val='0'/>")), "yes"),
        (paragraph(run("no", "<w:rStyle w:val='Derived'/>") + run("yes")), "yes"),
        (paragraph(run("no") + run("yes", "<w:vanish w:val='false'/>"), "<w:pStyle w:val='Derived'/>"), "yes"),
        (paragraph(run("yes"), "<w:rPr><w:vanish/></w:rPr>"), "yes"),
        (paragraph("<w:moveFrom>" + run("no") + "</w:moveFrom><w:ins>" + run("yes") + "</w:ins>"), "yes"),
        (paragraph(run("Her"), "<w:rPr><w:del/></w:rPr>") + paragraph(run("ons")), "Herons"),
        (
            "<w:tbl><w:tr><w:trPr><w:hidden/></w:trPr><w:tc>" + p("no") + "</w:tc></w:tr>"
            "<w:tr><w:tc>" + p("yes") + "</w:tc></w:tr></w:tbl>",
            "yes",
        ),
    ],
)
def test_docx_hidden_and_deleted_text_is_left_out(body: str, text: str) -> None:
    assert read(body, styles=_HIDDEN_STYLES).text == text


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (run("20 ") + "<w:r><w:sym w:font='Symbol' w:char='F0B0'/></w:r>" + run("C"), "20 °C"),
        ("<w:r><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>" + run(" paid"), "☑ paid"),
        (run("m", "<w:rFonts w:ascii='Symbol' w:hAnsi='Symbol'/>") + run("m"), "μm"),
        (run("\uf0b3 3"), "≥ 3"),
        (run("10") + run("6", "<w:vertAlign w:val='superscript'/>") + run(" cells"), "10^6 cells"),
        (run("m") + run("2", "<w:vertAlign w:val='superscript'/>"), "m2"),
        (
            "<w:r><w:ruby><w:rt>"
            + run("とうきょう")
            + "</w:rt><w:rubyBase>"
            + run("東京")
            + "</w:rubyBase></w:ruby></w:r>",
            "東京",
        ),
        (
            "<w:r><w:fldChar w:fldCharType='begin'/><w:instrText>IF </w:instrText></w:r>"
            + run("no")
            + "<w:r><w:fldChar w:fldCharType='separate'/></w:r>"
            + run("yes")
            + "<w:r><w:fldChar w:fldCharType='end'/></w:r>",
            "yes",
        ),
        (
            "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:checkBox><w:default w:val='0'/><w:checked/>"
            "</w:checkBox></w:ffData></w:fldChar></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r>" + run(" yes"),
            "☒ yes",
        ),
        (
            "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:ddList><w:result w:val='1'/>"
            "<w:listEntry w:val='red'/><w:listEntry w:val='blue'/></w:ddList></w:ffData></w:fldChar></w:r>",
            "blue",
        ),
    ],
)
def test_docx_symbols_and_fields_are_read_as_shown(inside: str, text: str) -> None:
    assert read(paragraph(inside)).text == text


def test_docx_drop_cap_belongs_to_its_word() -> None:
    body = paragraph(run("O"), "<w:framePr w:dropCap='drop'/>") + paragraph(run("tters swim.")) + p("They play.")
    assert read(body).text == "Otters swim.\n\nThey play."


def _cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"


def test_docx_merged_cells_are_repeated() -> None:
    start, more = "<w:vMerge w:val='restart'/>", "<w:vMerge/>"
    rows = (
        _cell("Region") + _cell("Weight", "<w:gridSpan w:val='2'/>"),
        _cell("North", start) + _cell("1") + _cell("2"),
        _cell("", more) + _cell("3") + _cell("4"),
    )
    body = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert read(body).text == "Region | Weight | Weight\nNorth | 1 | 2\nNorth | 3 | 4"


def test_docx_frame_of_one_cell_is_no_row() -> None:
    inside = p("River", level=1) + p("Herons wait.") + table([["otter", "7"]])
    parsed = read(
        f"<w:tbl><w:tr><w:tc>{inside}</w:tc></w:tr></w:tbl>",
        styles="<w:style w:styleId='H1'><w:name w:val='heading 1'/></w:style>",
    )
    assert parsed.text == "River\n\nHerons wait.\n\notter | 7"
    assert parsed.sections[0].path == ("River",)


def test_docx_text_box_is_read_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{p('boxed')}</w:txbxContent>"
    drawing = f"<m:AlternateContent><m:Choice>{box}</m:Choice><m:Fallback>{box}</m:Fallback></m:AlternateContent>"
    assert read(paragraph(run("Her") + f"<w:r>{drawing}</w:r>" + run("ons"))).text == "Herons\n\nboxed"
    empty = f"<m:AlternateContent><m:Choice><w:new/></m:Choice><m:Fallback>{box}</m:Fallback></m:AlternateContent>"
    assert read(paragraph(f"<w:r>{empty}</w:r>")).text == "boxed"


def test_docx_notes_and_comments_follow_their_paragraph_with_their_kind() -> None:
    body = paragraph(run("Herons wait.") + "<w:r><w:footnoteReference w:id='2'/></w:r>")
    body += paragraph("<w:commentRangeStart w:id='0'/>" + run("They cost 40.") + "<w:commentRangeEnd w:id='0'/>")
    body += "<w:p><w:r><w:commentReference w:id='0'/></w:r></w:p>" + p("The end.")
    parsed = read(
        body,
        footnotes=f"<w:footnote w:id='1'>{p('old')}</w:footnote><w:footnote w:id='2'>{p('In spring.')}</w:footnote>",
        comments=f"<w:comment w:id='0' w:author='Lea'>{p('No, 45')}</w:comment>",
    )
    assert parsed.text == (
        "Herons wait.\n\nFootnote: In spring.\n\nThey cost 40.\n\nComment by Lea: No, 45\n\nThe end.\n\nFootnote: old"
    )


def test_docx_parts_are_found_by_their_relations() -> None:
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations({"a": ("officeDocument", "text/body.xml")}),
        "text/body.xml": word_part("document", f"<w:body>{p('Herons.', level=3)}</w:body>"),
        "text/_rels/body.xml.rels": relations(
            {
                "s": ("styles", "looks.xml"),
                "h": ("header", "h9.xml"),
                "i": ("header", "h1.xml"),
                "f": ("footer", "f.xml"),
            }
        ),
        "text/looks.xml": word_part("styles", "<w:style w:styleId='H3'><w:name w:val='heading 3'/></w:style>"),
        "text/h9.xml": word_part("hdr", p("Contract 4711")),
        "text/h1.xml": word_part("hdr", p("Contract 4711")),
        "text/f.xml": word_part("ftr", p("1 / 2")),
    }
    parsed = docx.read(archive(parts), "a.docx")
    assert (parsed.text, parsed.sections[0].path) == ("Header: Contract 4711\n\nHerons.", ("Herons.",))


def test_docx_charts_and_inserted_files_are_read_where_they_stand() -> None:
    body = p("before") + paragraph("<w:r><w:drawing><c:chart xmlns:c='c' r:id='c'/></w:drawing></w:r>")
    body += "<w:altChunk r:id='h'/><w:altChunk r:id='r'/>" + p("after")
    parts = {
        RELATIONS: relations(
            {
                "c": ("chart", "c.xml"),
                "h": ("aFChunk", "a.html"),
                "r": ("aFChunk", "a.rtf"),
                "x": ("aFChunk", "x.html"),
            }
        ),
        "word/c.xml": chart("Weights", {"kg": [("otter", 7), ("heron", 2)], "cm": [("otter", 90), ("heron", 80)]}),
        "word/a.html": "<h1>Otters</h1><p>swim.</p>",
        "word/a.rtf": r"{\rtf1 Herons wait.}",
    }
    parsed = docx.read(make(body, parts=parts), "a.docx")
    chart_lines = "Chart: Weights\n\n | kg | cm\notter | 7 | 90\nheron | 2 | 80"
    assert parsed.text == f"before\n\n{chart_lines}\n\nOtters\n\nswim.\n\nHerons wait.\n\nafter"


def test_docx_inserted_file_that_is_damaged_leaves_the_document_partial() -> None:
    parts: dict[str, str | bytes] = {
        RELATIONS: relations({"d": ("aFChunk", "in.docx")}),
        "word/in.docx": b"PK\x03\x04 damaged",
    }
    parsed = docx.read(make(p("before") + "<w:altChunk r:id='d'/>", parts=parts), "a.docx")
    assert parsed.text == "before"
    assert "word/in.docx" in parsed.partial
