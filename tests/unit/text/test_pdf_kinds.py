"""PDF files that are damaged, too large, or have odd fonts, forms or notes: the rest is read, and this is said."""

from __future__ import annotations

import base64
import re
import zlib

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import pdf
from omni_pipelines.text.readers.pdf import PdfLimits
from tests.samples.pdf import FONT, assemble, drawn, page_content, placed, stream
from tests.samples.pdf import pdf as make

LINE = "The warranty lasts twenty-four months."
FILE = make([[LINE]])
CONTENT = page_content([LINE])


def read(raw: bytes) -> Parsed:
    return pdf.read(raw, "a.pdf")


def refusal(raw: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read(raw)
    return str(refused.value)


@pytest.mark.parametrize(
    "raw",
    [
        FILE[: FILE.index(b"startxref")],
        FILE[: FILE.index(b"xref\n0")],
        re.sub(rb"startxref\n\d+", b"startxref\n7", FILE),
        re.sub(rb"\d{10} 00000 n", b"0000000001 00000 n", FILE),
        b"a line before it\n" + FILE,
    ],
    ids=["no startxref", "no table", "wrong startxref", "wrong offsets", "moved"],
)
def test_damaged_cross_references_are_rebuilt(raw: bytes) -> None:
    assert read(raw).text == LINE


def test_file_whose_end_is_missing_is_read_up_to_there() -> None:
    raw = make([["One."], ["Two."]])
    parsed = read(raw[: raw.index(b"(Two.)")])
    assert (parsed.text, parsed.partial) == ("One.", "its end is missing; what is before it was read")


@pytest.mark.parametrize(
    ("content", "filters"),
    [
        (base64.a85encode(CONTENT) + b"~>", b"/A85"),
        (CONTENT.hex().encode() + b">", b"/AHx"),
        (zlib.compress(CONTENT), b"/Fl"),
        (base64.a85encode(zlib.compress(CONTENT)) + b"~>", b"[/A85/Fl]"),
    ],
    ids=["A85", "AHx", "Fl", "both"],
)
def test_abbreviated_names_of_filters_are_known(content: bytes, filters: bytes) -> None:
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    objects += [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"]
    assert read(assemble([*objects, stream(content, b"/Filter%s" % filters), FONT])).text == LINE


@pytest.mark.parametrize("instead", [b"null", b"<</Type/Font>>", b"[1 2 3]"])
def test_damaged_page_among_others_is_said_and_the_others_are_read(instead: bytes) -> None:
    raw = make([["One."], ["Two."], ["Three."]])
    damaged = re.sub(rb"(?<=\n6 0 obj\n)<<.*?>>(?=\nendobj)", instead, raw, flags=re.DOTALL)
    parsed = read(damaged)
    assert parsed.text == "One.\n\nThree."
    assert [page for _, page in parsed.page_marks] == [1, 3]
    assert parsed.partial == "page 2 is damaged and could not be read"


@pytest.mark.parametrize(("side", "is_said"), [(500, True), (40, False)])
def test_page_that_is_only_a_picture_is_said_among_others(side: int, is_said: bool) -> None:
    picture = stream(
        b"\x80", b"/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"
    )
    drawing = b"%d 0 0 %d 50 50 cm /I Do" % (side, side)
    parsed = read(drawn(CONTENT, drawing, resources=b"/XObject<</I 5 0 R>>", more=[picture]))
    assert parsed.text == LINE
    assert parsed.partial.startswith("page 2 is probably scanned") == is_said


def test_damaged_operators_of_a_page_do_not_end_it() -> None:
    parsed = read(
        drawn(b"BT /F1 12 Tf 72 700 Td [(One ) 0.0 Tc (two.)] TJ ET", b"BT /F1 12 Tf 72 700 Td ((( Tj ET" + CONTENT)
    )
    assert "two." in parsed.text


def cid_font(ordering: str, encoding: str = "Identity-H") -> tuple[bytes, bytes, bytes]:
    """A font whose characters are numbered as a character collection of Adobe says; it says no more about them."""
    info = b"<</Registry(Adobe)/Ordering(%s)/Supplement 2>>" % ordering.encode()
    metrics = b"/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80"
    font = b"<</Type/Font/Subtype/Type0/BaseFont/Song/Encoding/%s/DescendantFonts[5 0 R]>>" % encoding.encode()
    below = b"<</Type/Font/Subtype/CIDFontType0/BaseFont/Song/CIDSystemInfo%s/FontDescriptor 6 0 R>>" % info
    return font, below, b"<</Type/FontDescriptor/FontName/Song%s>>" % metrics


@pytest.mark.parametrize(
    ("ordering", "encoding", "codes", "text"),
    [
        ("Japan1", "Identity-H", "03B2 046F", "ザ茜"),
        ("Korea1", "Identity-H", "0B7E 0A45", None),
        ("GB1", "Identity-H", "0FD5 0B6C", None),
        ("Japan1", "90ms-RKSJ-H", "938C 8B9E", "東京"),
        ("Korea1", "KSCms-UHC-H", "C7D1 B1DB", "한글"),
        ("GB1", "GBK-EUC-H", "B1B1 BEA9", "北京"),
    ],
)
def test_fonts_of_east_asian_collections_need_no_table_of_characters(
    ordering: str, encoding: str, codes: str, text: str | None
) -> None:
    font, *more = cid_font(ordering, encoding)
    parsed = read(drawn(b"BT /F1 20 Tf 72 700 Td <%s> Tj ET" % codes.replace(" ", "").encode(), font=font, more=more))
    assert parsed.text == text if text else re.fullmatch("[가-힣一-鿿]{2}", parsed.text)


NAMED = b"<</Type/Font/Subtype/Type1/BaseFont/ABCDEF+Custom/Encoding<</Type/Encoding/Differences[32%s]>>>>"
WITHOUT_MEANING = NAMED % b"".join(b"/g%d" % code for code in range(32, 127))


@pytest.mark.parametrize("text", ["ABC", "XQ ZVKW JJH QPL MNB VCX LKJ HGF DSA POI", ""])
def test_glyph_names_without_meaning_are_no_text(text: str) -> None:
    assert refusal(drawn(page_content([text, "!$%&/"]), font=WITHOUT_MEANING)).startswith(
        "E_NO_TEXT: the file does not say which characters its fonts show"
    )


def test_codes_that_happen_to_be_a_text_are_read() -> None:
    lines = [
        "The pump is in the house, and it is not as old as the roof.",
        "It was built for the water of the river.",
    ]
    assert read(drawn(page_content(lines), font=WITHOUT_MEANING)).text == "\n".join(lines)


def test_words_without_meaning_are_left_out_and_the_page_is_said() -> None:
    fonts = drawn(placed((72, 700, LINE)) + placed((72, 600, "QXZVK WJQHG"), font="F2"))
    raw = fonts.replace(FONT.replace(b"Helvetica", b"Helvetica-Bold"), WITHOUT_MEANING)
    parsed = read(raw)
    assert parsed.text == LINE
    assert parsed.partial.startswith("page 1 is readable only in part: the file does not say")


def unicode_font(codes: dict[int, str]) -> tuple[bytes, bytes]:
    """A font that says which characters its codes are."""
    lines = b"\n".join(
        b"<%02x> <%s>" % (code, text.encode("utf-16-be").hex().encode()) for code, text in codes.items()
    )
    table = b"1 begincodespacerange <00> <ff> endcodespacerange\n%d beginbfchar\n%s\nendbfchar" % (len(codes), lines)
    return FONT.replace(b"/Encoding", b"/ToUnicode 5 0 R/Encoding"), stream(table)


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        ({1: "ﬃ", 2: "ﬁ"}, "e\\001cient \\002sh"),
        ({1: "ffi", 2: "fi"}, "e\\001cient \\002sh"),
        ({1: "\x0e", 2: "\x0c"}, "e\\001cient \\002sh"),
    ],
    ids=["characters", "letters", "codes of TeX"],
)
def test_ligatures_are_their_letters(codes: dict[int, str], text: str) -> None:
    font, table = unicode_font(codes)
    content = b"BT /F1 12 Tf 72 700 Td (%s) Tj ET" % text.encode()
    assert read(drawn(content, font=font, more=[table])).text == "efficient fish"


def accented(accent: str, letter: str, *, rise: int = 0) -> bytes:
    """What TeX draws: an accent, and the letter below it, between other letters."""
    back = 444 if letter != "i" else 278
    return b"(Gr) Tj %d Ts (%s) Tj 0 Ts [%d (%s\337e)] TJ" % (
        rise, accent.encode("cp1252"), back, letter.encode("cp1252")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accent", "letter", "rise", "text"),
    [
        ("¨", "o", 0, "Größe"),
        ("´", "e", 0, "Gréße"),
        ("`", "a", 0, "Gràße"),
        ("ˆ", "u", 0, "Grûße"),
        ("˜", "n", 0, "Grñße"),
        ("¸", "c", 0, "Grçße"),
        ("¨", "O", 3, "GrÖße"),
    ],
)
def test_accent_that_is_drawn_over_a_letter_is_a_part_of_it(accent: str, letter: str, rise: int, text: str) -> None:
    parsed = read(drawn(b"BT /F1 12 Tf 72 700 Td " + accented(accent, letter, rise=rise) + b" ET"))
    assert parsed.text == text


def test_raised_figure_is_no_part_of_the_word_before_it() -> None:
    raised = b"(%s) Tj /F1 7 Tf 5 Ts (%s) Tj 0 Ts /F1 12 Tf "
    words = [
        (b"Turn the valve", b"1"),
        (b" and wait for the sign", b"23"),
        (b". It has 5 m", b"2"),
        (b" of room2", b""),
    ]
    content = b"BT /F1 12 Tf 72 700 Td %sET" % b"".join(raised % pair for pair in words)
    assert read(drawn(content)).text == "Turn the valve 1 and wait for the sign 23. It has 5 m2 of room2"


def test_accent_before_a_letter_is_a_sign_of_its_own() -> None:
    lines = ["Run `ls` or ´ls´ here, and then", "wait for the ˆ of the prompt."]
    assert read(drawn(page_content(lines))).text == "\n".join(lines)


def test_text_beside_the_page_is_left_out() -> None:
    beside = placed((72, -40, "below"), (72, 900, "above"), (700, 600, "right"), (-90, 600, "left"))
    assert read(drawn(placed((72, 700, LINE)) + beside)).text == LINE
    cut = placed((500, 600, "A line that is longer than the paper is wide"))
    assert read(drawn(placed((72, 700, LINE)) + cut)).text.split("\n")[-1] == "A line that is longer than the"
    assert read(drawn(placed((72, 700, LINE)), page=b"/CropBox[0 0 9 9]")).text == LINE, "a box that shows nothing"


def test_text_from_right_to_left_is_in_the_order_of_speech() -> None:
    lines = ["שלום עולם טוב", "אני כאן היום"]
    letters = sorted(set("".join(lines)) - {" "})
    font, table = unicode_font({32: " ", **dict(enumerate(letters, 65))})
    drawn_lines = [
        "".join(chr(65 + letters.index(each)) if each in letters else each for each in line[::-1]) for line in lines
    ]
    assert read(drawn(page_content(drawn_lines), font=font, more=[table])).text == "\n".join(lines)


@pytest.mark.parametrize(
    "meaning",
    ["".join(map(chr, range(0xE041, 0xE05B))), "".join("βϷѯ੭ठඞ"[at % 6] for at in range(26))],
    ids=["private use", "mixed scripts"],
)
def test_text_of_impossible_characters_is_refused(meaning: str) -> None:
    font, table = unicode_font(dict(zip(range(65, 91), meaning, strict=True)))
    raw = drawn(page_content(["ABCDEFGHIJ KLMNOPQRST UVWXYZ"]), font=font, more=[table])
    assert refusal(raw).startswith("E_NO_TEXT: the file does not say")


_STATES = b"/AP<</N<</Yes 14 0 R/Off 14 0 R>>>>"
FIELDS = [
    b"<</Type/Annot%s>>" % entries
    for entries in (
        b"/Subtype/Widget/FT/Tx/T(name)/V(Alice Example)/Rect[72 650 300 670]",
        b"/Subtype/Widget/FT/Ch/T(land)/TU(Country)/Opt[(Austria)(Norway)]/V(Norway)/Rect[72 620 300 640]",
        b"/Subtype/Widget/FT/Btn/T(agreed)/V/Yes/AS/Yes%s/Rect[72 600 90 618]" % _STATES,
        b"/Subtype/Widget/FT/Btn/T(refused)/V/Off/AS/Off%s/Rect[72 580 90 598]" % _STATES,
        b"/Subtype/Widget/FT/Tx/T(empty)/Rect[72 560 300 578]",
        b"/Subtype/FreeText/Contents(The limit is 40 kg)/Rect[72 500 300 520]",
        b"/Subtype/Text/T(Ada)/Contents(Ask legal)/Rect[72 400 90 420]",
        b"/Subtype/Highlight/Contents(Too vague)/Rect[72 380 90 400]",
        b"/Subtype/Text/F 2/Contents(hidden note)/Rect[72 360 90 380]",
    )
]
SHOWN = [
    "Field name: Alice Example", "Field Country: Norway", "Field agreed: Yes", "Text box: The limit is 40 kg",
    "Note by Ada: Ask legal", "Comment: Too vague",
]  # fmt: skip


@pytest.mark.parametrize("line", ["Applicant form", ""])
def test_form_fields_and_notes_are_text_with_their_kind(line: str) -> None:
    references = b" ".join(b"%d 0 R" % (5 + at) for at in range(len(FIELDS)))
    raw = drawn(
        page_content([line]), page=b"/Annots[%s]" % references, catalog=b"/AcroForm<</Fields[%s]>>" % references,
        more=[*FIELDS, stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")],
    )  # fmt: skip
    parsed = read(raw)
    assert parsed.text.split("\n\n") == [*filter(None, [line]), *SHOWN]
    assert parsed.page(len(parsed.text) - 1) == 1


def test_pages_beyond_the_limit_are_said_and_the_others_are_kept() -> None:
    parsed = pdf.read(make([["One."], ["Two."], ["Three."]]), "a.pdf", PdfLimits(pages=2))
    assert parsed.text == "One.\n\nTwo."
    assert parsed.partial == "it has 3 pages; the first 2 were read"


def test_what_was_read_before_the_time_is_up_is_kept() -> None:
    parsed = pdf.read(make([["One."], ["Two."]]), "a.pdf", PdfLimits(seconds=-1.0, seconds_of_page=0.0))
    assert parsed.text == "One."
    assert "its first 1 of 2 pages were read" in parsed.partial
