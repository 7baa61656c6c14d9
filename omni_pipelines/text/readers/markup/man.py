r"""Pages of manuals in roff, with the macros `man` or `mdoc`: the text as it is shown, without `\fB` and macros."""

import re
from collections.abc import Sequence

from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.man_macros import (
    ALONE,
    AROUND,
    CALLABLE,
    CHARACTERS,
    CLOSING,
    FONTS,
    HEADINGS,
    MIXED_FONTS,
    NEW_PARAGRAPH,
    OPENING,
    SIGNS,
    TO_MARGIN,
    WITH_TEXT,
)

_REQUEST = re.compile(r"[.'][ \t]*(?P<name>[A-Za-z0-9%]{1,3}|\\\"|[^\s\w]?)(?:[ \t]+(?P<rest>.*))?$")
_LONG = r"\[[^\]\n]{0,60}\]"
_ESCAPE = re.compile(
    rf"\\(?:f(?:{_LONG}|\(..|.)|s(?:{_LONG}|[-+]?\(?\d{{1,2}}|'[^']{{0,20}}')|\*(?:{_LONG}|\(..|.)"
    rf"|[hvlLwDbxoNRSHZXAC]'[^'\n]{{0,200}}'|[nkmMFgVY](?:{_LONG}|\(..|.)|\[(?P<long>[^\]\n]{{0,60}})\]|\((?P<two>..)"
    r"|\".*|(?P<sign>.))"
)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"?|(\S+)')
_BULLETS = ("•", "o", "*", "·", "-")
_NUMBER = re.compile(r"\W*\w{1,3}[.)\]]$|[\W\d]*$")
"""A tag that names nothing: `1.`, `(a)`, `[12]`."""
_MAX_TAG_LENGTH = 160
_TAG_LEVEL = 1_000
"""Of the outermost tags; headings have lower levels."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a page: sections and paragraphs. A tag, such as an option, is a heading above its description."""
    decoded = decode(raw)
    page = _Page(Extraction())
    for number, line in enumerate(split_lines(decoded.text), 1):
        page.take(line, number)
    page.end_paragraph()
    return page.extraction.parsed(name, page.title)


class _Page:
    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.title = ""
        self._held: list[str] = []
        self._first = 0
        self._name = ""
        self._is_as_written = self._is_tag = False
        self._definition = self._heading = ""
        self._table = 0
        self._lists: list[bool] = []
        """For each list around the present line, whether its items are the rows of a table."""

    def take(self, line: str, number: int) -> None:
        """Take a line of the file."""
        if self._definition:
            self._definition = "" if line.strip() in ("..", f".{self._definition}") else self._definition
            return
        found = _REQUEST.match(line)
        if found is None:
            self._text(line, number)
            return
        name, rest = found["name"] or "", found["rest"] or ""
        if name in ("de", "de1", "am", "ig"):
            self._definition = "."
        elif name in ("TS", "TE"):
            self.end_paragraph()
            self._table = int(name == "TS")
        elif name in ("nf", "EX", "fi", "EE"):
            self.end_paragraph()
            self._is_as_written = name in ("nf", "EX")
        elif name in ("TH", "Dt"):
            words = _arguments(rest)
            self.title = f"{words[0]}({words[1]})" if len(words) > 1 else "".join(words)
        elif name in HEADINGS:
            self._section(HEADINGS[name], _shown(" ".join(_arguments(rest))), number)
        else:
            self._inline(name, rest, number)

    def _section(self, level: int, title: str, number: int) -> None:
        self.end_paragraph()
        self._is_as_written = False
        self._lists = []
        if title:
            self.extraction.heading(level, title, line=number)
        self._heading = "" if title else str(level)

    def _inline(self, name: str, rest: str, number: int) -> None:
        if name in FONTS:
            self._text(" ".join(_arguments(rest)), number)
        elif name in MIXED_FONTS:
            self._text("".join(_arguments(rest)), number)
        elif name in NEW_PARAGRAPH:
            self.end_paragraph()
            words = _arguments(rest)
            self._enter_or_leave(name, words)
            if name in WITH_TEXT and words:
                is_bullet = name == "IP" and _shown(words[0]) in _BULLETS
                self._text("-" if is_bullet else words[0] if name == "IP" else self._mdoc(words), number)
                self._is_tag = not is_bullet and name in ("IP", "It")
                self._end_tag()
            self._is_tag = name in ("TP", "TQ")
        elif name in ("UR", "MT"):
            self._text(f"<{rest.strip()}>", number)
        elif name in CALLABLE or name in ("Nd", "Nm"):
            self._text(self._mdoc([name, *_arguments(rest)]), number)

    def _enter_or_leave(self, macro: str, words: Sequence[str]) -> None:
        """Keep the lists around a line; the tags of a list, or at this indentation, end with some macros."""
        if macro in CLOSING | TO_MARGIN:
            self.extraction.end(_TAG_LEVEL + len(self._lists))
        if macro in CLOSING:
            del self._lists[-1:]
        elif macro in OPENING:
            self._lists.append("-column" in words)

    def _mdoc(self, words: list[str]) -> str:
        """The words of a line of mdoc, in which macros stand between the words."""
        shown: list[str] = []
        names = [word for word in words if word not in CALLABLE]
        if words[:1] == ["Nm"]:
            self._name = self._name or "".join(names[:1])
            if not names or not (names[0][0].isalnum() or names[0].startswith("\\")):
                words = ["Nm", self._name, *words[1:]]
        mark = ""
        for index, word in enumerate(words):
            if word == "Xr" and index + 2 < len(words):
                words[index + 1 : index + 3] = [f"{words[index + 1]}({words[index + 2]})"]
            if word in ALONE:
                shown.append(ALONE[word])
            elif word in CALLABLE:
                mark = AROUND.get(word, "")
                if word == "Op":
                    shown.append("[")
            else:
                shown.append(mark.format(word) if mark and "[" not in mark else word)
                mark = "" if mark == "-{}" else mark
        closing = "]" if "Op" in words else ""
        text = re.sub(r"([\[(<“‘]) ", r"\1", " ".join(shown))  # noqa: RUF001
        return re.sub(r" ([\])>”’.,;:!?])(?=\s|$)", r"\1", text + closing)  # noqa: RUF001

    def _text(self, line: str, number: int) -> None:
        if self._heading:
            level, self._heading = int(self._heading), ""
            self.extraction.heading(level, _shown(line), line=number)
            return
        if self._table:
            if self._table > 1 and "\t" in line:
                self.extraction.row([_shown(cell) for cell in line.split("\t")], first=self._table == 2, line=number)
                self._table = 3
            elif line.rstrip().endswith("."):
                self._table = 2
            return
        if self._is_as_written:
            self.extraction.block(_shown(line), apart=False, line=number)
            return
        if not line.strip():
            self.end_paragraph()
            return
        if not self._held:
            self._first = number
        self._held.append(_shown(line))
        self._end_tag()

    def _end_tag(self) -> None:
        if self._is_tag:
            self._is_tag = False
            self.end_paragraph(is_tag=True)

    def end_paragraph(self, *, is_tag: bool = False) -> None:
        """Write the words so far: a paragraph, or a tag."""
        text, self._held = one_line(" ".join(self._held)), []
        is_row = any(self._lists[-1:])
        if is_tag and not is_row and len(text) <= _MAX_TAG_LENGTH and not _NUMBER.match(text):
            self.extraction.heading(_TAG_LEVEL + len(self._lists), text, line=self._first)
        else:
            self.extraction.block(text, line=self._first)


def _arguments(rest: str) -> list[str]:
    r"""The arguments of a macro; those with blanks are quoted. A comment after `\"` is none."""
    rest = re.sub(r"(?<!\\)\\\".*$", "", rest)
    return [(quoted.replace('""', '"') if quoted or not bare else bare) for quoted, bare in _QUOTED.findall(rest)]


def _shown(line: str) -> str:
    """A line as it is shown."""
    return _ESCAPE.sub(_character, line) if "\\" in line else line


def _character(found: re.Match[str]) -> str:
    name = found["long"] or found["two"]
    if name:
        if re.fullmatch("u[0-9A-F]{4,6}", name) and int(name[1:], 16) < 0x110000:
            return chr(int(name[1:], 16))
        return CHARACTERS.get(name, "")
    return SIGNS.get(found["sign"], found["sign"]) if found["sign"] else ""
