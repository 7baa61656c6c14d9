"""RTF: paragraphs, table rows, and headings by their outline level. Pictures and embedded objects are left out."""

import codecs
import re
from dataclasses import dataclass, replace

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction

MAX_DEPTH = 256
_TOKEN = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?\d{1,10})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z]))|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_DESTINATIONS = {
    "fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable", "rsidtbl", "generator", "pict", "object",
    "fldinst", "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf", "themedata",
    "colorschememapping", "datastore", "latentstyles", "xmlnstbl", "filetbl", "revtbl", "bkmkstart", "bkmkend",
    "private", "objdata", "info", "nonshppict", "pntext", "listtext",
}  # fmt: skip
_CHARACTERS = {
    "tab": "\t", "line": "\n", "emdash": "\u2014", "endash": "\u2013", "lquote": "\u2018", "rquote": "\u2019",
    "ldblquote": "\u201c", "rdblquote": "\u201d", "bullet": "\u2022", "emspace": " ", "enspace": " ",
    "~": "\u00a0", "_": "-", "\\": "\\", "{": "{", "}": "}",
}  # fmt: skip
_CODEPAGES = {"ansi": "cp1252", "mac": "mac-roman", "pc": "cp437", "pca": "cp850"}


@dataclass(frozen=True)
class _State:
    """The state of a group, which the groups inside it inherit."""

    is_silent: bool = False
    is_title: bool = False
    fallback_characters: int = 1
    r"""Characters after each \u that replace it in old programs; \uc sets their number."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: paragraphs in order; a row of a table is one line."""
    if not raw.lstrip().startswith(b"{\\rtf"):
        raise Unreadable(RefusalCode.PARSE, "not RTF: it does not start with {\\rtf")
    parser = _RtfParser()
    for token in _TOKEN.finditer(raw):
        parser.take(token)
    parser.end_paragraph()
    return parser.extraction.parsed(name, "".join(parser.title))


class _RtfParser:
    def __init__(self) -> None:
        self.extraction = Extraction()
        self.title: list[str] = []
        self._states = [_State()]
        self._codec = "cp1252"
        self._bytes = bytearray()
        """Bytes in the codepage that are not decoded yet: a character may have two."""
        self._texts: list[str] = []
        self._cells: list[str] = []
        self._skip = self._level = self._rows = 0
        self._is_starred = self._is_in_table = False

    def take(self, token: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, plain = token.groups()
        if code or plain:
            self._take_bytes(bytes([int(code, 16)]) if code else plain)
            return
        self._decode()
        if brace:
            self._group(opens=brace == b"{")
        elif word:
            self._word(word.decode("ascii"), int(number) if number else None)
        elif symbol:
            self._symbol(symbol)
        self._is_starred = symbol == b"*"

    def _take_bytes(self, content: bytes) -> None:
        skipped = min(self._skip, len(content))
        self._skip -= skipped
        self._bytes += content[skipped:]
        self._is_starred = False

    def _group(self, *, opens: bool) -> None:
        self._skip = 0
        if opens:
            if len(self._states) > MAX_DEPTH:
                raise Unreadable(RefusalCode.DEPTH, f"more than {MAX_DEPTH} levels of nested groups")
            self._states.append(self._states[-1])
        elif len(self._states) > 1:
            self._states.pop()

    def _word(self, word: str, number: int | None) -> None:
        if self._is_starred or word in _DESTINATIONS:
            self._states[-1] = replace(self._states[-1], is_silent=True)
        elif word == "title":
            self._states[-1] = replace(self._states[-1], is_title=True)
        elif word == "uc":
            self._states[-1] = replace(self._states[-1], fallback_characters=max(0, number or 0))
        elif word == "u" and number is not None:
            self._put(chr(number % 0x10000))
            self._skip = self._states[-1].fallback_characters
        elif word in _CHARACTERS:
            self._put(_CHARACTERS[word])
        else:
            self._format(word, number)

    def _format(self, word: str, number: int | None) -> None:
        if word in _CODEPAGES:
            self._codec = _CODEPAGES[word]
        elif word == "ansicpg":
            self._codec = _codec_name(f"cp{number}") or self._codec
        elif word == "pard":
            self._level, self._is_in_table = 0, False
        elif word == "outlinelevel" and number is not None:
            self._level = number + 1 if 0 <= number < 9 else 0
        elif word == "intbl":
            self._is_in_table = True
        elif not self._states[-1].is_silent:
            self._break(word)

    def _break(self, word: str) -> None:
        if word == "cell":
            self._cells.append("".join(self._texts))
            self._texts = []
        elif word == "row":
            self.extraction.row(self._cells, first=not self._rows)
            self._rows += 1
            self._cells = []
        elif word in ("par", "sect", "page"):
            self.end_paragraph()

    def end_paragraph(self) -> None:
        """Write the current paragraph; inside a cell, the text continues instead."""
        self._decode()
        if self._is_in_table:
            self._texts.append(" ")
            return
        # characters beyond U+FFFF are written as two surrogates, which this joins
        text = "".join(self._texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self._texts, self._rows = [], 0
        if self._level and text.strip():
            self.extraction.heading(self._level, text)
        else:
            self.extraction.block(text)

    def _symbol(self, symbol: bytes) -> None:
        if symbol in b"\r\n":
            self._word("par", None)
        else:
            self._put(_CHARACTERS.get(symbol.decode("latin-1"), ""))

    def _decode(self) -> None:
        if self._bytes:
            self._put(bytes(self._bytes).decode(self._codec, "replace"))
            self._bytes.clear()

    def _put(self, text: str) -> None:
        if self._states[-1].is_title:
            self.title.append(text)
        elif not self._states[-1].is_silent:
            self._texts.append(text)


def _codec_name(codec: str) -> str:
    try:
        return codecs.lookup(codec).name
    except LookupError:
        return ""
