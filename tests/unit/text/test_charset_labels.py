"""Charset labels mean what the programs that write them mean."""

from __future__ import annotations

import pytest

from omni_pipelines.text.charset_labels import codec_of_code_page, codec_of_label


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("ISO-8859-1", "cp1252"), ("us-ascii", "cp1252"), ("latin1", "cp1252"), ("iso-8859-9", "cp1254"),
        ("gb2312", "gb18030"), ("GBK", "gb18030"), ("x-gbk", "gb18030"),
        ("ks_c_5601-1987", "cp949"), ("EUC-KR", "cp949"),
        ("x-sjis", "cp932"), ("Shift_JIS", "cp932"), ("Windows-31J", "cp932"), ("big5", "big5hkscs"),
        (' "windows-1251" ', "cp1251"), ("win-1251", "cp1251"), ("x-cp1251", "cp1251"), ("koi8-ru", "koi8_u"),
        ("macintosh", "mac_roman"), ("cp65001", "utf_8"), ("utf8mb4", "utf_8"), ("UTF-8", "utf_8"),
        ("iso-2022-jp", "iso2022_jp_ext"), ("tis-620", "cp874"), ("", ""), ("no-such", ""), ("base64", ""),
        ("unicode_escape", ""), ("../../etc", ""), ("\0", ""),
    ],
)  # fmt: skip
def test_codec_of_label_is_what_the_label_means(label: str, codec: str) -> None:
    assert codec_of_label(label) == codec


@pytest.mark.parametrize(
    ("number", "codec"),
    [
        (1252, "cp1252"),
        (932, "cp932"),
        (936, "gb18030"),
        (10000, "mac_roman"),
        (65001, "utf_8"),
        (437, "cp437"),
        (7, ""),
    ],
)
def test_codec_of_code_page_is_that_of_windows(number: int, codec: str) -> None:
    assert codec_of_code_page(number) == codec
