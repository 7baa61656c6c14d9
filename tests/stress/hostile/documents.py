"""PDF files and zip-based formats."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator

from tests.samples import office
from tests.samples.office import word_paragraph
from tests.samples.pdf import FONT, assemble, page_content, stream
from tests.stress.hostile.case import Hostile, case, noise, times
from tests.stress.hostile.markup import LAUGHS

MB = 1_000_000
BOMB = 64
"""Megabytes to which a bomb unpacks."""
HELLO = page_content(["Hello PDF"])
WORD = office.docx(word_paragraph("Hello DOCX"))


def pdf(
    content: bytes = HELLO,
    *,
    entries: bytes = b"",
    more: tuple[bytes, ...] = (),
    kids: bytes = b"[3 0 R]",
    count: int = 1,
    resources: bytes = b"",
    catalog: bytes = b"",
    box: bytes = b"[0 0 612 792]",
    trailer: bytes = b"",
) -> bytes:
    """Return a PDF of one page in which one thing is wrong. `more` objects begin at number 6."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox%s/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>%s>>>>" % (
        box,
        resources,
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids%s/Count %d>>" % (kids, count),
        page,
        stream(content, entries),
        FONT,
        *more,
    ]
    return assemble(objects, trailer)


def pdfs() -> Iterator[Hostile]:
    """PDF."""
    flate = b"/Filter/FlateDecode"
    bomb = zlib.compress(b" " * BOMB * MB, 9)
    yield case("blank.pdf", b" \n", "E_EMPTY")
    yield case("cut.pdf", pdf()[:300], text="Hello PDF")
    yield case("none.pdf", b"this is no pdf\n" * 100, text="this is no pdf\n" * 100)
    yield case("bomb.pdf", pdf(bomb, entries=flate), "E_NO_TEXT")
    chained = zlib.compress(zlib.compress(zlib.compress(b" " * BOMB * MB, 9), 9), 9)
    three = b"/Filter[/FlateDecode/FlateDecode/FlateDecode]"
    yield case("chained.pdf", pdf(chained, entries=three), "E_NO_TEXT")
    yield case("kids_loop.pdf", pdf(kids=b"[2 0 R 3 0 R]", count=2), text="Hello PDF")
    yield case("count.pdf", pdf(count=100_000_000), text="Hello PDF")
    good = pdf()
    yield case("previous_loop.pdf", pdf(trailer=b"/Prev %d" % good.rfind(b"xref\n0")), text="Hello PDF")
    yield case("deep_array.pdf", pdf(more=(b"[" * 100_000,)), text="Hello PDF")
    yield case("deep_info.pdf", pdf(more=(b"<</A " * 50_000 + b"1",), trailer=b"/Info 6 0 R"), text="Hello PDF")
    yield case("box.pdf", pdf(box=b"[0 0 1e30 1e30]"), text="Hello PDF")
    yield case("states.pdf", pdf(zlib.compress(b"q " * MB + HELLO, 9), entries=flate), text="Hello PDF")
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F1 5 0 R>>/XObject<</X0 %d 0 R>>>>"
    drawn = b"/XObject<</X0 6 0 R>>"
    once = stream(b"/X0 Do /X0 Do", form % 6)
    yield case("form_loop.pdf", pdf(b"/X0 Do " + HELLO, resources=drawn, more=(once,)), "E_MEMORY")
    many = tuple(stream(b"/X0 Do " * 10 if n < 9 else HELLO, form % (7 + n)) for n in range(10))
    yield case("forms.pdf", pdf(b"/X0 Do " + HELLO, resources=drawn, more=many), "E_MEMORY")
    loop = (b"<</Type/Outlines/First 7 0 R/Last 7 0 R>>", b"<</Title(x)/Parent 6 0 R/Next 7 0 R/First 7 0 R>>")
    yield case("outline_loop.pdf", pdf(catalog=b"/Outlines 6 0 R", more=loop), text="Hello PDF")
    yield _unicode_map()
    yield case(
        "launch.pdf", pdf(catalog=b"/OpenAction<</S/Launch/F(/bin/sh)>>/AcroForm<</Fields[]>>"), text="Hello PDF"
    )
    yield case("noise.pdf", b"%PDF-1.7\n" + noise(2 * MB), "E_PARSE")
    yield case("lzw.pdf", pdf(noise(200_000, 2), entries=b"/Filter/LZWDecode"), "E_NO_TEXT")
    wide = b"/Filter/FlateDecode/DecodeParms<</Predictor 15/Columns 2147483647/Colors 999>>"
    yield case("predictor.pdf", pdf(zlib.compress(b"x" * 10_000), entries=wide), "E_NO_TEXT")
    yield case("objects.pdf", assemble([*_objects(), *[b"<<>>"] * 100_000]), text="Hello PDF")
    yield case("no_table.pdf", b"%PDF-1.4\n" + b"1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj\n" * 20_000, "E_PARSE")
    image = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8"
    picture = stream(zlib.compress(b" " * 10 * MB), image + flate)
    yield case(
        "image.pdf", pdf(b"/I Do " + HELLO, resources=b"/XObject<</I 6 0 R>>", more=(picture,)), text="Hello PDF"
    )
    yield case("ascii85.pdf", pdf(b"z" * 10 * MB + b"~>", entries=b"/Filter/ASCII85Decode"), "E_NO_TEXT")
    yield case("run_length.pdf", pdf(b"\x81 " * 500_000, entries=b"/Filter/RunLengthDecode"), "E_NO_TEXT")
    yield case("two_in_one.pdf", pdf() + WORD, text="Hello PDF")
    yield case("really.txt", pdf(), text="Hello PDF")


def _unicode_map() -> Hostile:
    """Return a PDF with a font whose Unicode table has a range of 2**32 characters."""
    table = b"1 begincodespacerange <00000000> <ffffffff> endcodespacerange\n"
    table += b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>"
    tree = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    return case("unicode_map.pdf", assemble([*tree, page, stream(HELLO), font, stream(table)]), "E_NO_TEXT")


def _objects() -> list[bytes]:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    return [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(HELLO), FONT]


def archives() -> Iterator[Hostile]:
    """Word files and other archives."""
    big = "<w:p><w:r><w:t>" + "A" * MB + "</w:t></w:r></w:p>"
    yield case("bomb.docx", office.docx(big * BOMB), "E_ZIP_BOMB")
    yield case("paragraphs.docx", office.docx("<w:p/>" * 10 * MB), "E_ZIP_BOMB")
    yield case("laughs.docx", office.docx("", parts={"word/document.xml": LAUGHS + "<r>&a9;</r>"}), "E_XML_ENTITY")
    outside = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
    yield case("outside.docx", office.docx("", parts={"word/document.xml": outside}), "E_XML_ENTITY")
    yield case(
        "names.docx", office.docx(word_paragraph("x"), parts={"../../planted": "x", "/planted": "x"}), "E_PATH"
    )
    yield case("no_body.docx", office.archive({"[Content_Types].xml": "<Types/>"}), "E_PARSE")
    yield case("cut.docx", WORD[: len(WORD) // 2], "E_PARSE")
    yield case("encrypted.docx", _flagged(WORD), "E_ENCRYPTED")
    yield case("nested.docx", office.docx("<w:tbl><w:tr><w:tc>" * 20_000), "E_DEPTH")
    yield case("entries.docx", office.docx("", parts={f"x/{n}": "" for n in range(6_000)}), "E_ZIP_BOMB")
    yield case("twice.docx", _twice(), "E_ZIP_DUPLICATE")
    yield case("size_lie.docx", _lying(WORD), text="Hello DOCX")
    external = (
        '<Relationships><Relationship Id="r" TargetMode="External" Target="http://169.254.169.254/"/></Relationships>'
    )
    yield case(
        "external.docx", office.docx(word_paragraph("x"), parts={"word/_rels/document.xml.rels": external}), text="x"
    )
    yield case("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096, "E_ENCRYPTED")
    yield case("overlap.docx", _overlapping(), "E_ZIP_BOMB")
    packed = {f"{number}.zip": WORD for number in range(10)}
    yield case("archive.md", office.archive(packed), text="\n".join(packed))
    yield case(
        "strings.xlsx",
        office.xlsx({"S": [["A" * 1000] * 20] * times(500)}),
        text="S\n\n" + "\n".join([" | ".join(["A" * 1000] * 20)] * times(500)),
    )
    cell = '<worksheet><sheetData><row><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>'
    yield case("far_cell.xlsx", _sheet(cell), text="S\n\n" + " | " * 16_383 + "1")
    blanks = "<text:p>" + "<text:s text:c='999999999'/>" * 1000 + "x</text:p>"
    yield case("blanks.odt", office.opendocument(blanks), text="x")
    yield case(
        "no_slides.pptx", office.archive({"ppt/presentation.xml": "<p><sldId id='1' rid='r9'/></p>"}), "E_PARSE"
    )
    yield case("loop.epub", office.epub(["<p>x</p>"] * 3, title="x"), text="x\n\nx\n\nx")
    yield case("deep.epub", office.epub(["<div>" * 3000 + "x"], title="x"), "E_PARSE")


def _sheet(content: str) -> bytes:
    relation = office.relations({"r1": ("worksheet", "worksheets/sheet1.xml")})
    book = '<workbook xmlns:r="urn:r"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>'
    parts = {"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": relation, "xl/worksheets/sheet1.xml": content}
    return office.archive(parts)


def _flagged(raw: bytes) -> bytes:
    """Return the file with the encryption flag set on all its parts."""
    out = bytearray(raw)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(signature)
        while at >= 0:
            out[at + offset] |= 1
            at = out.find(signature, at + 4)
    return bytes(out)


def _lying(raw: bytes) -> bytes:
    """Return the file with a declared size of nearly 4 GB for all its parts."""
    out = bytearray(raw)
    at = out.find(b"PK\x01\x02")
    while at >= 0:
        out[at + 24 : at + 28] = struct.pack("<I", 0xFFFFFFF0)
        at = out.find(b"PK\x01\x02", at + 4)
    return bytes(out)


def _twice() -> bytes:
    out = io.BytesIO(WORD)
    with zipfile.ZipFile(out, "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("word/document.xml", "<w/>")
    return out.getvalue()


def _overlapping() -> bytes:
    """Return a zip file with one part of 50 MB under two thousand names (D. Fifield, A better zip bomb)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = b"\0" * 50 * MB
    packed = packer.compress(raw) + packer.flush()
    sizes = zlib.crc32(raw), len(packed), len(raw)
    head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, 1, 0) + b"a"
    names = [b"word/document.xml", *(b"%d" % n for n in range(2000))]
    listed = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes, len(name), *[0] * 6) + name
        for name in names
    )
    start = len(head) + len(packed)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(names), len(names), len(listed), start, 0)
    return head + packed + listed + end
