"""Decoding, and mapping ranges of characters back to their exact bytes."""

from __future__ import annotations

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.lines import newline_offsets

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
        decoded = decode(raw, declared)
        if decoded.is_exact:
            _check_every_range(raw, decoded)
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


@pytest.mark.parametrize("lie", ["utf-8", "ascii", "iso-8859-1", "no-such-thing", "base64", "unicode_escape"])
def test_meaningless_declaration_is_ignored(lie: str) -> None:
    assert decode("“café”".encode("cp1252"), lie).text == "“café”"


def test_utf8_with_another_declaration_is_utf8() -> None:
    assert decode("naïve 漢字".encode(), "shift_jis").text == "naïve 漢字"


@pytest.mark.parametrize("codec", ["iso-2022-jp", "hz", "utf-7", "iso2022_kr"])
def test_stateful_codec_gives_text_without_ranges_of_its_own(codec: str) -> None:
    text = "中文 漢字 한국".encode(codec, "ignore").decode(codec)
    decoded = decode(text.encode(codec), codec)
    assert (decoded.text, decoded.is_exact) == (text, False)


def test_iso_2022_jp_is_recognised_without_a_declaration() -> None:
    assert decode("保証期間は二年です。\n".encode("iso-2022-jp")).text == "保証期間は二年です。\n"


def test_stateful_codec_on_ascii_is_ignored() -> None:
    assert decode(b"plain words", "iso-2022-jp").text == "plain words"


def test_codec_that_joins_characters_gives_text_without_ranges_of_its_own() -> None:
    decoded = decode("か\u309aa".encode("shift_jisx0213"), "shift_jisx0213")
    assert (decoded.text, decoded.is_exact) == ("か\u309aa", False)


def test_declared_encoding_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Unreadable) as error:
        decode(b"\x81", "shift_jis")
    assert _code(error) == "E_ENCODING"


@pytest.mark.parametrize(
    ("raw", "replaced"),
    [
        ("größer als Öl, überall".encode() + b"\xff", 1),
        ("größer als Öl, überall".encode() + b" \xff\xfe end", 2),
        (b"boot ok\n" * 40 + b"\x00\x00\x00\x00" + b"boot ok\n", 1),
        (b"GET /index 200\n" * 90 + b"\xe2\x82" + b"GET /index 200\n", 1),
        (codecs.BOM_UTF16_LE + "the log ends within a character".encode("utf-16-le") + b"b", 1),
    ],
    ids=["one byte", "two bytes", "zero bytes", "a cut character in ASCII", "half a character of UTF-16"],
)
def test_few_bytes_that_are_no_text_are_replaced_counted_and_said(raw: bytes, replaced: int) -> None:
    decoded = decode(raw)
    assert (decoded.text.count("\ufffd"), decoded.replaced, decoded.is_exact) == (replaced, replaced, False)
    assert "not text in utf-" in decoded.damage


def test_replacement_characters_of_the_file_itself_are_no_damage() -> None:
    decoded = decode("a \ufffd b".encode())
    assert (decoded.replaced, decoded.is_exact, decoded.damage) == (0, True, "")


def test_damaged_utf8_with_more_broken_than_good_characters_is_refused() -> None:
    with pytest.raises(Unreadable) as error:
        decode("ä€".encode()[:-1])
    assert _code(error) == "E_ENCODING"


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


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "The warranty lasts two years.\n",
        "保証期間は、二年です。\n漢字も、あります。\n",
        "Гарантия на насос составляет два года со дня покупки.\n",
        "本产品的保修期为二十四个月，自发货之日起计算。如有问题请联系客服部门。",
    ],
    ids=["Latin", "Japanese", "Cyrillic of bytes below 128", "Chinese without zero bytes in UTF-16"],
)
def test_utf16_and_utf32_without_a_mark_are_recognised_with_exact_ranges(codec: str, text: str) -> None:
    raw = text.encode(codec)
    decoded = decode(raw)
    assert (decoded.text, decoded.encoding) == (text, codec)
    _check_every_range(raw, decoded)


RUSSIAN = "Гарантия на насос составляет два года со дня покупки.\n"
UNDECLARED = {
    "cp1251": RUSSIAN, "koi8_r": RUSSIAN, "cp866": RUSSIAN, "iso8859_5": RUSSIAN,
    "gb18030": "保修期为自购买之日起二十四个月。\n", "big5": "保固期為購買日起二十四個月。\n",
    "cp932": "保証期間は購入日から二年間です。\n", "euc_jp": "保証期間は購入日から二年間です。\n",
    "cp949": "보증 기간은 구입일로부터 2년입니다.\n", "cp1253": "Η εγγύηση διαρκεί δύο χρόνια από την αγορά.\n",
    "cp1254": "Garanti süresi satın alma tarihinden itibaren iki yıldır, değişmez.\n",
    "cp1255": "האחריות היא לשנתיים מיום הקנייה.\n", "cp1256": "مدة الضمان سنتان من تاريخ الشراء.\n",
    "cp874": "การรับประกันมีอายุสองปีนับจากวันที่ซื้อ\n", "cp1250": "Gwarancja trwa dwa lata. Zażółć gęślą jaźń.\n",
    "iso8859_2": "Gwarancja trwa dwa lata. Zażółć gęślą jaźń.\n", "cp1252": "Die Größe für Müller, Öl und Fässer.\n",
}  # fmt: skip


@pytest.mark.parametrize("times", [1, 60])
@pytest.mark.parametrize("codec", UNDECLARED)
def test_undeclared_encoding_is_detected_with_a_probability(codec: str, times: int) -> None:
    text = UNDECLARED[codec] * times
    decoded = decode(text.encode(codec))
    assert decoded.text == text
    assert 0.6 <= decoded.probability < 1


@pytest.mark.parametrize(
    ("text", "codecs"),
    [
        ("水门早上打开，船去城里；部件：编号七、八（九）。\n", ("gb18030",)),
        ("水門早上打開，船去城裡；部件：編號七、八（九）。\n", ("big5",)),
        ("ABC公司XYZ产品V2.0说明书\n", ("gb18030",)),
        ("会社名ｶﾌﾞｼｷｶﾞｲｼｬ、担当：山田（営業部）・電話\n", ("cp932",)),
        ("ｶﾌﾞｼｷｶﾞｲｼｬ ﾔﾏﾀﾞ,ﾄｳｷｮｳﾄ,03-1234\nﾀﾅｶ ﾀﾛｳ,ｵｵｻｶﾌ,06-1234\n", ("cp932",)),
        ("밸브를 닫으십시오. “주의” 뜨거움! (경고) ‘펌프’·모터\n", ("cp949",)),
        ("価格は、七百円です。テスト・ケース（例）「水門」は朝、開きます。\n", ("cp932", "euc_jp")),
    ],
)
@pytest.mark.parametrize("times", [1, 12])
def test_signs_letters_and_half_width_in_east_asian_text_are_no_other_encoding(
    text: str, codecs: tuple[str, ...], times: int
) -> None:
    for codec in codecs:
        assert decode((text * times).encode(codec)).text == text * times


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("ИНСТРУКЦИЯ ПО ЭКСПЛУАТАЦИИ НАСОСА\n", "cp1251"),
        ("ВНИМАНИЕ! НЕ ОТКРЫВАТЬ КЛАПАН ПОД ДАВЛЕНИЕМ.\n" * 9, "cp1251"),
        ("ИНСТРУКЦИЯ ПО ЭКСПЛУАТАЦИИ НАСОСА\n", "koi8_r"),
        ("ΟΔΗΓΙΕΣ ΧΡΗΣΗΣ ΑΝΤΛΙΑΣ\n", "cp1253"),
        ("ÜBERPRÜFUNG DER GRÖSSE FÜR ÄMTER\n", "cp1252"),
    ],
)
def test_text_in_capital_letters_is_not_taken_for_small_ones_of_another_encoding(text: str, codec: str) -> None:
    assert decode(text.encode(codec)).text == text


def test_few_signs_of_measures_are_windows_1252() -> None:
    text = "Temperatur 20 °C, ±2 µm, 5 €\n"
    assert decode(text.encode("cp1252")).text == text


@pytest.mark.parametrize(
    "frame", ["╔═══════╗\n║ Größe ║\n╚═══════╝\n", "┌───────┐\n│ Otter │\n└───────┘\n", "▒▒▒▒▒▒▒ Otter\n"]
)
def test_frames_of_dos_are_no_letters(frame: str) -> None:
    decoded = decode((frame * 4).encode("cp437"))
    assert (decoded.text, decoded.encoding) == (frame * 4, "cp437")


def test_encoding_that_is_not_clear_is_refused() -> None:
    with pytest.raises(Unreadable, match="not declared and not clear") as error:
        decode(random.Random(1).randbytes(600).translate(None, bytes(range(32))))
    assert _code(error) == "E_ENCODING"


GERMAN = "Die Schleuse öffnet früh, für größere Boote zuerst.\n"


@pytest.mark.parametrize(
    ("text", "codec", "lines"),
    [
        (GERMAN * 9, "cp1252", 9),
        ("Müller;Bonn\n", "cp1252", 1),
        (RUSSIAN * 2, "cp1251", 2),
        ("Gwarancja trwa dwa lata. Zażółć gęślą jaźń.\n", "cp1250", 1),
    ],
)
@pytest.mark.parametrize("times", [1, 30])
def test_lines_in_utf8_and_lines_in_another_encoding_are_each_read_in_their_own(
    text: str, codec: str, lines: int, times: int
) -> None:
    for raw in ((GERMAN * times).encode() + text.encode(codec), text.encode(codec) + (GERMAN * times).encode()):
        decoded = decode(raw)
        assert sorted(decoded.text.splitlines()) == sorted((GERMAN * times + text).splitlines())
        assert (decoded.encoding, decoded.other_lines, decoded.is_exact) == ("utf-8", (lines, codec), False)
        assert decoded.damage.endswith(f"not utf-8: read as {codec}")


@pytest.mark.parametrize(
    "line",
    [
        "boot €".encode()[:-1] + b"\n",
        "ö cut".encode()[1:] + b"\n",
        "ö and".encode() + b" \xf6\n",
        bytes(range(128, 256)) + b"\n",
        b"\0\0 M\xfcller\n",
        "水门早上打开".encode("gbk") + b"\n",
    ],
    ids=["cut at the end", "cut at the beginning", "both in one line", "every byte", "zero bytes", "two bytes each"],
)
def test_damaged_line_among_utf8_is_not_taken_for_another_encoding(line: bytes) -> None:
    decoded = decode((GERMAN * 60).encode() + line)
    assert (decoded.other_lines, decoded.text[: len(GERMAN)]) == ((0, ""), GERMAN)
    assert decoded.replaced


def test_short_chinese_lines_that_happen_to_be_utf8_are_no_sign_of_it() -> None:
    text = "联通\n水门早上打开，船去城里。\n部件编号是七。\n" * 5
    assert decode(text.encode("gbk")).text == text


def test_label_that_is_declared_by_default_yields_to_clear_bytes() -> None:
    assert decode((RUSSIAN * 3).encode("cp1251"), "iso-8859-1").text == RUSSIAN * 3
