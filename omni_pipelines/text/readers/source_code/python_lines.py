r"""The classes and functions of Python source, from its lines alone.

Python's tree of a file costs most of the time of reading it, and only its definitions are needed. A definition begins
a line, and what is indented below it belongs to it: so patterns find both, if they know strings, brackets and
comments. The body of a function is one match. In valid source they find what its tree has; source of another version
of Python, which our parser refuses, has its definitions as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from omni_pipelines.text.document import Section

_END = r"(?:\r\n?|\n)"
_ESCAPED = r"\\(?:\r\n|(?s:.))"
_STRING = "|".join(
    [rf"{quote * 3}(?:[^\\{quote}]++|{_ESCAPED}|{quote}(?!{quote * 2}))*+{quote * 3}" for quote in "\"'"]
    + [rf"{quote}(?:[^\\{quote}\r\n]++|{_ESCAPED})*+{quote}" for quote in "\"'"]
)
_COMMENT = r"#[^\r\n]*+"
_OTHER = r"[^\\\"'#()\[\]{}"
"""Begins a class of characters: no string, comment, bracket or backslash."""
_MOST_NESTED = 5
"""Brackets inside one another that a pattern knows; deeper ones are counted."""


def _brackets(depth: int) -> str:
    inner = f"|{_brackets(depth - 1)}" if depth > 1 else ""
    return rf"[(\[{{](?:{_OTHER}]++{inner}|{_STRING}|{_COMMENT}|\\{_END})*+[)\]}}]"


_CODE = rf"(?:{_OTHER}\r\n]++|{_brackets(_MOST_NESTED)}|{_STRING}|\\{_END})++"
_REST = rf"(?:{_COMMENT})?+{_END}"
_BLANK = rf"[ \t\f]*+{_REST}"
_GAP = rf"(?:[ \t\f]|\\{_END})++"
_INDENT = r"(?:[ \t]*+\f)*+"
"""After a form feed, the indentation is counted from zero."""
_BLANKS = re.compile(rf"(?:{_BLANK})*+")
"""Blank lines and comments."""
_STATEMENT = re.compile(rf"{_CODE}(){_REST}()")
"""The groups are the end of the code and the end of its line."""
_TOKEN = re.compile(
    rf"(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<line_end>{_END})|(?P<no_code>{_COMMENT}|\\{_END})"
    rf"|{_OTHER}\r\n]++|{_STRING}"
)
_HEAD = re.compile(
    rf"{_INDENT}(?P<indent>[ \t]*+)(?:(?P<decorator>@)"
    rf"|(?P<definition>(?:async{_GAP})?(?:def|(?P<class>class))){_GAP}(?P<name>[^\s(\[:\\]++)(?=(?:{_GAP})?+[(\[:])"
    r"|(?P<walked>if|elif|else|try|except|finally|with|for|while)\b|(?P<skipped>match|case|async)\b)?"
)
"""Definitions inside a walked statement have the same names as outside. In a text, "class" begins no definition."""
_LINE = re.compile(rf"[^\r\n]*+{_END}")


class _Unclear(ValueError):
    """A string or a bracket does not end: the source is broken, or of a later version of Python."""


@dataclass(frozen=True)
class _Block:
    """A class, or another statement whose lines are looked at."""

    indent: int
    path: tuple[str, ...]
    is_class: bool


def definition_sections(text: str) -> tuple[Section, ...]:
    """The classes and functions of source as sections, nested, and what follows them.

    A section begins with the decorators of a definition and with the comments directly above them. There is none if a
    string or a bracket does not end, because nothing is sure then.
    """
    try:
        # of sections with the same start, only the last one has any text
        return tuple({section.start: section for section in _Definitions(text).sections()}.values())
    except _Unclear:
        return ()


def first_statement(text: str) -> str:
    """The first statement of source with the lines that it is on; "" if there is none, or if it does not end."""
    lines = _Definitions(text)
    start = _end_of(_BLANKS, lines.text, 0)
    try:
        return lines.text[start : lines.statement(start)[0]] if start < len(lines.text) else ""
    except _Unclear:
        return ""


class _Definitions:
    """One pass over the lines of a source."""

    def __init__(self, text: str) -> None:
        self.text = f"{text}\n"  # every line has an end
        self._length = len(text)

    def sections(self) -> Iterator[Section]:
        """A section where a definition begins, and where it ends."""
        blocks: list[_Block] = []
        position = end = 0
        begun: tuple[int, int] | None = None
        while True:
            line = _end_of(_BLANKS, self.text, position)
            head = _HEAD.match(self.text, line)
            assert head is not None
            indent = len(head["indent"])
            while blocks and (indent <= blocks[-1].indent or line == len(self.text)):
                if (block := blocks.pop()).is_class:
                    yield Section(self._line_after(end), block.path[:-1])
            if line == len(self.text):
                return
            begun = begun or (position, line)
            position, end = self.statement(line)
            if head["decorator"]:
                continue
            path = blocks[-1].path if blocks else ()
            if head["definition"]:
                inner = (*path, unicodedata.normalize("NFKC", head["name"]))
                yield Section(self._with_comments(*begun, head.start("definition") - line), inner)
                path = inner if head["class"] else path
            if head["class"] or head["walked"]:
                blocks.append(_Block(indent, path, bool(head["class"])))
            elif head["definition"] or head["skipped"]:
                position, end = self._body(position, end, indent)
            if head["definition"] and not head["class"]:
                yield Section(self._line_after(end), path)
            begun = None

    def statement(self, position: int) -> tuple[int, int]:
        """Where the line after the statement at a position begins, and where its code ends."""
        if (found := _STATEMENT.match(self.text, position)) is not None:
            return found.end(), found.start(1)
        depth, end = 0, position
        for token in _TOKEN.finditer(self.text, position):
            if token.start() != position:
                break
            position = token.end()
            depth += (token.lastgroup == "open") - (token.lastgroup == "close")
            if token.lastgroup == "line_end" and not depth:
                return position, end
            if token.lastgroup not in ("line_end", "no_code"):
                end = position
        raise _Unclear

    def _body(self, position: int, end: int, indent: int) -> tuple[int, int]:
        """The same for the lines from a position on that are indented more than `indent`."""
        body, deeper = _indented_more(indent)
        while True:
            found = body.match(self.text, position)
            assert found is not None
            if found.start(1) >= 0:
                end, position = found.start(1), found.start(2)
            if deeper.match(self.text, found.end()) is None:
                return position, end
            position, end = self.statement(found.end())

    def _with_comments(self, above: int, start: int, column: int) -> int:
        """Where the comments begin that are directly above a line, in its column; no further than `above`."""
        for line in reversed(_LINE.findall(self.text, above, start)):
            if len(line) - len(line.lstrip(" \t")) != column or line[column] != "#":
                break
            start -= len(line)
        return start

    def _line_after(self, end: int) -> int:
        """Where the line after some code begins."""
        while self.text[end - 1] in " \t\f\\\r\n":
            end -= 1
        return min(_end_of(_LINE, self.text, end), self._length)


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    assert found is not None
    return found.end()


@lru_cache
def _indented_more(indent: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The pattern of all lines indented more, with the groups of `_STATEMENT`, and that of how one of them begins."""
    begin = rf"{_INDENT}[ \t]{{{indent + 1}}}"
    return re.compile(rf"(?:{_BLANK}|{begin}{_CODE}(){_REST}())*+"), re.compile(begin)
