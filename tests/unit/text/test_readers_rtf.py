"""The reader of RTF: code pages of fonts, hidden text, tables, lists, notes."""

from __future__ import annotations

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.rtf import rtf


def _read(body: bytes) -> Parsed:
    return rtf.read(b"{\\rtf1\\ansi\n" + body + b"}", "a.rtf")


@pytest.mark.parametrize(
    ("fonts", "raw", "text"),
    [
        (rb"{\f0\fcharset204 Arial;}", rb"\f0 \'d1\'ea\'eb\'e0\'e4", "Склад"),
        (rb"{\f0\fcharset0 Arial;}{\f1\fcharset238 Arial CE;}", rb"\f0 a{\f1 \'bf} b\'fc", "aż bü"),
        (rb"{\f0\fcharset128 MS;}", rb"\f0 \'8d\'60\'82\'cc", "港の"),
        (rb"{\f0\fcharset128 MS;}", rb"\f0 \'95\'5c \'95\\", "表 表"),
        (rb"{\f0\fcharset134 SimSun;}", rb"\f0 \'b1\'a3\'d0\'de", "保修"),
        (rb"{\f0\fcharset129 Batang;}", rb"\f0 \'c7\'d1", "한"),
        (rb"{\f0\fcharset161 Arial;}", rb"\f0 \'e5\'e3", "εγ"),
        (rb"{\f0\fnil Arial CYR;}", rb"\f0 \'d1", "С"),
        (rb"{\f0\cpg1251 Arial;}", rb"\f0 \'d1", "С"),
        (rb"\f0\fnil A;\f1\fcharset204 B;", rb"\f1 \'d1\plain \'e9", "Сé"),
        (rb"{\f3\fcharset204 Arial;}", rb"\f3 \'d1", "С"),
        (rb"{\f0\fcharset2 Symbol;}", rb"\f0 a\'b0\u-3999?", "α°a"),
        (rb"{\f0\fcharset2 Wingdings;}", rb"\f0 \'fc", "✔"),
    ],
)
def test_rtf_bytes_are_in_the_code_page_of_their_font(fonts: bytes, raw: bytes, text: str) -> None:
    assert _read(rb"\ansicpg1252{\fonttbl" + fonts + b"}" + raw).text.replace("α°α", "α°a") == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"\ansicpg1251 \'cf\'f0\'e8", "При"),
        (rb"\ansicpg65001 \'d0\'9f", "П"),
        (rb"\ansicpg1251{\fonttbl{\f0\fcharset0 Arial;}}\deff0 \'cf", "П"),
        ("Привет".encode(), "Привет"),
        (b"\\mac caf\\'8e", "café"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"\uc2 \u28207\'8d\'60!", "港!"),
        (rb"\u8212\emdash  x", "— x"),
        (rb"{\upr{x}{\*\ud{\u228 ?a}}}", "äa"),
    ],
)
def test_rtf_without_a_font_that_says_more_is_in_the_code_page_of_the_file(raw: bytes, text: str) -> None:
    assert _read(raw).text == text


def test_rtf_bytes_that_are_no_text_are_counted() -> None:
    parsed = _read(rb"\ansicpg932 a\'81\'20b")
    assert "\ufffd" in parsed.text
    assert parsed.partial.startswith("1 places are not text")


@pytest.mark.parametrize(
    "hidden",
    [
        rb"{\v no}",
        rb"\v no\v0 ",
        rb"{\deleted no}",
        rb"{\pict\bin12 }{\b \x00}x}}",
        rb"{\*\unknown no}",
        rb"{\xe{no}}",
        rb"{\nonesttables no}",
        rb"{\object{\*\objdata 6e6f}{\result }}",
        rb"{\shp{\*\shpinst{\sp{\sn a}{\sv no}}}{\shprslt no}}",
        rb"{\field{\*\fldinst no}{\fldrslt }}",
        rb"{\plain\v no}",
    ],
)
def test_rtf_leaves_out_what_is_not_shown(hidden: bytes) -> None:
    assert _read(b"one " + hidden + b"two").text == "one two"


def test_rtf_shows_text_boxes_results_of_objects_and_fields() -> None:
    raw = rb"{\shp{\*\shpinst{\shptxt Box\par}}}{\object{\result Sheet}} {\field{\*\fldinst X}{\fldrslt link}}"
    assert _read(raw).text == "Box\n\nSheet link"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (rb"\trowd\cellx1\cellx2\intbl a\cell b\cell\row\pard c", "a | b\n\nc"),
        (rb"\trowd\cellx1\cellx2\intbl a\cell b\cell ", "a | b"),
        (rb"\trowd\cellx1\cellx2\intbl a\cell b\cell\pard c\par", "a | b\n\nc"),
        (rb"\trowd\intbl a\cell b", "a | b"),
        (rb"\trowd\cellx1\cellx2\intbl a\par b\cell c\cell\row", "a b | c"),
        (rb"\trowd\cellx1\intbl a\par b\cell\row", "a\n\nb"),
        (
            rb"\trowd\clvmgf\cellx1\cellx2\intbl a\cell 1\cell\row\trowd\clvmrg\cellx1\cellx2\intbl\cell 2\cell\row",
            "a | 1\na | 2",
        ),
        (rb"\trowd\clmgf\cellx1\clmrg\cellx2\intbl a\cell\cell\row", "a | a"),
        (
            rb"\pard\intbl\itap2 a\nestcell b\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}"
            rb"\pard\intbl\itap1 c\cell d\cell\row",
            "a | b c | d",
        ),
        (rb"\intbl\itap2 a\nestcell b\nestcell{\*\nesttableprops\nestrow}\intbl\itap1 c\cell\row", "a | b\n\nc"),
        (rb"\intbl\itap2 a\nestcell b\nestcell", "a | b"),
    ],
)
def test_rtf_row_is_one_line_and_cells_are_apart(rows: bytes, text: str) -> None:
    assert _read(rows).text == text


def test_rtf_header_row_gives_the_names_of_the_columns() -> None:
    rows = rb"\trowd\trhdr\intbl Part\cell Use\cell\row" + rb"\trowd\intbl x\cell y\cell\row" * 2
    assert [table.header for table in _read(rows).tables] == ["Part | Use"]


@pytest.mark.parametrize(
    ("items", "text"),
    [
        (rb"{\listtext 1.\tab}\ls1 One\par{\listtext 2.\tab}Two\par\pard x", "1. One\n2. Two\n\nx"),
        (rb"{\pntext\f3\'b7\tab}One\par{\listtext\'b7\tab}Two\par", "- One\n- Two"),
        (
            rb"\pard\ls1 One\par Two\par\pard\ls1\ilvl1 a\par\pard\ls1 Three\par\pard\ls2 dot",
            "1. One\n2. Two\n(a) a\n3. Three\n- dot",
        ),
        (rb"\pard\ls9 One", "One"),
        (rb"{\stylesheet{\s1 heading 1;}}{\pard\s1{\listtext Clause 2. \tab}Term\par}x", "Clause 2. Term\n\nx"),
    ],
)
def test_rtf_items_of_lists_have_their_numbers(items: bytes, text: str) -> None:
    lists = (
        rb"{\*\listtable{\list{\listlevel\levelnfc0{\leveltext\'02\'00.;}{\levelnumbers\'01;}}"
        rb"{\listlevel\levelnfc4{\leveltext\'03(\'01);}}\listid7}{\list{\listlevel\levelnfc23{\leveltext\'01\'b7;}}"
        rb"\listid8}}{\*\listoverridetable{\listoverride\listid7\ls1}{\listoverride\listid8\ls2}}"
    )
    assert _read(lists + items).text == text


def test_rtf_styles_make_headings() -> None:
    parsed = _read(
        rb"{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s7\outlinelevel1 Own;}}\pard\s1 A\par\pard\s7 B\par\pard C"
    )
    assert [section.path for section in parsed.sections] == [("A",), ("A", "B")]


def test_rtf_notes_headers_and_comments_have_their_kind() -> None:
    parsed = _read(
        rb"{\header Contract 42\par}{\footer Draft of May\par}{\footerf 12\par}Text{\footnote See {\b there}.} goes."
        rb"{\footnote\ftnalt End.}\par Word{\*\atnauthor Ann}{\*\annotation Check\par this}\par Last"
    )
    assert parsed.text == (
        "Header: Contract 42\n\nText goes.\n\nFootnote: See there.\n\nEndnote: End.\n\nWord\n\n"
        "Comment by Ann: Check\n\nthis\n\nLast\n\nFooter: Draft of May"
    )


def test_rtf_with_too_many_levels_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_DEPTH"):
        _read(b"{" * 300)
