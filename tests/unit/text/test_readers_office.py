"""The readers of PowerPoint, Excel, OpenDocument and EPUB."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.office import epub, iwork, opendocument, pptx
from omni_pipelines.text.readers.sheets import ods, xlsx
from tests.samples import office
from tests.samples.pdf import pdf


def test_pptx_slides_are_pages_in_the_order_shown() -> None:
    deck = office.pptx(
        [("Herons", ["They wait."]), ("Otters", ["They swim.", "They play."])], notes={2: "Smile here."}
    )
    parsed = pptx.read(deck, "a.pptx")
    assert parsed.text == "Herons\n\nThey wait.\n\nOtters\n\nThey swim.\n\nThey play.\n\nNote: Smile here."
    assert [(parsed.text[start:][:6], page) for start, page in parsed.page_marks] == [("Herons", 1), ("Otters", 2)]
    assert [section.path for section in parsed.sections] == [("Herons",), ("Otters",)]
    assert parsed.title == "Herons"


def test_xlsx_sheet_is_a_section_and_a_row_is_a_line() -> None:
    book = office.xlsx(
        {"Animals": [["name", "kg", "", "wild"], ["otter", 7.5, "", True]], "Empty": [], "More": [["x"]]}
    )
    parsed = xlsx.read(book, "a.xlsx")
    assert parsed.text == "Animals\n\nname | kg |  | wild\notter | 7.5 |  | TRUE\n\nMore\n\nx"
    assert [section.path for section in parsed.sections] == [("Animals",), ("More",)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(45_000, "2023-03-15"), (45_000.5, "2023-03-15"), (0.25, "06:00:00"), (-1, "-1"), (9e9, "9000000000")],
)
def test_xlsx_number_in_a_date_format_is_a_date_if_the_day_exists(value: float, shown: str) -> None:
    assert xlsx.read(office.xlsx({"S": []}, dates={"A1": value}), "a.xlsx").text == f"S\n\n{shown}"


@pytest.mark.parametrize(("value", "shown"), [(0.1 + 0.2, "0.3"), (12_345_678, "12345678"), (1e300, "1E+300")])
def test_xlsx_number_is_shown_as_in_excel(value: float, shown: str) -> None:
    assert xlsx.read(office.xlsx({"S": [[value]]}), "a.xlsx").text.endswith(shown)


def test_odt_keeps_headings_lists_and_tables() -> None:
    body = (
        "<text:h text:outline-level='1'>River</text:h><text:p>Herons<text:s text:c='2'/>wait.</text:p>"
        "<text:list><text:list-item><text:p>small</text:p></text:list-item>"
        "<text:list-item><text:p>quick</text:p></text:list-item></text:list>"
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        "<table:table><table:table-row><table:table-cell><text:p>otter</text:p></table:table-cell>"
        "<table:table-cell><text:p>7</text:p></table:table-cell></table:table-row></table:table>"
    )
    parsed = opendocument.read(office.opendocument(body, title="Animals"), "a.odt")
    assert parsed.text == "River\n\nHerons  wait.\n\n- small\n- quick\n\notter | 7"
    assert (parsed.title, parsed.sections[0].path) == ("Animals", ("River",))


def test_ods_sheets_are_sections() -> None:
    row = "<table:table-row><table:table-cell><text:p>7</text:p></table:table-cell></table:table-row>"
    body = f"<table:table table:name='Animals'>{row}{row}</table:table>"
    parsed = ods.read(office.opendocument(body, kind="spreadsheet"), "a.ods")
    assert (parsed.text, parsed.sections[0].path) == ("Animals\n\n7\n7", ("Animals",))


def test_epub_is_read_chapter_by_chapter() -> None:
    book = office.epub(
        ["<h1>One</h1><p>Herons.</p>", "<img/>", "<h1>Two</h1><p>Otters.</p><h2>In</h2>"], title="Rivers"
    )
    parsed = epub.read(book, "a.epub")
    assert (parsed.text, parsed.title) == ("One\n\nHerons.\n\nTwo\n\nOtters.\n\nIn", "Rivers")
    assert [(parsed.text[section.start :][:3], section.path) for section in parsed.sections if section.path] == [
        ("One", ("One",)),
        ("Two", ("Two",)),
        ("In", ("Two", "In")),
    ]


_BODY = "<html><body><p>{}</p></body></html>"


def test_epub_without_a_chapter_is_read_without_it() -> None:
    book = office.epub(["<p>Herons.</p>", "<p>gone</p>", "<p>Otters.</p>"], title="x")
    parsed = epub.read(_without(book, "OEBPS/text/c2.xhtml"), "a.epub")
    assert parsed.text == "Herons.\n\nOtters."
    assert "OEBPS/text/c2.xhtml" in parsed.partial


def test_epub_with_a_chapter_that_no_parser_reads_is_read_without_it() -> None:
    deep = "<div>" * 3000 + "deep"
    parsed = epub.read(office.epub(["<p>Herons.</p>", deep], title="x"), "a.epub")
    assert parsed.text == "Herons."
    assert "2048 levels" in parsed.partial


def _without(raw: bytes, part: str) -> bytes:
    old = zipfile.ZipFile(io.BytesIO(raw))
    return office.archive({name: old.read(name) for name in old.namelist() if name != part}, stored=("mimetype",))


_PACKAGE = (
    "<package><manifest><item id='a' href='One.xhtml' media-type='application/xhtml+xml '/>"
    "<item id='b' href='two%20b.html' media-type='text/x-oeb1-document'/>"
    "<item id='c' href='c.jpg' media-type='image/jpeg'/>"
    "<item id='n' href='toc.ncx' media-type='application/x-dtbncx+xml'/></manifest>{}</package>"
)
_SPINE = "<spine><itemref idref='c'/><itemref idref='b'/><itemref idref='a'/></spine>"


@pytest.mark.parametrize(
    ("package", "text"),
    [(_PACKAGE.format(_SPINE), "B.\n\nA."), (_PACKAGE.format(""), "A.\n\nB."), ("<package", "A.\n\nB.")],
    ids=["spine", "no spine", "damaged"],
)
def test_epub_chapters_are_found_whatever_their_case_type_and_list(package: str, text: str) -> None:
    contents = "<ncx><navPoint><navLabel><text>First</text></navLabel><content src='One.xhtml#x'/></navPoint></ncx>"
    parts: dict[str, str | bytes] = {
        "book/content.opf": package,
        "book/one.xhtml": _BODY.format("A."),
        "book/two b.html": _BODY.format("B."),
        "book/toc.ncx": contents,
        "book/c.jpg": b"\xff\xd8",
    }
    parsed = epub.read(office.archive(parts), "a.epub")
    assert parsed.text == text
    assert ("First",) in [section.path for section in parsed.sections] or parsed.partial


def test_epub_readings_above_characters_are_left_out() -> None:
    book = office.epub(["<p><ruby>東京<rp>(</rp><rt>とうきょう</rt></ruby>の<b>O</b>tter</p>"], title="x")
    assert epub.read(book, "a.epub").text == "東京のOtter"


def _protected(method: str) -> bytes:
    encryption = f'<encryption><EncryptedData><EncryptionMethod Algorithm="{method}"/></EncryptedData></encryption>'
    return office.epub(["<p>Herons.</p>"], title="x", parts={"META-INF/encryption.xml": encryption})


def test_epub_with_copy_protection_is_refused_and_with_scrambled_fonts_is_read() -> None:
    assert epub.read(_protected("http://www.idpf.org/2008/embedding"), "a.epub").text == "Herons."
    with pytest.raises(Unreadable, match="E_ENCRYPTED"):
        epub.read(_protected("http://www.w3.org/2001/04/xmlenc#aes128-cbc"), "a.epub")


@pytest.mark.parametrize("read", [pptx.read, xlsx.read, ods.read, opendocument.read, epub.read])
def test_zip_of_another_format_is_refused(read: Callable[[bytes, str], Parsed]) -> None:
    with pytest.raises(Unreadable, match=r"E_PARSE.*missing"):
        read(office.archive({"a.txt": "text"}), "a")


def test_pages_numbers_and_keynote_are_read_by_their_preview() -> None:
    parts = {"Index/Document.iwa": b"", "preview.jpg": b"", "QuickLook/Preview.pdf": pdf([["Otters swim."]])}
    parsed = iwork.read(office.archive(parts), "a.numbers")
    assert (parsed.text, parsed.page(0)) == ("Otters swim.", 1)
    assert parsed.partial.startswith("read from its preview")
    del parts["QuickLook/Preview.pdf"]
    with pytest.raises(Unreadable, match="without a preview in PDF"):
        iwork.read(office.archive(parts), "a.numbers")
