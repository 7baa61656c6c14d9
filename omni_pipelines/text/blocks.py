"""Split prose into blocks: paragraphs, list items, code, table rows, definitions and headings, as character ranges.

The text may be Markdown, reStructuredText, a docstring, or text that a reader extracted, and it may start or end
anywhere, as chunks do.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from omni_pipelines.text.descriptions import described_object, described_term
from omni_pipelines.text.sentences import lines

_FENCE = re.compile(r"(?P<sign>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
"""A fence and what follows it on its line, such as a language: only an opening fence has that."""
_TIME = (
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?[.,\d]*(?:Z|[ ]?[+-]\d\d:?\d\d)?\]?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\[\d\d?:\d\d(?::\d\d)?\]"
)
"""The time that a line of a log or of a conversation begins with."""
_ITEM = re.compile(rf"(?:[-*+•]|\d{{1,3}}[.)]|\(?[a-zA-Z]\)|{_TIME})[ \t]+(?=\S)")
_FIELD = re.compile(
    r":(?:param|type|returns?|rtype|raises?|arg|keyword)\b[^:\n]*:|[\w*.`'\"-]+(?:[ \t]*\([^)\n]*\))?:(?=[ \t]+\S)"
    r"|\*\*[^*:\n]{1,60}(?::\*\*|\*\*:|\*\*[ \t]+[\u2013\u2014-])(?=[ \t]+\S)"
    r"|(?!\.\. )[^\s:][^:\n]{0,80}::(?=[ \t]+\S)"
    r"|;[ \t]*\S[^:\n]{0,80}(?:[ \t]:(?=[ \t]+\S)|$)"
)
"""`:param name:`, `name (type):` or `**Name:**`, as docstrings, settings and notes write them; `name::` of AsciiDoc;
`; name : ` of MediaWiki."""
_TITLE = re.compile(r"#{1,6}[ \t]+\S|={1,6}[ \t]+[^=\s]")
"""A heading of Markdown, or of AsciiDoc and MediaWiki."""
_UNDERLINE = re.compile(r"([=\-~^*+#])\1{2,}$|([\"'])\2{3,}$")
_RULE = re.compile(r"[\W_]+$")
_CELL_END = re.compile(r"[ \t]\|[ \t]|^\||\|$")
_TABLE_RULE = re.compile(r"[|:+=-][-:|+= \t]{2,}$")
_PROMPT = re.compile(r"(?:>>>|In \[\d+\]:)(?:[ \t]|$)|\$ \S")
_ADMONITION = re.compile(
    r"\.\.[ \t]+(?:version\w+|deprecated|note|warning|caution|important|tip|hint|danger|attention|seealso|todo)::"
)
"""A directive of reStructuredText whose content is prose."""
_DIRECTIVE = re.compile(
    r"\.\.[ \t]+[\w:+.-]+::|\.\.[ \t]+_[^:]+:|:[\w-]+:(?:[ \t]+\S+)?$|<!--.*-->$"
    r"|\[(?!\^)[^\]]+\]:[ \t]+\S+(?:[ \t]+[\"'(].*[\"')])?$"
)
"""A line that is not shown: a directive, a target of links, an option of a directive, a comment."""
_CODE_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:code|code-block|sourcecode|parsed-literal|testcode|doctest|prompt)::")
_HIDDEN_DIRECTIVE = re.compile(
    r"\.\.(?:[ \t]+(?:toctree|contents|index|raw|autosummary|graphviz|digraph|testsetup|testcleanup)::"
    r"|(?:[ \t]+(?![\[|_])(?!.*::)|$))"
)
"""A directive or a comment of reStructuredText whose content is not shown, or is a list of links."""
_OPEN_COMMENT = re.compile(r"<!--(?!.*-->)")
_COMMENT_END = "-->"
_MARKS = (_ITEM, _FIELD, _FENCE, _TITLE, _PROMPT, _DIRECTIVE, _RULE)
"""What starts a new block, or separates blocks."""
_CALL = re.compile(
    r"(?:@|(?:[a-z]+ ){0,2})[\w.]*\w(?: (?=\(.*\) ?(?:->|→) ?\w))?\((?:[^()]|\([^()]*\))*\)(?:\s*(?:->|→|:)\s*\S.*)?$"
)
"""A line that is the signature of a function, class or method, as documentation shows it; `a ( b ) → c` too."""
_DESCRIPTION = re.compile(r":[ \t]+(?=\S)")
"""The description of the term on the line above it, in Markdown."""
_CODE_INDENT = 4
_MAX_TERM_LENGTH = 160
LEAD_ENDS = (":", "：")  # noqa: RUF001
"""What a sentence that introduces a list or code ends with."""


class BlockKind(Enum):
    """What a block is."""

    PARAGRAPH = auto()
    ITEM = auto()
    FIELD = auto()
    """`name (type): description`"""
    TERM = auto()
    """A line with its description indented below it."""
    CODE = auto()
    ROW = auto()
    HEADING = auto()
    SIGNATURE = auto()
    """The declaration of a symbol, in source code or on a line of documentation."""


@dataclass(frozen=True)
class Block:
    """A block, from its first to its last character that is not blank."""

    kind: BlockKind
    start: int
    end: int
    indent: int = 0
    """Columns before its first line."""
    is_header: bool = False
    """A table row with the names of the columns."""
    is_comment: bool = False
    """A paragraph of a comment in source code."""


def blocks(text: str, start: int = 0, end: int | None = None, *, is_indented: bool = False) -> list[Block]:
    """The blocks of a text, in order. Blank lines, fences, rules and directives are in none.

    With `is_indented`, the first line has at least the indentation of the others, which `text` may lack.
    """
    stop = len(text) if end is None else end
    parsed = [_line(text, first, last) for first, last in lines(text, start, stop)]
    if is_indented and parsed:
        indent = min((line.indent for line in parsed[1:] if line.text), default=0)
        parsed[0] = replace(parsed[0], indent=max(parsed[0].indent, indent))
    return _Scanner(parsed, text).scan()


@dataclass(frozen=True)
class _Line:
    start: int
    """Of its first character that is not blank."""
    text: str
    """Without blanks around it."""
    indent: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _line(text: str, start: int, end: int) -> _Line:
    raw = text[start:end].expandtabs(8) if "\t" in text[start:end] else text[start:end]
    body = text[start:end].strip()
    first = start + len(text[start:end]) - len(text[start:end].lstrip())
    return _Line(first, body, len(raw) - len(raw.lstrip()) if body else 0)


class _Scanner:
    """Walks over the lines of a text. Each rule takes lines from the current one on."""

    def __init__(self, parsed: list[_Line], text: str) -> None:
        self._lines, self._text = parsed, text
        self._base = min((line.indent for line in parsed[1:] if line.text), default=0)
        self._index = 0
        self._found: list[Block] = []

    def scan(self) -> list[Block]:
        opened = _fence_around(self._lines)
        if opened:
            self._take_fenced(opened)
        self._index = max(self._index, _end_of_comment(self._lines))
        while self._index < len(self._lines):
            line = self._lines[self._index]
            if not line.text or self._take_marked(line):
                self._index += not line.text
                continue
            self._take_plain(line)
        return self._found

    def _take_marked(self, line: _Line) -> bool:
        """Take lines that a mark tells: fences, headings, rules, sessions, rows, items and fields."""
        following = self._following()
        fence = _FENCE.match(line.text)
        if fence is not None:
            self._index += 1
            self._take_fenced(fence["sign"])
        elif _TITLE.match(line.text) or _is_underlined(line, following):
            self._take(BlockKind.HEADING, 1)
            self._index += not _TITLE.match(line.text)
        elif self._take_directive(line):
            pass
        elif _PROMPT.match(line.text):
            self._take(BlockKind.CODE, self._until(lambda other: not other.text))
        elif _CELL_END.search(line.text) and self._is_in_table(following):
            self._take_rows()
        elif _ITEM.match(line.text):
            self._take(BlockKind.ITEM, self._hanging(line))
        elif _FIELD.match(line.text):
            self._take(BlockKind.FIELD, self._hanging(line))
        else:
            return False
        return True

    def _take_directive(self, line: _Line) -> bool:
        """Take a directive, a comment, a term or a rule, with the lines that belong to it."""
        if described_object(line.text):
            self._take(BlockKind.HEADING, 1)
        elif terms := self._terms():
            self._take(BlockKind.HEADING, terms)
        elif _ADMONITION.match(line.text):
            self._take(BlockKind.TERM, self._until(lambda other: not other.text or other.indent <= line.indent))
        elif _CODE_DIRECTIVE.match(line.text):
            self._take_code(line)
        elif _HIDDEN_DIRECTIVE.match(line.text):
            self._index += self._indented(line)
        elif _OPEN_COMMENT.match(line.text):
            self._index += 1 + self._until(lambda other: other.text.endswith(_COMMENT_END))
        elif _RULE.match(line.text) or _DIRECTIVE.match(line.text):
            self._index += 1
        else:
            return False
        return True

    def _take_plain(self, line: _Line) -> None:
        following = self._following()
        if _CALL.match(line.text) and (following is None or not following.text):
            self._take(BlockKind.SIGNATURE, 1)
        elif self._is_code(line):
            self._take(BlockKind.CODE, self._until(lambda other: bool(other.text) and other.indent < line.indent))
        elif following is not None and _DESCRIPTION.match(following.text) and not line.text.endswith(LEAD_ENDS):
            self._index += 1
            described = self._until(lambda other: not other.text or self._is_marked(other))
            self._index -= 1
            self._take(BlockKind.TERM, 1 + described)
        elif (
            following is not None
            and following.text
            and following.indent > line.indent
            and len(line.text) <= _MAX_TERM_LENGTH
            and not line.text.endswith((".", *LEAD_ENDS))
        ):
            self._take(BlockKind.TERM, self._until(lambda other: not other.text or other.indent <= line.indent))
        else:
            self._take(BlockKind.PARAGRAPH, self._until(self._ends_paragraph))

    def _following(self, distance: int = 1) -> _Line | None:
        index = self._index + distance
        return self._lines[index] if index < len(self._lines) else None

    def _until(self, is_end: Callable[[_Line], bool]) -> int:
        """The number of lines from the current one up to the next for which `is_end` holds."""
        rest = range(self._index + 1, len(self._lines))
        return next((number for number in rest if is_end(self._lines[number])), len(self._lines)) - self._index

    def _take(self, kind: BlockKind, count: int, *, is_header: bool = False, indent: int | None = None) -> None:
        taken = self._lines[self._index : self._index + count]
        self._index += count
        while taken and not taken[-1].text:
            taken.pop()
        while taken and not taken[0].text:
            del taken[0]
        if taken:
            columns = taken[0].indent if indent is None else indent
            self._found.append(Block(kind, taken[0].start, taken[-1].end, columns, is_header))

    def _take_fenced(self, opened: str) -> None:
        """Take the lines up to the fence that closes `opened`, and that fence."""
        rest = range(self._index, len(self._lines))
        end = next((number for number in rest if _closes(opened, self._lines[number])), len(self._lines))
        self._take(BlockKind.CODE, end - self._index)
        self._index += 1

    def _take_code(self, directive: _Line) -> None:
        """Take the code that is indented below a directive, without its options."""
        end = self._index + self._indented(directive)
        self._index += 1
        while self._index < end and _DIRECTIVE.match(self._lines[self._index].text):
            self._index += 1
        self._take(BlockKind.CODE, end - self._index, indent=directive.indent)

    def _terms(self) -> int:
        """The number of terms of AsciiDoc from the current line on; 0 if no description follows at once."""
        if described_term(self._lines[self._index].text) is None:
            return 0
        count = self._until(lambda other: described_term(other.text) is None)
        below = self._following(count)
        return count if below is not None and below.text else 0

    def _indented(self, line: _Line) -> int:
        """The number of lines of the current line and what is indented below it."""
        return self._until(lambda other: bool(other.text) and other.indent <= line.indent)

    def _is_in_table(self, following: _Line | None) -> bool:
        return bool(self._found and self._found[-1].kind is BlockKind.ROW) or (
            following is not None and _CELL_END.search(following.text) is not None
        )

    def _take_rows(self) -> None:
        """Take a table. Its first row is the header if a rule follows, or if none of its cells is a number."""
        first = self._index
        count = self._until(lambda other: not _CELL_END.search(other.text) and not _TABLE_RULE.match(other.text))
        rows = self._lines[first : first + count]
        starts_table = not self._found or self._found[-1].kind is not BlockKind.ROW
        has_rule = len(rows) > 1 and _TABLE_RULE.match(rows[1].text) is not None
        has_header = starts_table and (has_rule or (len(rows) > 1 and not re.search(r"\d", rows[0].text)))
        for number in range(count):
            if _TABLE_RULE.match(self._lines[self._index].text):
                self._index += 1
            else:
                self._take(BlockKind.ROW, 1, is_header=has_header and number == 0)

    def _hanging(self, line: _Line) -> int:
        """The number of lines of an item: up to a blank line, another mark, or a line further left."""

        def ends(other: _Line) -> bool:
            return not other.text or other.indent < line.indent or self._is_marked(other)

        return self._until(ends)

    def _is_marked(self, line: _Line) -> bool:
        return any(mark.match(line.text) for mark in _MARKS)

    def _ends_paragraph(self, line: _Line) -> bool:
        if not line.text or self._is_marked(line):
            return True
        last = self._lines[self._index].indent
        return line.indent < min(last, self._base) or _CELL_END.match(line.text) is not None

    def _is_code(self, line: _Line) -> bool:
        """Whether an indented block is code: it follows a blank line after text that is not an item or a term."""
        if line.indent - self._base < _CODE_INDENT:
            return False
        above = self._found[-1] if self._found else None
        if above is None:
            return False
        if above.kind is BlockKind.CODE:
            return line.indent >= above.indent
        is_lead = self._text[above.start : above.end].endswith(LEAD_ENDS)
        return above.kind is BlockKind.PARAGRAPH and (is_lead or line.indent - above.indent >= _CODE_INDENT)


def _fence_around(parsed: Sequence[_Line]) -> str:
    """The fence whose code the first line is in; "" if it is in none."""
    fences = [
        line for index, line in enumerate(parsed) if _FENCE.match(line.text) and not _is_underline(parsed, index)
    ]
    if not fences or _info(fences[0]) or _faults(fences, "") <= _faults(fences[1:], ""):
        return ""
    return _sign(fences[0])


def _is_underline(parsed: Sequence[_Line], index: int) -> bool:
    """Whether a line with more signs than a fence needs underlines a heading, as in reStructuredText."""
    is_one_line = index < 2 or not parsed[index - 2].text
    return (
        index > 0 and len(parsed[index].text) > 3 and is_one_line and _is_underlined(parsed[index - 1], parsed[index])
    )


def _faults(fences: Sequence[_Line], opened: str) -> tuple[int, bool]:
    """How unlikely it is that these fences begin with `opened`: fences with a language in code, and an open end."""
    inner = 0
    for fence in fences:
        inner += bool(opened and _info(fence))
        opened = _sign(fence) if not opened else "" if _closes(opened, fence) else opened
    return inner, bool(opened)


def _closes(opened: str, line: _Line) -> bool:
    """Whether a line closes a fence: the same sign, as often or more, and nothing after it (CommonMark 0.31, 4.5)."""
    fence = _FENCE.match(line.text)
    return fence is not None and fence["sign"].startswith(opened) and not fence["info"]


def _sign(fence: _Line) -> str:
    return fence.text[: len(fence.text) - len(fence.text.lstrip(fence.text[0]))]


def _info(fence: _Line) -> str:
    return fence.text.lstrip(fence.text[0]).strip()


def _end_of_comment(parsed: Sequence[_Line]) -> int:
    """The number of lines up to the end of a comment of HTML that begins before them; 0 if there is none."""
    for number, line in enumerate(parsed, 1):
        if line.text == _COMMENT_END:
            return number
        if "<!--" in line.text:
            break
    return 0


def _is_underlined(line: _Line, following: _Line | None) -> bool:
    """Whether a line is a heading by the line below it, which is no fence and no rule below a sentence."""
    return (
        following is not None
        and _UNDERLINE.match(following.text) is not None
        and len(following.text) >= len(line.text) - 2
        and not line.text.endswith((".", *LEAD_ENDS))
        and not _RULE.match(line.text)
        and not _CELL_END.search(line.text)
    )
