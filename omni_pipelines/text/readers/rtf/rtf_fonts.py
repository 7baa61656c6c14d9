r"""The fonts of an RTF file: each names the code page in which the bytes of its text are written.

A font says it by `\fcharset`, `\cpg`, or the end of its name; else the code page of the file counts.
"""

import codecs
from dataclasses import dataclass, field

from omni_pipelines.text.readers.office.symbol_fonts import is_symbol_font, symbols

_CHARSETS = {
    77: "mac-roman", 78: "cp932", 79: "cp949", 80: "cp936", 81: "cp950", 83: "mac-greek", 86: "mac-turkish",
    88: "mac-latin2", 89: "mac-cyrillic", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 179: "cp1256", 180: "cp1256",
    181: "cp1255", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
_SYMBOLS = 2
_WESTERN = "cp1252"
_BY_NAME = {
    " cyr": "cp1251", " ce": "cp1250", " greek": "cp1253", " tur": "cp1254", " baltic": "cp1257",
    " (hebrew)": "cp1255", " (arabic)": "cp1256", " (thai)": "cp874", " (vietnamese)": "cp1258",
}  # fmt: skip
_BY_DECLARATION = {"ansi": _WESTERN, "mac": "mac-roman", "pc": "cp437", "pca": "cp850"}
_NUMBERED = {0: _WESTERN, 42: _WESTERN, 708: "iso8859-6", 10000: "mac-roman", 65001: "utf-8"}
"""Code pages that Python knows by another name."""


@dataclass
class Font:
    """A font of the table."""

    name: str = ""
    charset: int = 1
    """1 says nothing."""
    codec: str = ""


@dataclass
class RtfFonts:
    """The fonts, and the code page of the file."""

    codec: str = _WESTERN
    default: int = 0
    fonts: dict[int, Font] = field(default_factory=dict)

    def declare(self, word: str, number: int | None) -> None:
        """Take a word about the code page or the default font of the file, such as `ansicpg`."""
        if word == "ansicpg":
            self.codec = codec_named(number or 0) or self.codec
        elif word == "deff":
            self.default = number or 0
        else:
            self.codec = _BY_DECLARATION.get(word, self.codec)

    def codec_of(self, number: int | None) -> str:
        """The codec of text in a font."""
        font = self.fonts.get(self.default if number is None else number)
        if font is None:
            return self.codec
        by_name = next((codec for end, codec in _BY_NAME.items() if font.name.strip().lower().endswith(end)), "")
        return font.codec or _CHARSETS.get(font.charset, "") or by_name or self.codec

    def shown(self, text: str, number: int | None) -> str:
        """The text as its font shows it: in symbol fonts, letters have other shapes."""
        font = self.fonts.get(self.default if number is None else number)
        name = font.name.strip() if font is not None else ""
        if font is not None and font.charset == _SYMBOLS and not is_symbol_font(name):
            name = "Symbol"
        return symbols(text, name if is_symbol_font(name) else "")


def codec_named(page: int) -> str:
    """The codec of a code page; "" if Python has none."""
    try:
        return _NUMBERED.get(page) or codecs.lookup(f"cp{page}").name
    except LookupError:
        return ""
