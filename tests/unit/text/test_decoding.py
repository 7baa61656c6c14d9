"""Decoding, and mapping ranges of characters back to their exact bytes."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.decoding import DecodedText, decode, newline_offsets

MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
DECLARED = ["cp1252", "cp1251", "gb18030", "shift_jis", "euc_jp", "euc_kr", "big5", "big5hkscs", "shift_jisx0213"]
MIXED = "line\r\nold\rnew\n👩‍👩‍👧 漢字 שלום עברית e\u0301 ü"
TEXTS = st.text(
    st.sampled_from("ab \t\r\né漢字😀אe\u0301ゝ。—") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=40
)


def _code(error: pytest.ExceptionInfo[Unreadable]) -> str:
    return error.value.code


def _check_every_range(raw: bytes, decoded: DecodedText) -> None:
    text = decoded.text
    offsets = decoded.byte_offsets(range(len(text) + 1))
    for start, first in enumerate(offsets):
        for end in range(start, len(text) + 1):
            assert raw[first : offsets[end]].decode(decoded.encoding) == text[start:end]
    assert offsets[0] == decoded.bom_bytes
    assert offsets[-1] == len(raw)


def _check_exact_or_refused(raw: bytes, declared: str | None) -> None:
    code = ""
    try:
        _check_every_range(raw, decode(raw, declared))
    except Unreadable as error:
        code = error.code
    assert code in {"", "E_ENCODING", "E_BINARY"}


@pytest.mark.parametrize("encoding", MARKED)
@given(text=TEXTS)
def test_byte_order_mark_decides_the_encoding_with_exact_ranges(encoding: str, text: str) -> None:
    raw = MARKED[encoding] + text.encode(encoding)
    if encoding == "utf-16-le" and text.startswith("\0"):
        return
    decoded = decode(raw)
    assert (decoded.text, decoded.encoding) == (text, encoding)
    _check_every_range(raw, decoded)


@given(text=TEXTS.filter(lambda text: not text.startswith("\ufeff")))
def test_utf8_without_a_mark_is_decoded_with_exact_ranges(text: str) -> None:
    raw = text.encode()
    decoded = decode(raw)
    assert (decoded.text, decoded.encoding, decoded.bom_bytes) == (text, "utf-8", 0)
    _check_every_range(raw, decoded)


@pytest.mark.parametrize("encoding", DECLARED)
@given(text=TEXTS)
def test_declared_encoding_gives_exact_ranges_or_a_refusal(encoding: str, text: str) -> None:
    _check_exact_or_refused(text.encode(encoding, "ignore"), encoding)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gb18030", "中文，文件"), ("shift_jis", "日本語の本"), ("cp1251", "Привет"), ("euc_kr", "한국어")],
)
def test_declared_encoding_is_used(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), encoding).text == text


@given(
    raw=st.binary(max_size=60), declared=st.none() | st.sampled_from([*DECLARED, "utf-8", "hex", "utf-7", "x", ".."])
)
def test_arbitrary_bytes_give_exact_ranges_or_a_refusal(raw: bytes, declared: str | None) -> None:
    _check_exact_or_refused(raw, declared)


def test_decode_changes_no_line_end_emoji_or_script() -> None:
    assert decode(MIXED.encode()).text == MIXED


def test_windows_quotes_are_decoded_as_windows_1252() -> None:
    decoded = decode("“café”".encode("cp1252"))
    assert (decoded.text, decoded.encoding) == ("“café”", "cp1252")


def test_bytes_outside_windows_1252_are_decoded_as_latin_1() -> None:
    assert decode(b"caf\xe9 \x81").encoding == "latin-1"


@pytest.mark.parametrize("lie", ["utf-8", "ascii", "iso-8859-1", "no-such-thing", "base64", "unicode_escape"])
def test_meaningless_declaration_is_ignored(lie: str) -> None:
    assert decode("“café”".encode("cp1252"), lie).text == "“café”"


def test_utf8_with_another_declaration_is_utf8() -> None:
    assert decode("naïve 漢字".encode(), "shift_jis").text == "naïve 漢字"


@pytest.mark.parametrize("codec", ["iso-2022-jp", "hz", "utf-7", "iso2022_kr"])
def test_stateful_codec_in_use_is_refused(codec: str) -> None:
    with pytest.raises(Unreadable) as error:
        decode("中文 漢字 한국".encode(codec, "ignore"), codec)
    assert _code(error) == "E_ENCODING"


def test_stateful_codec_on_ascii_is_ignored() -> None:
    assert decode(b"plain words", "iso-2022-jp").text == "plain words"


def test_codec_that_joins_characters_is_refused() -> None:
    with pytest.raises(Unreadable, match="together"):
        decode("か\u309aa".encode("shift_jisx0213"), "shift_jisx0213")


def test_declared_encoding_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Unreadable) as error:
        decode(b"\x81", "shift_jis")
    assert _code(error) == "E_ENCODING"


def test_damaged_utf8_is_refused() -> None:
    with pytest.raises(Unreadable) as error:
        decode("größer als Öl, überall".encode() + b"\xff")
    assert _code(error) == "E_ENCODING"
    assert "1 broken" in error.value.detail


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        ("é".encode() + b"\xff", "E_ENCODING"),
        ("é".encode() + b"\xff ,\xff", "cp1252"),
        ("éé".encode() + b"\xff ,\xff", "E_ENCODING"),
        (b"\xff", "cp1252"),
    ],
    ids=["as many good as broken", "fewer good than broken", "two of each", "none good"],
)
def test_damaged_utf8_is_refused_only_with_at_least_as_many_good_characters_as_broken(
    raw: bytes, outcome: str
) -> None:
    try:
        found = decode(raw).encoding
    except Unreadable as error:
        found = error.code
    assert found == outcome


@pytest.mark.parametrize("raw", [b"\x7fELF\0\0\0\1", bytes(range(1, 32)) * 4, codecs.BOM_UTF16_LE + b"\1\0\2\0"])
def test_binary_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable) as error:
        decode(raw)
    assert _code(error) == "E_BINARY"


def test_half_a_utf16_character_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_ENCODING: not utf-16-le"):
        decode(codecs.BOM_UTF16_LE + b"a\0b")


def test_terminal_colours_are_text() -> None:
    assert decode(b"\x1b[31mred\x1b[0m").text == "\x1b[31mred\x1b[0m"


def test_newline_offsets_follow_crlf_lf_and_lone_cr() -> None:
    assert newline_offsets("a\r\nb\nc\rd\r\n") == [3, 5, 7, 10]
