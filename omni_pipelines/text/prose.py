"""Where a text speaks in sentences: paragraphs, list items, comments and docstrings, as character ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from omni_pipelines.text.sentences import Range, lines, sentences

_ITEM = re.compile(r"(?:[-*+•|]|\d{1,3}[.)]|\(?[a-z]\))[ \t]+\S|:?[\w*.]+(?:[ \t]*\([^)\n]*\))?:(?:[ \t]|$)")
"""A list item, a table's row, or `name (type): what it is`: each begins anew."""
_COMMENT = re.compile(r"(?:#+|//+|--+|;+|\*)(?:[ \t]+|$)")
_RULE = re.compile(r"[\W_]+$")
_STATEMENT = re.compile(
    r"@\w"
    r"|(?:from\s+\S+\s+)?import\s"
    r"|(?:async\s+)?(?:def|class|func|fn|struct|enum|impl|interface|package|using|namespace)\s+\w+.*[:({;]?$"
    r"|(?:if|elif|else|for|while|with|try|except|finally|switch|case)\b.*[:{]$"
    r"|(?:return|raise|yield|assert|del|await|throw|const|let|var|pub|static)\b.*[\w)\]}'\";]$"
    r"|[\w.\[\]'\"]+(?:,\s*[\w.]+)*(?::\s*[\w\[\]., |]+)?\s*(?:[-+*/|&^%]|//|\*\*|:)?=(?!=)"
    r"|[\w.]+\(.*\)?[,;:]?$"
    r"|[)\]}]+[,;:]?$"
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[`~]*[ \t]*(\S*)", re.MULTILINE)
"""A fence and the name of its language, which only an opening one has."""
_QUOTES = re.compile(r'"""|\'\'\'')


def prose(text: str, *, code: bool) -> Iterator[Range]:
    """The sentences of a text, none reaching over a list item, a comment's end or a change of indentation.

    In `code`, statements are left out; what stands in comments and docstrings is kept. Elsewhere, what stands between
    fences (```) is left out.
    """
    for start, end in _blocks(text, code=code):
        yield from sentences(text, start, end)


def plain(quote: str) -> str:
    """A quoted sentence on one line, without the comment signs its further lines begin with."""
    first, *rest = quote.splitlines() or [""]
    return " ".join(" ".join([first, *(_COMMENT.sub("", line.lstrip(), count=1) for line in rest)]).split())


def _blocks(text: str, *, code: bool) -> Iterator[Range]:
    begin = end = -1
    before = _Line("", in_quotes=False)
    quotes = _Quotes() if code else None
    fences = None if code else _Fences(text)
    for start, stop in lines(text, 0, len(text)):
        raw = text[start:stop]
        line = _Line(raw, in_quotes=quotes is not None and quotes.inside(raw))
        kept = not line.is_rule and not (code and line.is_statement) and not (fences and fences.inside(raw))
        if begin >= 0 and (not kept or line.begins_anew(before)):
            yield begin, end
            begin = -1
        if kept:
            begin = start if begin < 0 else begin
            end = stop
        before = line
    if begin >= 0:
        yield begin, end


class _Line:
    """A line without its comment sign, and how deep it stands."""

    def __init__(self, raw: str, *, in_quotes: bool) -> None:
        body = raw.rstrip()
        mark = _COMMENT.match(body.lstrip())
        self.commented = mark is not None
        self.text = body.lstrip()[mark.end() :].lstrip() if mark else body.lstrip()
        self.depth = len(body) - len(self.text)
        self._in_quotes = in_quotes

    @property
    def is_rule(self) -> bool:
        """Blank, or nothing but marks."""
        return _RULE.fullmatch(self.text) is not None or not self.text

    @property
    def is_statement(self) -> bool:
        """Looks like code, and stands neither in a comment nor in a docstring."""
        return not self.commented and not self._in_quotes and _STATEMENT.match(self.text) is not None

    def begins_anew(self, before: _Line) -> bool:
        """Whether no sentence runs on from the line before into this one."""
        return (
            self.commented != before.commented
            or self.depth < before.depth
            or before.text.endswith(":")
            or _ITEM.match(self.text) is not None
        )


class _Quotes:
    """Follows Python's triple quotes from line to line; a passage may begin inside them."""

    def __init__(self) -> None:
        self._open: bool | None = None
        self._after_statement = True

    def inside(self, line: str) -> bool:
        """Whether the line holds text of a docstring."""
        body = line.strip()
        was_open, found = self._open, len(_QUOTES.findall(body))
        if found % 2:
            self._open = self._opens(body) if was_open is None else not was_open
        self._after_statement = body.endswith((":", "="))
        return bool(was_open) or found > 0

    def _opens(self, body: str) -> bool:
        """Whether the first quotes that are seen begin a docstring."""
        place = _QUOTES.search(body.lstrip("rbufRBUF"))
        bare = len(body.lstrip("rbufRBUF")) == 3
        return place is not None and (self._after_statement if bare else place.start() == 0)


class _Fences:
    """Follows Markdown's fences around code from line to line; a passage may begin inside one."""

    def __init__(self, text: str) -> None:
        marks = _FENCE.findall(text)
        self._inside = len(marks) % 2 == 1 and not marks[0]

    def inside(self, line: str) -> bool:
        """Whether the line is code, or the fence around it."""
        fence = _FENCE.match(line) is not None
        was_inside = self._inside
        self._inside ^= fence
        return fence or was_inside
