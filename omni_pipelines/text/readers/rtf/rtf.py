r"""RTF: paragraphs, headings, list items, rows of tables, notes, comments, headers and footers.

Pictures, embedded objects, hidden and deleted text are left out. Bytes are decoded in the code page of their font.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.rtf.rtf_fonts import Font, RtfFonts, codec_named
from omni_pipelines.text.readers.rtf.rtf_lists import RtfLists
from omni_pipelines.text.readers.rtf.rtf_story import RtfStory

MAX_DEPTH = 256
_TOKEN = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?\d{1,10})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z]))|([{}])|[\r\n\0]+|([^\\{}\r\n\0]+)|\\"
)
_SILENT = {
    "colortbl", "rsidtbl", "generator", "pict", "fldinst", "themedata",
    "colorschememapping", "datastore", "latentstyles", "xmlnstbl", "filetbl", "revtbl", "bkmkstart", "bkmkend",
    "private", "objdata", "objclass", "info", "nonshppict", "nonesttables", "shprslt", "sp", "xe", "tc", "rxe",
    "upr", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn",
}  # fmt: skip
_SHOWN_THOUGH_STARRED = {"shpinst", "shptxt", "nesttableprops", "moMath", "moMathPara", "ud", "annotation"}
_LIST_TABLES = {"listtable", "listoverridetable"}
_MARGINS = {
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "Header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "Footer"),
}
_NOTES = {"footnote": "Footnote", "annotation": "Comment", **_MARGINS}
_CHARACTERS = {
    "tab": "\t", "line": "\n", "emdash": "\u2014", "endash": "\u2013", "lquote": "\u2018", "rquote": "\u2019",
    "ldblquote": "\u201c", "rdblquote": "\u201d", "bullet": "\u2022", "emspace": " ", "enspace": " ",
    "qmspace": " ", "~": "\u00a0", "_": "-", "mden": "/",
}  # fmt: skip
_HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|заголовок)\s*(\d)", re.IGNORECASE)


@dataclass(frozen=True)
class _State:
    """The state of a group, which the groups inside it inherit."""

    goes_to: str = "story"
    """Where its text goes: story | title | label | fonts | styles | lists | level | author | nowhere"""
    is_hidden: bool = False
    is_deleted: bool = False
    font: int | None = None
    fallback_characters: int = 1
    r"""Characters after each \u that replace it in old programs; \uc sets their number."""
    note: str = ""
    """The kind of note that ends with this group."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: headers, the body with its notes below their paragraphs, then footers."""
    if not raw.lstrip().startswith(b"{\\rtf"):
        raise Unreadable(RefusalCode.PARSE, "not RTF: it does not start with {\\rtf")
    parser = _RtfParser(is_utf8=_is_utf8(raw))
    parser.parse(raw)
    return parser.parsed(name)


def _is_utf8(raw: bytes) -> bool:
    """Whether bytes beyond ASCII, which should be escaped, are UTF-8 in a file."""
    try:
        return not raw.isascii() and bool(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return False


class _RtfParser:
    def __init__(self, *, is_utf8: bool) -> None:
        self._is_utf8 = is_utf8
        self._states = [_State()]
        self._fonts, self._lists = RtfFonts(), RtfLists()
        self._body = Extraction()
        self._stories = [RtfStory(self._body, self._lists)]
        """The body, and the notes around the current place."""
        self._margins: dict[str, dict[str, None]] = {"Header": {}, "Footer": {}}
        self._title: list[str] = []
        self._author: list[str] = []
        self._bytes = bytearray()
        """Bytes in the code page that are not decoded yet: a character may have two."""
        self._level_text = bytearray()
        self._style_levels: dict[int, int] = {}
        self._style, self._style_base, self._style_name = 0, 0, ""
        self._skip = self._font = self._replaced = 0
        self._is_starred = False
        self._words: dict[str, Callable[[str, int | None], None]] = {
            "story": self._story_word,
            "fonts": self._font_word,
            "styles": self._style_word,
            "lists": self._lists.take,
        }

    def parse(self, raw: bytes) -> None:
        """Take all words, symbols and texts of a file."""
        position = 0
        while position < len(raw):
            token = _TOKEN.match(raw, position)
            assert token is not None
            position = token.end()
            if token[1] == b"bin" and token[2]:
                position += max(int(token[2]), 0)
            else:
                self._take(token)

    def parsed(self, name: str) -> Parsed:
        """The document."""
        self._decode()
        while len(self._states) > 1:
            self._end_group()
        self._stories[0].end()
        for footer in self._margins["Footer"]:
            self._body.block(f"Footer: {footer}")
        if self._replaced:
            self._body.cut(f"{self._replaced:,} places are not text in their code page; U+FFFD (\ufffd) stands there")
        return self._body.parsed(name, "".join(self._title))

    def _take(self, token: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, plain = token.groups()
        if code or plain or (symbol and symbol in b"\\{}"):
            self._take_bytes(bytes([int(code, 16)]) if code else plain or symbol, is_plain=bool(plain))
            return
        self._decode()
        if brace:
            self._skip = 0
            if brace == b"{":
                self._start_group()
            else:
                self._end_group()
        elif word:
            self._word(word.decode("ascii"), int(number) if number else None)
        elif symbol in (b"\r", b"\n"):
            self._word("par", None)
        elif symbol:
            self._put(_CHARACTERS.get(symbol.decode("latin-1"), ""))
        self._is_starred = symbol == b"*"

    def _take_bytes(self, content: bytes, *, is_plain: bool) -> None:
        skipped = min(self._skip, len(content))
        self._skip -= skipped
        self._is_starred = False
        if is_plain and self._is_utf8 and not content.isascii():
            self._decode()
            self._put(content[skipped:].decode("utf-8", "replace"))
        else:
            self._bytes += content[skipped:]

    def _start_group(self) -> None:
        if len(self._states) > MAX_DEPTH:
            raise Unreadable(RefusalCode.DEPTH, f"more than {MAX_DEPTH} levels of nested groups")
        self._states.append(replace(self._states[-1], note=""))

    def _end_group(self) -> None:
        if len(self._states) == 1:
            return
        ended = self._states.pop()
        if ended.goes_to == "styles" and self._style_name:
            self._end_style()
        if ended.goes_to == "level":
            self._lists.end_level(bytes(self._level_text))
            self._level_text.clear()
        if ended.note:
            self._end_note(ended.note)

    @property
    def _state(self) -> _State:
        return self._states[-1]

    def _change(self, **fields: object) -> None:
        self._states[-1] = replace(self._states[-1], **fields)  # type: ignore[arg-type]

    def _word(self, word: str, number: int | None) -> None:
        if word in _CHARACTERS and self._skip:
            self._skip -= 1
        elif word in _CHARACTERS:
            self._put(_CHARACTERS[word])
        elif word == "u" and number is not None:
            self._put(self._fonts.shown(chr(number % 0x10000), self._state.font))
            self._skip = self._state.fallback_characters
        elif word == "uc":
            self._change(fallback_characters=max(0, number or 0))
        elif word in _NOTES and self._state.goes_to == "story":
            self._start_note(_NOTES[word])
        elif not self._destination(word):
            self._format(word, number)

    def _destination(self, word: str) -> bool:
        """Take a word that says where the text of the group goes."""
        if word == "ud":  # the same as the text before it, in Unicode
            self._change(goes_to="story")
        elif self._state.goes_to == "nowhere" and word != "title":
            return True
        elif word in ("fonttbl", "stylesheet"):
            self._change(goes_to="fonts" if word == "fonttbl" else "styles")
        elif word in _LIST_TABLES or word == "leveltext":
            self._change(goes_to="level" if word == "leveltext" else "lists")
        elif word in ("title", "atnauthor"):
            self._change(goes_to="title" if word == "title" else "author")
        elif word in ("listtext", "pntext"):
            self._stories[-1].label = []
            self._lists.are_written = True
            self._change(goes_to="label")
        elif word in _SILENT or (self._is_starred and word not in _SHOWN_THOUGH_STARRED):
            self._change(goes_to="nowhere")
        else:
            return False
        return True

    def _format(self, word: str, number: int | None) -> None:
        if word in ("ansi", "mac", "pc", "pca", "ansicpg", "deff"):
            self._fonts.declare(word, number)
        elif word == "f":
            self._font = number or 0
            self._change(font=number)
        elif word == "v":
            self._change(is_hidden=number != 0)
        elif word == "deleted":
            self._change(is_deleted=number != 0)
        elif word == "plain":
            self._change(is_hidden=False, font=None)
        elif word == "ftnalt" and self._state.note == "Footnote":
            self._change(note="Endnote")
        elif take := self._words.get(self._state.goes_to):
            take(word, number)

    def _story_word(self, word: str, number: int | None) -> None:
        if word == "s":
            self._stories[-1].level = self._style_levels.get(number or 0, 0)
        else:
            self._stories[-1].take(word, number)

    def _font_word(self, word: str, number: int | None) -> None:
        font = self._fonts.fonts.setdefault(self._font, Font())
        if word == "fcharset":
            font.charset = 1 if number is None else number
        elif word == "cpg":
            font.codec = codec_named(number or 0)

    def _style_word(self, word: str, number: int | None) -> None:
        if word == "s":
            self._style = number or 0
        elif word == "sbasedon":
            self._style_base = number or 0
        elif word == "outlinelevel" and number is not None and 0 <= number < 9:
            self._style_levels[self._style] = number + 1

    def _end_style(self) -> None:
        found = _HEADING_STYLE.match(self._style_name.strip())
        level = int(found[1]) or 1 if found else self._style_levels.get(self._style_base, 0)
        if level:
            self._style_levels.setdefault(self._style, level)
        self._style, self._style_base, self._style_name = 0, 0, ""

    def _start_note(self, kind: str) -> None:
        self._change(note=kind, is_hidden=False)
        self._stories.append(RtfStory(Extraction(), self._lists))

    def _end_note(self, kind: str) -> None:
        self._decode()
        story = self._stories.pop()
        story.end()
        if not story.extraction.length:
            return
        text = story.extraction.parsed("").text
        if kind in self._margins:
            if any(map(str.isalpha, text)):  # not only the number of the page
                if kind == "Header" and text not in self._margins[kind]:
                    self._body.block(f"Header: {text}")
                self._margins[kind][text] = None
            return
        author = one_line("".join(self._author)) if kind == "Comment" else ""
        self._author = []
        self._stories[-1].notes.append(f"{kind} by {author}: {text}" if author else f"{kind}: {text}")

    def _decode(self) -> None:
        if not self._bytes:
            return
        state, content = self._state, bytes(self._bytes)
        self._bytes.clear()
        if state.goes_to == "level":
            self._level_text += content
            return
        codec = "cp1252" if state.goes_to == "nowhere" else self._fonts.codec_of(state.font)
        text = content.decode(codec, "replace")
        self._replaced += text.count("\ufffd") if state.goes_to == "story" else 0
        self._put(self._fonts.shown(text, state.font) if state.goes_to in ("story", "label") else text)

    def _put(self, text: str) -> None:
        state = self._state
        if state.goes_to == "title":
            self._title.append(text)
        elif state.goes_to == "author":
            self._author.append(text)
        elif state.goes_to == "fonts":
            self._fonts.fonts.setdefault(self._font, Font()).name += text.replace(";", "")
        elif state.goes_to == "styles":
            self._style_name += text.replace(";", "")
        elif state.is_hidden or state.is_deleted:
            return
        elif state.goes_to == "label":
            self._stories[-1].label.append(text)
        elif state.goes_to == "story":
            self._stories[-1].put(text)
