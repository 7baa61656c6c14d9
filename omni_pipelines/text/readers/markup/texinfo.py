"""Texinfo: the text as it is shown: `@chapter` and its like as headings, `@code{x}` as x, without menus."""

import re
from collections.abc import Iterator

from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.tex_characters import CHARACTERS, with_accents

_LEVELS = {"top": 1, "part": 1, "chapter": 1, "unnumbered": 1, "appendix": 1, "majorheading": 1, "chapheading": 1}
_LEVELS |= {"section": 2, "unnumberedsec": 2, "appendixsec": 2, "heading": 2}
_LEVELS |= {"subsection": 3, "unnumberedsubsec": 3, "appendixsubsec": 3, "subheading": 3}
_LEVELS |= {"subsubsection": 4, "unnumberedsubsubsec": 4, "appendixsubsubsec": 4, "subsubheading": 4}
_NOT_SHOWN = {
    "ignore", "menu", "detailmenu", "direntry", "tex", "iftex", "html", "ifhtml", "xml", "ifxml", "docbook",
    "ifdocbook", "titlepage", "macro", "rmacro",
}  # fmt: skip
_AS_WRITTEN = {"example", "smallexample", "lisp", "smalllisp", "verbatim", "display", "format", "smallformat"}
_LISTS = {"itemize": "- ", "enumerate": "#", "table": ":", "ftable": ":", "vtable": ":", "multitable": ""}
"""What begins an item: a mark, `#` for its number, or `:` for a term."""
_TERM_LEVEL = 1_000
"""Of the terms of the outermost list, and of definitions; headings have lower levels."""
_LINE = re.compile(r"[ \t]*@(?P<name>[a-zA-Z]+)(?:[ \t]+(?P<rest>.*?))?[ \t]*$")
_DEFINITION = re.compile(r"def\w*$")
_BRACED = re.compile(r"@(?P<name>[a-zA-Z]+)\{(?P<inside>[^{}@]*)\}")
_REFERENCES = {"xref": "See {}", "pxref": "see {}", "ref": "{}", "inforef": "See {}"}
_SIGNS = {
    **{name: CHARACTERS[name] for name in ("ss", "aa", "AA", "ae", "AE", "oe", "OE", "o", "O", "l", "L")},
    **{name: CHARACTERS[name] for name in ("dots", "copyright", "euro", "pounds", "TeX", "LaTeX")},
    "enddots": "…", "registeredsymbol": "®", "bullet": "•", "minus": "-", "result": "⇒", "equiv": "≡", "print": "⊣",
    "expansion": "→", "error": "error→", "exclamdown": "¡", "questiondown": "¿", "tie": " ", "comma": ",",
}  # fmt: skip
"""Commands without an argument."""
_DROPPED = {"anchor", "image"}
_SINGLE = re.compile(r"@(?P<sign>[@{}*:.!?/\-\s]|[\"'`^~=,])")
_MAX_NESTED = 20


def read(raw: bytes, name: str) -> Parsed:
    """Read a file."""
    decoded = decode(raw)
    writer = _Writer(Extraction())
    for number, line in enumerate(split_lines(decoded.text), 1):
        writer.take(line, number)
    writer.end_paragraph()
    return writer.extraction.parsed(name, writer.title)


class _Writer:
    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.title = ""
        self._held: list[str] = []
        self._first = 0
        self._skipped = self._as_written = self._mark = ""
        self._lists: list[tuple[str, int]] = []

    def take(self, line: str, number: int) -> None:
        """Take a line of the file."""
        found = _LINE.match(line)
        name, rest = (found["name"], found["rest"] or "") if found else ("", "")
        if self._skipped:
            self._skipped = "" if name == "end" and rest == self._skipped else self._skipped
        elif self._as_written and not (name == "end" and rest == self._as_written):
            if name not in ("c", "comment", "group", "end", "noindent"):
                self.extraction.block(_shown(line), apart=False, line=number)
        elif not found or not self._command(name, rest, number):
            self._text(line, number)

    def _command(self, name: str, rest: str, number: int) -> bool:
        if name in _LEVELS:
            self.end_paragraph()
            self.extraction.heading(_LEVELS[name], _shown(rest), line=number)
        elif name == "settitle":
            self.title = _shown(rest)
        elif name in _NOT_SHOWN:
            self._skipped = name
        elif name in _AS_WRITTEN or name == "end":
            self.end_paragraph()
            self._as_written = name if name in _AS_WRITTEN else ""
            if name == "end":
                self._end(rest)
        elif name in _LISTS:
            self.end_paragraph()
            self._lists.append((_LISTS[name], 0))
        elif name in ("item", "itemx", "headitem", "tab"):
            self._item(name, rest, number)
        elif _DEFINITION.match(name):
            self.end_paragraph()
            title = _shown(rest.replace("{", "").replace("}", ""))
            self.extraction.heading(_TERM_LEVEL + len(self._lists), title, line=number)
        elif name in ("center", "exdent", "title", "subtitle", "author"):
            self._text(rest, number)
            self.end_paragraph()
        else:  # a setting on a line of its own, or the first word of a sentence
            return name.islower() and not rest.startswith("{") and not _BRACED.match(f"@{name}{rest}")
        return True

    def _end(self, name: str) -> None:
        """End what a list or a definition describes."""
        if name in _LISTS or _DEFINITION.match(name):
            self.extraction.end(_TERM_LEVEL + len(self._lists))
        if name in _LISTS and self._lists:
            self._lists.pop()

    def _item(self, name: str, rest: str, number: int) -> None:
        if name == "tab":
            self._held.append("|")
            self._text(rest, number)
            return
        self.end_paragraph()
        mark, count = self._lists[-1] if self._lists else ("", 0)
        if self._lists:
            self._lists[-1] = mark, count + 1
        self._mark = f"{count + 1}. " if mark == "#" else mark.strip(":")
        if rest and mark == ":":
            self.extraction.heading(_TERM_LEVEL + len(self._lists), _shown(rest), line=number)
        elif rest:
            self._text(rest, number)
            if not mark and name != "headitem":
                self.end_paragraph()

    def _text(self, line: str, number: int) -> None:
        if not line.strip() or line.startswith("\\input "):
            self.end_paragraph()
            return
        if not self._held:
            self._first = number
        self._held.append(line)

    def end_paragraph(self) -> None:
        """Write the words so far, and the footnotes in them."""
        text, self._held = " ".join(self._held), []
        notes: list[str] = []
        shown = one_line(_shown(text, notes))
        if shown:
            mark, self._mark = self._mark, ""
            self.extraction.block(mark + shown, apart=not mark, line=self._first)
        for note in notes:
            self.extraction.block(f"Footnote: {one_line(note)}")


def _shown(text: str, notes: list[str] | None = None) -> str:
    """A text with its commands replaced, the innermost first."""
    text = re.sub(r"@c(?:omment)?[ \t].*$", "", text)
    if "@" not in text:
        return text
    text = re.sub(r"@([{}@])", lambda sign: {"{": "\ue000", "}": "\ue001", "@": "\ue002"}[sign[1]], text)
    for _ in range(_MAX_NESTED):
        replaced = _BRACED.sub(lambda found: _replaced(found, notes), text)
        if replaced == text:
            break
        text = replaced
    text = with_accents(re.sub(r"@([\"'`^~=])(\{?\w)", r"\\\1\2", text))
    text = _SINGLE.sub(lambda found: " " if found["sign"].isspace() else found["sign"].strip("*:/-"), text)
    return text.replace("\ue000", "{").replace("\ue001", "}").replace("\ue002", "@")


def _replaced(found: re.Match[str], notes: list[str] | None) -> str:
    name, inside = found["name"], found["inside"]
    if name == "footnote" and notes is not None:
        notes.append(inside)
        return ""
    if name in _DROPPED:
        return ""
    if name in _REFERENCES:
        parts = [part.strip() for part in inside.split(",")]
        return _REFERENCES[name].format(next(filter(None, _named(parts)), ""))
    if name in ("uref", "url", "email"):
        address, _, label = inside.partition(",")
        return f"{label.strip()} ({address})" if label.strip() else address
    if name in ("acronym", "abbr"):
        return inside.partition(",")[0]
    return _SIGNS.get(name, inside)


def _named(parts: list[str]) -> Iterator[str]:
    """The parts of a reference that name it, the best first: its title, its other name, its node."""
    yield from (parts[number] for number in (2, 1, 0) if number < len(parts))
