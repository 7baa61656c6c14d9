r"""TeX and LaTeX: the text as it is set: accents as letters, commands left out, `\section` and its like as headings.

What the preamble and the arguments of settings contain is no text. Formulas are kept as they are typed, with signs in
place of their names.
"""

import re
from bisect import bisect_right
from collections.abc import Callable

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.lines import newline_offsets
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.tex_characters import CHARACTERS, LIGATURES, accent_at, with_accents

_TOKEN = re.compile(
    r"(?P<comment>%[^\n]*(?:\n[ \t]*)?)"
    r"|\\(?P<edge>begin|end)[ \t]*\{(?P<name>[^{}\n]{0,60})\}"
    r"|\\(?P<word>[a-zA-Z@]+)\*?[ \t]*(?:\n(?![ \t]*\n))?"
    r"|\\(?P<sign>[\s\S])"
    r"|(?P<blank>\n[ \t]*\n\s*)"
    r"|(?P<ligature>---?|``|''|~)"
    r"|(?P<special>[{}&$])"
    r"|(?P<text>[^\\%{}&$~\n`'-]+|[\s\S])"
)
_HEADINGS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6}
_HEADINGS |= {"subparagraph": 7, "frametitle": 3, "addchap": 2, "addsec": 3}
_DROPPED = {
    "label": 1, "usepackage": 1, "RequirePackage": 1, "documentclass": 1, "documentstyle": 1, "bibliographystyle": 1,
    "bibliography": 1, "pagestyle": 1, "thispagestyle": 1, "pagenumbering": 1, "vspace": 1, "hspace": 1,
    "includegraphics": 1, "newcommand": 2, "renewcommand": 2, "providecommand": 2, "newenvironment": 3,
    "DeclareMathOperator": 2, "setlength": 2, "addtolength": 2, "setcounter": 2, "addtocounter": 2, "hypersetup": 1,
    "geometry": 1, "definecolor": 3, "color": 1, "textcolor": 1, "colorbox": 1, "cline": 1, "cmidrule": 1,
    "newtheorem": 2, "index": 1, "input": 1, "include": 1, "hypertarget": 1, "hyperref": 0, "fontsize": 2,
    "selectlanguage": 1, "phantom": 1, "addcontentsline": 3, "rule": 2, "newlabel": 2, "theoremstyle": 1, "ref": 1,
    "pageref": 1, "eqref": 1, "autoref": 1, "cref": 1, "Cref": 1, "nocite": 1, "graphicspath": 1, "parbox": 1,
    "raisebox": 1, "multicolumn": 2, "multirow": 2, "resizebox": 2, "scalebox": 1, "foreignlanguage": 1,
    "bibitem": 1, "addbibresource": 1, "tikzset": 1, "lstset": 1, "usetikzlibrary": 1,
}  # fmt: skip
"""Commands to the number of arguments that are settings."""
_VERBATIM = ("verbatim", "Verbatim", "lstlisting", "minted", "alltt")
_NOT_SHOWN = ("comment", "tikzpicture", "pgfpicture", "filecontents")
_TABLES = ("tabular", "tabularx", "longtable", "array", "tabulary")
_WITH_ARGUMENTS = {"tabular": 1, "tabularx": 2, "tabulary": 2, "longtable": 1, "array": 1, "minipage": 1}
_WITH_ARGUMENTS |= {"thebibliography": 1, "multicols": 1, "wrapfigure": 2, "minted": 1, "adjustbox": 1}
_LISTS = {"itemize": False, "enumerate": True, "description": False}
_OPTION = re.compile(r"[ \t]*\n?[ \t]*\[((?:[^\[\]{}]|\{[^{}]*\})*)\]")
_CITED = re.compile(r"(?:text|paren|foot|auto|full)?cite[a-z]*$", re.IGNORECASE)
_DEFINITION = re.compile(
    r"\\(?:(?:new|renew|provide)command\*?|def)[ \t]*(?:\{[ \t]*)?\\([a-zA-Z@]+)[ \t]*\}?[ \t]*(?=\{)"
)
"""Of a command without arguments, which stands for a text such as the name of a product."""
_PARAMETERS = re.compile(r"\s*\\(?:[a-zA-Z@]+|.)[^{}\\\n]{0,40}")
_MAX_DEFINITION = 100
_NAME = re.compile(r"\\([a-zA-Z@]+)(?:\{\})?")
_BODY = "\\begin{document}"
_ESCAPED = set("%&$#_{} ")
_MAX_DEPTH = 30


def read(raw: bytes, name: str) -> Parsed:
    """Read a file."""
    decoded = decode(raw)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    extraction = Extraction()
    writer = _TexWriter(extraction, [0, *newline_offsets(text)], _definitions(text))
    body = text.find(_BODY)
    if body >= 0:
        writer.preamble(text[:body])
    writer.write(text, body + len(_BODY) if body >= 0 else 0)
    return extraction.parsed(name, writer.title)


def _definitions(source: str) -> dict[str, str]:
    """The texts that commands of the author stand for."""
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(source):
        near = source[match.end() : match.end() + 2 * _MAX_DEFINITION]
        text = _written_out(_argument(near, 0)[0], found)
        if "#" not in text and len(text) <= _MAX_DEFINITION:
            found[match[1]] = plain_text(text)
    return found


def _written_out(source: str, defined: dict[str, str]) -> str:
    return _NAME.sub(lambda name: defined.get(name[1], name[0]), source)


def plain_text(source: str, depth: int = 0) -> str:
    """A piece of TeX, such as a title or the field of a bibliography, as one line of text."""
    return one_line(_inline(source, depth))


def _inline(source: str, depth: int) -> str:
    """A piece of TeX without paragraphs as text."""
    source = with_accents(source)
    if depth > _MAX_DEPTH:
        return source
    pieces: list[str] = []
    position = 0
    while position < len(source):
        token = _TOKEN.match(source, position)
        assert token is not None
        position = token.end()
        if word := token["word"]:
            piece, position = _command(word, source, position, depth)
            pieces.append(piece)
        elif not token["comment"] and not token["edge"]:
            pieces.append(_small(token))
    return "".join(pieces)


def _small(token: re.Match[str]) -> str:
    """The text of a token that is no command with a name."""
    if sign := token["sign"]:
        return sign if sign in _ESCAPED else " " if sign in "\\,;:!/" or sign.isspace() else ""
    if token["special"]:
        return token["special"] if token["special"] == "$" else ""
    if token["ligature"]:
        return LIGATURES.get(token["ligature"], token["ligature"])
    return token["text"] or token["blank"] or ""


def _command(word: str, source: str, position: int, depth: int) -> tuple[str, int]:
    """The text of a command, and where it ends. The arguments of unknown commands are text."""
    if word in CHARACTERS:
        shown = CHARACTERS[word]
        if not shown.isalpha() and source[position - 1].isspace():
            shown += " "
        return shown, position + 2 * source.startswith("{}", position)
    if word in ("frac", "dfrac", "tfrac"):
        upper, position = _argument(source, position)
        lower, position = _argument(source, position)
        return f"{_inline(upper, depth + 1)}/{_inline(lower, depth + 1)}", position
    if word == "href":
        address, position = _argument(source, position)
        label, position = _argument(source, position)
        return f"{_inline(label, depth + 1)} ({address})", position
    if word in ("url", "nolinkurl", "path", "verb"):
        return _address(word, source, position)
    option, position = _option(source, position)
    if _CITED.fullmatch(word):
        keys, position = _argument(source, position)
        return f"[{keys}{', ' if option else ''}{_inline(option, depth + 1)}]", position
    for _ in range(_DROPPED.get(word, 0)):
        _, position = _argument(source, position)
        _, position = _option(source, position)
    return "", position


def _address(word: str, source: str, position: int) -> tuple[str, int]:
    if word != "verb":
        return _argument(source, position)
    end = source.find(source[position : position + 1], position + 1) if position < len(source) else -1
    return (source[position + 1 : end], end + 1) if end >= 0 else ("", position)


def _option(source: str, position: int) -> tuple[str, int]:
    found = _OPTION.match(source, position)
    return (found[1], found.end()) if found else ("", position)


def _argument(source: str, position: int) -> tuple[str, int]:
    """The next argument, in braces or as one character, and where it ends."""
    while position < len(source) and source[position] in " \t\n":
        position += 1
    if not source.startswith("{", position):
        command = re.compile(r"\\[a-zA-Z]+").match(source, position)
        end = command.end() if command else min(position + 1, len(source))
        return source[position:end], end
    depth, at = 0, position
    for found in re.compile(r"\\[\s\S]|[{}]").finditer(source, position):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        at = found.end()
        if not depth:
            return source[position + 1 : at - 1], at
    return source[position + 1 :], len(source)


class _TexWriter:
    """Writes paragraphs, headings, items and rows to an extraction."""

    def __init__(self, extraction: Extraction, starts: list[int], defined: dict[str, str]) -> None:
        self.title = ""
        self._defined = defined
        self._extraction, self._starts = extraction, starts
        self._held: list[str] = []
        self._first: int | None = None
        self._mark = ""
        self._lists: list[int | None] = []
        self._cells: list[str] | None = None
        self._is_first_row = self._has_item_before = False
        self._notes: list[str] = []
        self._commands: dict[str, Callable[[str, int], int]] = {
            "item": self._item,
            "footnote": self._footnote,
            "title": self._title,
            "par": self._end,
            "newline": self._line_end,
            "caption": self._caption,
            **dict.fromkeys(_HEADINGS, self._end),
        }

    def preamble(self, source: str) -> None:
        """Take the title, the author and the date that are declared before the text."""
        for name in ("title", "author", "date"):
            found = re.search(rf"^[^%\n]*\\{name}(?:\[[^\]]*\])?[ \t]*(?=\{{)", source, re.MULTILINE)
            if found:
                shown = self._shown(_argument(source, found.end())[0])
                self.title = self.title or (shown if name == "title" else "")
                self._extraction.block(shown, line=self._line(found.start()))

    def write(self, source: str, position: int) -> None:
        """Write a text from a position on."""
        while position < len(source):
            token = _TOKEN.match(source, position)
            assert token is not None
            start, position = position, token.end()
            if token["edge"]:
                position = self._environment(token["edge"], token["name"].rstrip("*"), source, position)
                if token["edge"] == "end" and token["name"] == "document":
                    break
            elif token["word"]:
                position = self._command(token["word"], source, start, position)
            elif token["blank"]:
                self._end_paragraph()
            elif token["sign"] == "\\" or (token["special"] == "&" and self._cells is not None):
                position = self._break(token, source, position)
            elif not token["comment"]:
                position = self._text(token, source, start, position)
        self._end_paragraph()

    def _shown(self, source: str) -> str:
        """A piece of TeX as one line, with the commands of the author written out."""
        return plain_text(_written_out(source, self._defined))

    def _text(self, token: re.Match[str], source: str, start: int, position: int) -> int:
        if token["sign"] and (accent := accent_at(source, start)):
            self._add(accent[0], start)
            return accent[1]
        self._add(_small(token), start)
        return position

    def _command(self, word: str, source: str, start: int, position: int) -> int:
        if word in _HEADINGS:
            _, position = _option(source, position)
            argument, position = _argument(source, position)
            self._end_paragraph()
            self._extraction.heading(_HEADINGS[word], self._shown(argument), line=self._line(start))
            return position
        if word in self._commands:
            return self._commands[word](source, position)
        if word == "def" and (parameters := _PARAMETERS.match(source, position)):
            return _argument(source, parameters.end())[1]
        if word in self._defined:
            self._add(self._defined[word], start)
            return position + 2 * source.startswith("{}", position)
        if len(word) == 1 and word in "cvHkrudb":
            argument, position = _argument(source, position)
            self._add(with_accents(f"\\{word}{{{argument}}}"), start)
            return position
        text, position = _command(word, source, position, 0)
        self._add(text, start)
        return position

    def _environment(self, edge: str, name: str, source: str, position: int) -> int:
        self._end_paragraph()
        if edge == "end":
            if name in _LISTS and self._lists:
                self._lists.pop()
            self._cells = None if name in _TABLES else self._cells
            return position
        _, position = _option(source, position)
        for _ in range(_WITH_ARGUMENTS.get(name, 0)):
            _, position = _argument(source, position)
        if name in (*_VERBATIM, *_NOT_SHOWN):
            end = re.compile(rf"[ \t]*\\end\s*\{{{name}\*?\}}").search(source, position)
            stop = end.start() if end else len(source)
            if name in _VERBATIM:
                self._extraction.block(source[position:stop].strip("\n"), line=self._line(position) + 1)
            return end.end() if end else stop
        if name in _LISTS:
            self._lists.append(0 if _LISTS[name] else None)
        elif name in _TABLES:
            self._cells, self._is_first_row = [], True
        return position

    def _break(self, token: re.Match[str], source: str, position: int) -> int:
        """End a cell or a line."""
        if self._cells is None:
            return self._line_end(source, position)
        self._cells.append(one_line("".join(self._held)))
        line, self._held = self._line(self._first if self._first is not None else token.start()), []
        if token["sign"]:
            if any(self._cells):
                self._extraction.row(self._cells, first=self._is_first_row, line=line)
                self._is_first_row = False
            self._cells, self._first = [], None
            _, position = _option(source, position)
        return position

    def _item(self, source: str, position: int) -> int:
        self._end_paragraph()
        label, position = _option(source, position)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        mark = "- " if number is None else f"{number + 1}. "
        self._mark = f"{mark}{self._shown(label)}: " if label else mark
        return position

    def _footnote(self, source: str, position: int) -> int:
        argument, position = _argument(source, _option(source, position)[1])
        self._notes.append(f"Footnote: {self._shown(argument)}")
        return position

    def _title(self, source: str, position: int) -> int:
        argument, position = _argument(source, _option(source, position)[1])
        self.title = self.title or self._shown(argument)
        self._add(self._shown(argument), position)
        return self._end(source, position)

    def _caption(self, source: str, position: int) -> int:
        self._end_paragraph()
        argument, end = _argument(source, _option(source, position)[1])
        self._extraction.block(self._shown(argument), line=self._line(position))
        return end

    def _end(self, _source: str, position: int) -> int:
        self._end_paragraph()
        return position

    def _line_end(self, source: str, position: int) -> int:
        self._held.append(" ")
        return _option(source, position)[1]

    def _add(self, text: str, start: int) -> None:
        if text.strip() and self._first is None:
            self._first = start
        self._held.append(text)

    def _end_paragraph(self) -> None:
        text, self._held = one_line("".join(self._held)), []
        if self._cells is not None and (text or self._cells):
            self._extraction.row([*self._cells, text], first=self._is_first_row)
            self._cells, self._is_first_row = [], False
        elif text:
            mark, self._mark = self._mark, ""
            indent = "  " * min(max(len(self._lists) - 1, 0), 8) if mark else ""
            line = self._line(self._first or 0)
            self._extraction.block(indent + mark + text, apart=not (mark and self._has_item_before), line=line)
            self._has_item_before = bool(mark)
        self._first = None
        if text:
            for note in self._notes:
                self._extraction.block(note)
            self._notes = []

    def _line(self, position: int) -> int:
        return bisect_right(self._starts, position)
