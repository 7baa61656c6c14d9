"""Split source code into blocks: what people wrote for people, in comments and docstrings, and signatures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from omni_pipelines.text.blocks import Block, BlockKind, blocks
from omni_pipelines.text.doc_comments import without_markup
from omni_pipelines.text.sentences import lines

COMMENT_SIGN = r"(?:#+:?|//+!?|--+|;+|/?\*+/?)"
"""What a line of a comment begins with, as a pattern."""
_COMMENT = re.compile(rf"{COMMENT_SIGN}(?:[ \t]+|$)")
_BLOCK_COMMENTS = {"/*": "*/", "<!--": "-->", "{-": "-}", "<#": "#>", "--[[": "]]", "=begin": "=end", "{#": "#}"}
"""What a line begins with that opens a comment, and what a line ends with that closes it."""
COMMENT_END = "|".join(map(re.escape, _BLOCK_COMMENTS.values()))
"""What closes a comment, as a pattern."""
_OPENING_SIGN = re.compile("|".join(map(re.escape, sorted(_BLOCK_COMMENTS, key=len, reverse=True))))
_COMMENT_SIGNS = {*_BLOCK_COMMENTS, *_BLOCK_COMMENTS.values()}
_CLOSING_SIGNS = {"*/", "-->", "-}", "#>", "=end", "#}"}
"""A line of which only one of these is left tells that the text above it is a comment."""
_ITEM = re.compile(
    r"(?:[-*+•|]|\d{1,3}[.)]|\(?[a-z]\)|@\w+)[ \t]+\S|:?[\w*.]+(?:[ \t]*\([^)\n]*\))?:(?:[ \t]|$)"
    r"|--?\w[\w-]*(?:[ =][A-Z<\[][\w<>\[\]-]*|,[ ]--?\w[\w-]*)*(?:[ \t]{2,}\S|$)"
)
"""What starts a new block: a list item, a row of a table, `name (type): text`, or `-o, --option VALUE  text`."""
_RULE = re.compile(r"[\W_]+$")
_DECLARATION = re.compile(
    r"(?:(?:export|default|public|private|protected|static|final|abstract|override|async|pub(?:\([^)]*\))?|unsafe"
    r"|extern|inline|virtual|const|local|cdef|cpdef)\s+)*"
    r"(?:(?:def|class|func|fn|function|fun|struct|enum|interface|trait|type|impl|sub|module|macro_rules!|protocol"
    r"|record|object)\s+[\w.(*&<]|const\s+\w+\s*=\s*(?:async\s*)?\(|#define\s+\w+|(?i:create)\s+\w+\s+\w+)"
)
_C_FUNCTION = re.compile(
    r"(?!(?:if|for|while|switch|return|else|do|catch)\b)[\w:<>,*&\[\] \t]+[ \t*&][\w:~]+\([^;]*$"
)
_C_PROTOTYPE = re.compile(
    r"(?!(?i:return|else|throw|delete|new|await|yield|goto|case|typedef|using|defer|go|raise|assert|print|echo|use|import"
    r"|insert|select|values|call|exec|execute|grant|drop|alter|update)\b)"
    r"[A-Za-z_][\w:<>,*& \t]*[ \t*&][\w:~]+\([^;{}]*(?:\)[\w \t]*;)?$"
)
"""The first line of a function of C that ends with a semicolon, or whose body begins on a line of its own."""
_METHOD = re.compile(
    r"(?!(?:if|for|foreach|while|with|switch|catch|using|lock|synchronized|match|when|unless)\b)"
    r"[\w#$]+[ \t]*\([^;]*\)(?:[ \t]*:[^;{]+)?[ \t]*\{$"
)
"""A method of JavaScript or TypeScript, which no word introduces."""
_CONSTANT = re.compile(
    r"(?:_?[A-Z]\w*|\w+[ \t]*:[ \t]*[\w.\[\], |\"']+)[ \t]*=(?!=)[ \t]*\S"
    r"|(?:(?:export|public|private|protected|internal|static|final|readonly|pub(?:\([^)]*\))?"
    r"|constexpr|const|let|var|val)[ \t]+)+(?:[\w.<>\[\]]+[ \t]+)?_?[A-Z]\w*[ \t]*(?::[^=]+)?"
    r"=(?![=>])[ \t]*(?!(?:await[ \t]+)?(?:require|import)\b)\S"
)
"""A constant, an alias, or a field with its type and default value; what is imported under a name is none."""
_ATTRIBUTE = re.compile(r"(?:self\.|cls\.)?[A-Za-z_]\w*[ \t]*(?::[^=\"']+)?(?:=(?!=)(?!.*(?:\"{3}|'{3})).*)?")
"""An attribute of a class or a constant of Python, which a docstring below it may describe."""
DOCSTRING_QUOTES = re.compile(r'"""|\'\'\'')
_OPENING = re.compile(r'\s*[rbufRBUF]{0,2}(?:"""|\'\'\')')
_STATEMENT = re.compile(
    r"@\w"
    r"|(?:from\s+\S+\s+)?import\s"
    r"|(?:async\s+)?(?:def|class|func|fn|struct|enum|impl|interface|package|using|namespace)\s+\w+.*[:({;]?$"
    r"|(?:if|elif|else|for|while|with|try|except|finally|switch|case)\b.*[:{]$"
    r"|(?:return|raise|yield|assert|del|await|throw|const|let|var|pub|static|pass|break|continue)\b"
    r"|[\w.\[\]'\"]+(?:,\s*[\w.]+)*(?::\s*[\w\[\]., |]+)?\s*(?:[-+*/|&^%]|//|\*\*|:)?=(?!=)"
    r"|[\w.]+\(.*\)?[,;:]?$"
    r"|.*[{};(,]$"
    r"|[)\]}]+[,;:]?$"
)
_MAX_SIGNATURE_LINES = 20
_MAX_METHOD_LENGTH = 300
_MAX_CODE_LENGTH = 600
"""Characters of statements without a blank line between them that make a block."""


def code_blocks(text: str) -> list[Block]:
    """The comments and docstrings of source code as blocks, its signatures, constants, fields and short statements.

    The text may start or end anywhere, also inside a docstring.
    """
    scanner = _Scanner(text)
    return sorted(scanner.scan(), key=lambda block: block.start)


def comment_blocks(text: str, start: int, end: int) -> list[Block]:
    """The paragraphs of a comment, which takes up whole lines."""
    return [*_comments([_line(text, *span, in_comment=True) for span in lines(text, start, end)])]


def plain_quote(quote: str) -> str:
    """A quoted sentence on one line, without the comment signs of its further lines and the markup of comments."""
    first, *rest = quote.splitlines() or [""]
    return " ".join(" ".join(map(without_markup, [first, *map(_without_sign, rest)])).split())


def plain_lines(lines: Sequence[str]) -> list[str]:
    """The lines of a comment without the signs of the further ones and without markup.

    Other lines stay as they are, but without the quotes of docstrings.
    """
    first, *further = lines = _without_docstring_quotes(lines) or [""]
    if not further or not all(_COMMENT.match(bare) for line in further if (bare := line.lstrip())):
        return lines
    signed = [first.lstrip(), *map(_without_sign, further)]
    shown = [(line, without_markup(line)) for line in signed]
    return [plain for line, plain in shown if plain or not line]


def _without_docstring_quotes(lines: Sequence[str]) -> list[str]:
    """Lines of code without the quotes of the docstrings in them, and without the lines that have nothing else."""
    shown: list[str] = []
    closing = ""
    for line in lines:
        opening = None if closing else _OPENING.match(line)
        if opening is not None:
            closing = opening[0][-3:]
            line = f"{line[: len(line) - len(line.lstrip())]}{line[opening.end() :].lstrip()}"
        inner, ends, _ = line.partition(closing) if closing else (line, "", "")
        closing = "" if ends else closing
        if inner.strip() or not (opening or ends):
            shown.append(inner.rstrip())
    return shown


def _without_sign(line: str) -> str:
    return _COMMENT.sub("", line.lstrip(), count=1)


class _Content(Enum):
    BLANK = auto()
    COMMENT = auto()
    DOCSTRING = auto()
    STATEMENT = auto()


@dataclass(frozen=True)
class _Line:
    """A line of code; `text` is without its comment sign, and `depth` the columns before that."""

    start: int
    end: int
    content: _Content
    text: str
    depth: int


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        quotes = _TripleQuotes(text)
        spans = [*lines(text, 0, len(text))]
        in_comment = _in_comments([text[start:stop].strip() for start, stop in spans])
        self._lines = [
            _line(text, start, stop, in_quotes=quotes.is_inside(text[start:stop]), in_comment=commented)
            for (start, stop), commented in zip(spans, in_comment, strict=True)
        ]
        self._join_values()

    def _join_values(self) -> None:
        """Take the comments and blank lines inside the value of a constant for a part of it."""
        index = 0
        while index < len(self._lines):
            line, count = self._lines[index], 1
            if line.content is _Content.STATEMENT and _CONSTANT.match(line.text) is not None:
                count = _declaration_length(self._lines, index)
                for at in range(index + 1, index + count):
                    self._lines[at] = replace(self._lines[at], content=_Content.STATEMENT)
            index += count

    def scan(self) -> Iterator[Block]:
        index = 0
        while index < len(self._lines):
            content = self._lines[index].content
            stop = index + 1
            while stop < len(self._lines) and self._lines[stop].content is content:
                stop += 1
            run = self._lines[index:stop]
            if content is _Content.DOCSTRING:
                yield from blocks(self._text, run[0].start, run[-1].end, is_indented=True)
            elif content is _Content.COMMENT:
                yield from _comments(run)
            elif content is _Content.STATEMENT:
                below = self._lines[stop].content if stop < len(self._lines) else None
                yield from _statements(run, is_described=below is _Content.DOCSTRING)
            index = stop


def _in_comments(bodies: Sequence[str]) -> list[bool]:
    """For each line, stripped, whether it is in a comment of several lines. The text may start in one."""
    found = [False] * len(bodies)
    closing, first = "", 0
    for index, body in enumerate(bodies):
        if closing:
            if body.endswith(closing):
                found[first : index + 1] = [True] * (index + 1 - first)
                closing = ""
        elif (sign := _OPENING_SIGN.match(body)) is not None:
            end = _BLOCK_COMMENTS[sign[0]]
            closing, first = ("" if end in body[sign.end() :] else end), index
            found[index] = body.endswith(end)
        elif index and body in _CLOSING_SIGNS and not any(found):
            found[: index + 1] = [True] * (index + 1)
    if closing:  # the text ends in the comment
        found[first:] = [True] * (len(bodies) - first)
    return found


def _line(text: str, start: int, stop: int, *, in_quotes: bool = False, in_comment: bool = False) -> _Line:
    body = text[start:stop].rstrip()
    bare = body.lstrip()
    sign = _COMMENT.match(bare)
    if in_quotes:
        content = _Content.DOCSTRING
    elif not bare:
        content = _Content.BLANK
    else:
        content = _Content.COMMENT if sign or in_comment else _Content.STATEMENT
    inner = bare[sign.end() :].lstrip() if sign and not in_quotes else bare
    if in_comment and inner in _COMMENT_SIGNS:
        inner = ""
    return _Line(start + len(body) - len(bare), start + len(body), content, inner, len(body) - len(inner))


def _comments(run: list[_Line]) -> Iterator[Block]:
    """The paragraphs of a comment: none continues past an empty line, a list item or a change of indentation."""
    begin: _Line | None = None
    previous = run[0]
    for line in run:
        is_rule = not line.text or _RULE.fullmatch(line.text) is not None
        starts = line.depth < previous.depth or previous.text.endswith(":") or _ITEM.match(line.text) is not None
        if begin is not None and (is_rule or starts):
            yield _comment(begin, previous)
            begin = None
        if not is_rule:
            begin = begin or line
            previous = line
    if begin is not None:
        yield _comment(begin, previous)


def _comment(first: _Line, last: _Line) -> Block:
    return Block(BlockKind.PARAGRAPH, first.start, last.end, first.depth, is_comment=True)


def _statements(run: list[_Line], *, is_described: bool) -> Iterator[Block]:
    """Each signature, constant and field, and the statements between them.

    With `is_described`, a docstring is below them: that of an attribute, if they end with one.
    """
    index, begin = 0, 0
    while index < len(run):
        line = run[index]
        is_attribute = is_described and index + 1 == len(run) and _ATTRIBUTE.fullmatch(line.text) is not None
        is_constant = is_attribute or _CONSTANT.match(line.text) is not None
        if not (is_constant or is_declaration(line.text) or _declares_in_c(run, index)):
            index += 1
            continue
        yield from _code(run[begin:index])
        count = _declaration_length(run, index)
        yield Block(BlockKind.SIGNATURE, line.start, run[index + count - 1].end, line.depth)
        index = begin = index + count
    yield from _code(run[begin:])


def _code(run: list[_Line]) -> Iterator[Block]:
    if run and run[-1].end - run[0].start <= _MAX_CODE_LENGTH:
        yield Block(BlockKind.CODE, run[0].start, run[-1].end, run[0].depth)


def is_declaration(text: str) -> bool:
    """Whether code declares a class, a function or the like, as far as one line can tell; a constant is none."""
    if _DECLARATION.match(text) is not None:
        return True
    if not text.endswith("{"):
        return False
    is_balanced = len(text) <= _MAX_METHOD_LENGTH and text.count("(") == text.count(")")
    return (is_balanced and _METHOD.match(text) is not None) or _C_FUNCTION.match(text) is not None


def _declares_in_c(run: Sequence[_Line], index: int) -> bool:
    """Whether a function is declared that ends with a semicolon, or whose body begins on a line of its own."""
    if _C_PROTOTYPE.match(run[index].text) is None:
        return False
    end = index + _declaration_length(run, index)
    below = run[end].text if end < len(run) else ""
    return run[end - 1].text.endswith(";") or below == "{"


def _declaration_length(run: Sequence[_Line], index: int) -> int:
    """The number of lines up to the one that closes the brackets of a declaration, but without its body."""
    depth, is_constant = 0, not is_declaration(run[index].text)
    for number, line in enumerate(run[index : index + _MAX_SIGNATURE_LINES], 1):
        depth += sum(map(line.text.count, "([{")) - sum(map(line.text.count, ")]}"))
        is_body = line.text.endswith("{") and (number > 1 or depth == 1) and not is_constant
        if depth <= 0 or is_body:
            return number
    return 1


class _TripleQuotes:
    """Tracks Python's triple quotes line by line. The text may start inside them."""

    def __init__(self, text: str) -> None:
        bodies = [body for line in text.splitlines() if (body := line.strip())]
        self._open = _starts_inside(bodies)

    def is_inside(self, line: str) -> bool:
        """Whether the line holds text of a docstring."""
        was_open, quotes = self._open, len(DOCSTRING_QUOTES.findall(line))
        self._open ^= quotes % 2 == 1
        return was_open or (quotes > 0 and _OPENING.match(line) is not None)


def _starts_inside(bodies: list[str]) -> bool:
    """Whether a text starts inside a docstring: its first quotes close one, or it has none and is not code."""
    for number, body in enumerate(bodies):
        if len(DOCSTRING_QUOTES.findall(body)) % 2:
            is_bare = len(body.lstrip("rbufRBUF")) == 3
            after_statement = number == 0 or bodies[number - 1].endswith((":", "="))
            return not (after_statement if is_bare else _OPENING.match(body))
    statements = sum(_STATEMENT.match(body) is not None or _COMMENT.match(body) is not None for body in bodies)
    return not any(map(DOCSTRING_QUOTES.search, bodies)) and 4 * statements < len(bodies)
