"""Find the sentences of a text: in paragraphs, list items, comments and docstrings, as character ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from omni_pipelines.text.sentences import Range, lines, sentences

_ITEM = re.compile(r"(?:[-*+•|]|\d{1,3}[.)]|\(?[a-z]\))[ \t]+\S|:?[\w*.]+(?:[ \t]*\([^)\n]*\))?:(?:[ \t]|$)")
"""A list item, a row of a table, or `name (type): description`: each starts a new block."""
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
_FENCE = re.compile(r"^[ \t]*(?P<sign>`{3,}|~{3,})[ \t]*(?P<info>[^`\r\n]*?)[ \t]*\r?$", re.MULTILINE)
"""A fence, and what follows it on its line, such as a language: only an opening fence has that."""
_QUOTES = re.compile(r'"""|\'\'\'')


def prose_sentences(text: str, *, code: bool) -> Iterator[Range]:
    """The sentences of a text. None continues past a list item, the end of a comment or a change of indentation.

    In `code`, statements are left out, and comments and docstrings are kept. In other texts, blocks between fences
    (```) are left out.
    """
    for start, end in _blocks(text, code=code):
        yield from sentences(text, start, end)


def plain_quote(quote: str) -> str:
    """A quoted sentence on one line, without the comment signs of its further lines."""
    first, *rest = quote.splitlines() or [""]
    return " ".join(" ".join([first, *(_COMMENT.sub("", line.lstrip(), count=1) for line in rest)]).split())


def _blocks(text: str, *, code: bool) -> Iterator[Range]:
    begin = end = -1
    previous = _Line("", in_quotes=False)
    quotes = _TripleQuotes() if code else None
    fences = None if code else _Fences(text)
    for start, stop in lines(text, 0, len(text)):
        raw = text[start:stop]
        line = _Line(raw, in_quotes=quotes is not None and quotes.is_inside(raw))
        is_fenced = fences is not None and fences.is_inside(raw)
        is_kept = not (is_fenced or line.is_rule or (code and line.is_statement))
        if begin >= 0 and (not is_kept or line.starts_block(previous)):
            yield begin, end
            begin = -1
        if is_kept:
            begin = start if begin < 0 else begin
            end = stop
        previous = line
    if begin >= 0:
        yield begin, end


class _Line:
    """A line without its comment sign, and its indentation."""

    def __init__(self, raw: str, *, in_quotes: bool) -> None:
        body = raw.rstrip()
        sign = _COMMENT.match(body.lstrip())
        self.is_comment = sign is not None
        self.text = body.lstrip()[sign.end() :].lstrip() if sign else body.lstrip()
        self.depth = len(body) - len(self.text)
        self._in_quotes = in_quotes

    @property
    def is_rule(self) -> bool:
        """Blank, or without letters and digits."""
        return _RULE.fullmatch(self.text) is not None or not self.text

    @property
    def is_statement(self) -> bool:
        """Looks like code, and is neither in a comment nor in a docstring."""
        return not self.is_comment and not self._in_quotes and _STATEMENT.match(self.text) is not None

    def starts_block(self, previous: _Line) -> bool:
        """Whether no sentence continues from the previous line into this one."""
        return (
            self.is_comment != previous.is_comment
            or self.depth < previous.depth
            or previous.text.endswith(":")
            or _ITEM.match(self.text) is not None
        )


class _TripleQuotes:
    """Tracks Python's triple quotes line by line. The text may start inside them."""

    def __init__(self) -> None:
        self._open: bool | None = None
        self._after_statement = True

    def is_inside(self, line: str) -> bool:
        """Whether the line holds text of a docstring."""
        body = line.strip()
        was_open, quotes = self._open, len(_QUOTES.findall(body))
        if quotes % 2:
            self._open = self._opens(body) if was_open is None else not was_open
        self._after_statement = body.endswith((":", "="))
        return bool(was_open) or quotes > 0

    def _opens(self, body: str) -> bool:
        """Whether the first quotes of the text open a docstring, and do not close one."""
        unprefixed = body.lstrip("rbufRBUF")
        quotes = _QUOTES.search(unprefixed)
        is_bare = len(unprefixed) == 3
        return quotes is not None and (self._after_statement if is_bare else quotes.start() == 0)


class _Fences:
    """Tracks Markdown's fences around code line by line. The text may start inside one.

    CommonMark 0.31, section 4.5: a fence is closed by the same sign, at least as often, with nothing after it.
    """

    def __init__(self, text: str) -> None:
        fences = [(match["sign"], match["info"]) for match in _FENCE.finditer(text)]
        starts_inside = bool(fences) and not fences[0][1]
        self._open = fences[0][0] if starts_inside and _faults(fences[1:], "") < _faults(fences, "") else ""
        """The fence that opened the code around the current line; "" outside code."""

    def is_inside(self, line: str) -> bool:
        """Whether the line is code or a fence."""
        was_open = self._open
        match = _FENCE.match(line.rstrip("\r\n"))
        if match is None:
            return bool(was_open)
        self._open = _after_fence(was_open, match["sign"], match["info"])
        return True


def _after_fence(opened: str, sign: str, info: str) -> str:
    """The fence that is open after the line of a fence, if `opened` was before it."""
    if not opened:
        return sign
    return "" if sign.startswith(opened) and not info else opened


def _faults(fences: Sequence[tuple[str, str]], opened: str) -> tuple[int, bool]:
    """How unlikely it is that these fences begin with `opened`: fences with a language in code, and an open end."""
    inner = 0
    for sign, info in fences:
        inner += bool(opened and info)
        opened = _after_fence(opened, sign, info)
    return inner, bool(opened)
