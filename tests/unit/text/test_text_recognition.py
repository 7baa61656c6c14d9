"""Text recognition: scans and pictures become text, with how sure the words are, within limits."""

from __future__ import annotations

import pytest

from native import text_recognition
from omni_pipelines.refusals import RECOGNIZABLE, RefusalCode, Unreadable
from omni_pipelines.text.readers import pdf, picture
from omni_pipelines.text.readers.recognition import Recognition, RecognitionLimits
from tests.samples.pdf import placed
from tests.samples.scans import GERMAN, PAGE, picture_file, scanned_pdf

needs_engine = pytest.mark.skipif(
    not text_recognition.installed(), reason=f"text recognition is an extra: {text_recognition.INSTALL}"
)
TEXT = placed((10, 50, "This page is text."))


def words(text: str) -> set[str]:
    return set(text.split())


def test_scan_is_refused_with_the_cure_without_recognition() -> None:
    with pytest.raises(Unreadable) as refused:
        pdf.read(scanned_pdf([PAGE]), "scan.pdf")
    assert refused.value.code == RefusalCode.NO_TEXT
    assert RECOGNIZABLE in refused.value.detail


def test_scanned_page_among_others_is_named_with_the_cure() -> None:
    parsed = pdf.read(scanned_pdf([TEXT, PAGE]), "mixed.pdf")
    assert parsed.partial == f"page 2 is probably scanned; {RECOGNIZABLE}"


def test_picture_is_of_no_known_kind_without_recognition() -> None:
    with pytest.raises(Unreadable, match="no reader for pictures"):
        picture.read(b"\x89PNG", "photo.png")


@needs_engine
def test_scanned_page_is_recognized_and_the_text_of_others_is_certain() -> None:
    parsed = pdf.recognize(scanned_pdf([TEXT, PAGE]), "mixed.pdf")
    assert words(" ".join(PAGE)) <= words(parsed.text)
    assert not parsed.partial
    scanned = parsed.text.index("otters")
    assert parsed.page(scanned) == 2
    assert parsed.confidence(0, 10) == 1.0
    assert 0.8 < parsed.confidence(scanned, scanned + 10) < 1.0
    assert parsed.confidence(0, len(parsed.text)) == parsed.confidence(scanned, scanned + 10)


def test_scan_with_a_stamp_is_named_with_the_cure() -> None:
    parsed = pdf.read(scanned_pdf([PAGE], stamp="ACME 000123"), "stamped.pdf")
    assert parsed.partial == f"page 1 is probably scanned; {RECOGNIZABLE}"
    assert "ACME 000123" in parsed.text


@needs_engine
def test_scan_with_a_stamp_is_recognized_with_the_stamp() -> None:
    text = pdf.recognize(scanned_pdf([PAGE], stamp="ACME 000123"), "stamped.pdf").text
    assert words("ACME 000123 otters") <= words(text)


@needs_engine
def test_german_letters_are_recognized() -> None:
    text = picture.recognize(picture_file("PNG", GERMAN), "scan.png").text
    assert words(" ".join(GERMAN)) <= words(text)


@needs_engine
@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("photo.jpg", lambda: picture_file("JPEG", PAGE)),
        ("held on its side.jpg", lambda: picture_file("JPEG", PAGE, turn=90, exif=6)),
        ("upside down.png", lambda: picture_file("PNG", PAGE + GERMAN + PAGE[::-1], turn=180)),
    ],
    ids=["jpeg", "exif", "turned"],
)
def test_picture_is_read_with_the_letters_upright(name: str, raw: object) -> None:
    text = picture.recognize(raw(), name).text  # type: ignore[operator]
    assert words(PAGE[0]) <= words(text)


@needs_engine
def test_every_page_of_a_fax_is_read() -> None:
    parsed = picture.recognize(picture_file("TIFF", PAGE, GERMAN), "fax.tiff")
    assert parsed.page(parsed.text.index("otters")) == 1
    assert parsed.page(parsed.text.index("Anlage")) == 2


@needs_engine
def test_what_the_limits_leave_out_is_said() -> None:
    limits = Recognition(RecognitionLimits(pages=1))
    parsed = pdf.read(scanned_pdf([PAGE, GERMAN]), "book.pdf", recognition=limits)
    assert "otters" in parsed.text
    assert parsed.partial == "page 2 is probably scanned, and to recognise it would take too long"
    parsed = picture.recognize(picture_file("TIFF", PAGE, GERMAN), "fax.tiff", RecognitionLimits(pages=1))
    assert parsed.partial == "its first 1 of 2 pages were read; the others would take too long"


@needs_engine
def test_picture_without_text_is_no_document() -> None:
    with pytest.raises(Unreadable, match="shows no text") as refused:
        picture.recognize(picture_file("PNG", [""]), "sky.png")
    assert refused.value.code == RefusalCode.KIND


@needs_engine
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_damaged_picture_is_refused(kind: str) -> None:
    whole = picture_file(kind, PAGE)
    for raw in (whole[:60], whole[:8] + b"\xff" * 100, b""):
        with pytest.raises(Unreadable) as refused:
            picture.recognize(raw, "damaged")
        assert refused.value.code in (RefusalCode.PARSE, RefusalCode.KIND)


@needs_engine
def test_picture_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    import struct
    import zlib

    def part(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = part(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    raw = b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(b"\0" * 60_001)) + part(b"IEND", b"")
    with pytest.raises(Unreadable, match="60,000 x 60,000 pixels"):
        picture.recognize(raw, "bomb.png")
