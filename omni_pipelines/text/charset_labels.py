"""What the charset labels of pages, mails, servers and documents mean, which is not always what they say.

Programs write labels of old character sets and mean the larger sets of Windows that replaced them: a page that
declares ISO 8859-1 is read as Windows-1252 by every browser. The table follows the WHATWG Encoding Standard (section
4.2), with the names that mail programs, office programs and databases use besides.
"""

import codecs
import re
from functools import lru_cache

_MEANT = {
    "ascii": "cp1252", "iso8859_1": "cp1252", "iso8859_9": "cp1254", "iso8859_11": "cp874", "tis_620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "utf_8_sig": "utf_8",
    "iso2022_jp": "iso2022_jp_ext", "iso2022_jp_1": "iso2022_jp_ext", "iso2022_jp_2": "iso2022_jp_2",
}  # fmt: skip
"""Python's codec for a label to the larger one that is meant."""
_ALIASES = {
    "x-sjis": "cp932", "sjis": "cp932", "ms-kanji": "cp932", "windows-31j": "cp932", "csshiftjis": "cp932",
    "x-euc-jp": "euc_jp", "x-jis": "iso2022_jp_ext", "csiso2022jp": "iso2022_jp_ext",
    "x-gbk": "gb18030", "chinese": "gb18030", "gb-2312": "gb18030", "cn-gb": "gb18030", "hz-gb-2312": "hz",
    "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs", "big5": "big5hkscs", "csbig5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "korean": "cp949", "ks-c-5601": "cp949", "ks-c-5601-1987": "cp949", "ksc-5601": "cp949", "ks-x-1001": "cp949",
    "koi": "koi8_r", "koi8": "koi8_r", "koi8-ru": "koi8_u", "x-koi8-r": "koi8_r",
    "csgb2312": "gb18030", "gb-2312-80": "gb18030", "cseuckr": "cp949", "csksc56011987": "cp949",
    "iso-ir-149": "cp949", "ks-c-5601-1989": "cp949", "cseucpkdfmtjapanese": "euc_jp", "eucjp-ms": "euc_jp",
    "logical": "iso8859_8", "visual": "iso8859_8", "sun-eu-greek": "iso8859_7", "csisolatin9": "iso8859_15",
    "latin-9": "iso8859_15", "ansi": "cp1252", "windows-ansi": "cp1252",
    "mac": "mac_roman", "csmacintosh": "mac_roman", "macintosh": "mac_roman", "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ukrainian": "mac_cyrillic", "x-mac-ce": "mac_latin2", "x-mac-greek": "mac_greek",
    "unicode": "utf_16", "ucs-2": "utf_16", "iso-10646-ucs-2": "utf_16", "unicodefffe": "utf_16_be",
    "csunicode": "utf_16_le", "unicodefeff": "utf_16_le", "utf8n": "utf_8", "unicode11utf8": "utf_8",
    "unicode20utf8": "utf_8", "x-unicode20utf8": "utf_8",
    "utf8mb4": "utf_8", "utf8mb3": "utf_8", "unicode-1-1-utf-8": "utf_8", "unicode-1-1-utf-7": "utf_7",
}  # fmt: skip
"""Labels that Python does not know, or for which it has a smaller codec."""
_ISO_PART = re.compile(r"(?:cs)?iso-?8859-?(\d{1,2})(?:-?[ei])?")
"""A part of ISO 8859; `e` and `i` say how the directions of Arabic and Hebrew are marked."""
_CODE_PAGE = re.compile(r"(?:x-)?(?:windows|win|cp|ibm|ms|dos|oem|codepage)-?(\d{3,5})")
_PAGES = {"932": "cp932", "936": "gb18030", "949": "cp949", "950": "big5hkscs", "1361": "johab", "10000": "mac_roman",
          "10007": "mac_cyrillic", "10029": "mac_latin2", "10006": "mac_greek", "20866": "koi8_r", "21866": "koi8_u",
          "28591": "cp1252", "28592": "iso8859_2", "28595": "iso8859_5", "28597": "iso8859_7", "28605": "iso8859_15",
          "51932": "euc_jp", "51949": "cp949", "54936": "gb18030", "65000": "utf_7", "65001": "utf_8",
          "1200": "utf_16_le", "1201": "utf_16_be", "50220": "iso2022_jp_ext", "50221": "iso2022_jp_ext",
          "50222": "iso2022_jp_ext",
          "50225": "iso2022_kr", "52936": "hz", "20127": "cp1252"}  # fmt: skip
"""Code pages of Windows that are no `cp` codec of Python."""
_NO_CHARSETS = ("raw_unicode_escape", "unicode_escape", "punycode", "idna", "undefined", "mbcs", "oem")
"""Text codecs of Python that are not encodings of documents."""


@lru_cache(1024)
def codec_of_label(label: str) -> str:
    """Python's codec for a charset label, such as `cp1252` for `ISO-8859-1`; "" if the label is unknown.

    A label may have quotes, blanks and any case: `"windows-1251"`, `x-sjis`, `win1252`, `utf8`.
    """
    name = re.sub(r"[\s_]+", "-", label.strip().strip("\"'").strip().lower())
    if name in _ALIASES:
        return _ALIASES[name]
    page = _CODE_PAGE.fullmatch(name)
    if page:
        return codec_of_code_page(int(page[1]))
    part = _ISO_PART.fullmatch(name)
    codec = _python_codec(f"iso8859_{part[1]}" if part else name) or _python_codec(name.removeprefix("x-"))
    return _MEANT.get(codec, codec)


def codec_of_code_page(number: int) -> str:
    r"""Python's codec for a code page of Windows, as `\ansicpg` of RTF names it; "" if it is unknown."""
    if str(number) in _PAGES:
        return _PAGES[str(number)]
    codec = _python_codec(f"cp{number}")
    return _MEANT.get(codec, codec)


def _python_codec(name: str) -> str:
    try:
        codec = codecs.lookup(name).name.replace("-", "_")
        "".encode(codec)  # raises for codecs that are not text encodings, such as base64
    except (LookupError, UnicodeError, ValueError):
        return ""
    return "" if codec in _NO_CHARSETS else codec
