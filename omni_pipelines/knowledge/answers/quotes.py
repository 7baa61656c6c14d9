"""Quotes: find them in a text word for word, show them on one line, and cite them."""

import re
from collections.abc import Sequence

from omni_pipelines.knowledge.answers.cited_answer import Citation
from omni_pipelines.knowledge.search.hits import Hit, cite_part
from omni_pipelines.text.code_blocks import plain_lines, plain_quote
from omni_pipelines.text.sentences import Range
from omni_pipelines.text.statements import NUMBER_WORDS

_OPENING_MARKS = re.compile(
    r"""(?:\s|[*#=~;-]+:?(?=\s)|/{2,}!?|/\*+!?|<!--|\{[-#](?=\s)|<#(?=\s)|>(?!=)|\||[rRuU]?(?:"{3}|'{3}))*"""
)
"""Signs of comments, docstrings and quotations; not `--flag`, `/etc`, `**bold**` or `"term"`."""
_RULE = "*#=~|/>-"
_CLOSING_MARKS = ("*/", '"""', "'''", "-->", "-}", "#>", "#}")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_LETTERS = re.compile(r"[^\W\d_]+")
_OF_THE_HIT = {"uri", "path", "chunk_id", "encoding", "verbatim", "page", "confidence", "source_seen", "stale"}
"""Fields of a citation that are those of its hit."""


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """The start and end of a quote in a text, word for word with any whitespace between words; None if absent."""
    words = quote.split()
    if not words:
        return None
    spaced = r"\s+".join(map(re.escape, words))
    # only whole words: "use it" is not a quote of "reuse it"
    match = re.search(rf"(?:(?<!\w)|(?!\w)){spaced}(?:(?!\w)|(?<!\w))", text)
    return match.span() if match else None


def figures_are_quoted(text: str, quote: str) -> bool:
    """Whether the quote contains every figure of the text, as digits or as a word."""
    words = (NUMBER_WORDS.get(word) for word in _LETTERS.findall(quote.lower()))
    return set(_FIGURE.findall(text)) <= {*_FIGURE.findall(quote), *words}


def shown_quotes(quotes: Sequence[str], kind: str, *, keep_lines: bool = False) -> str:
    """Quotes of a document of this kind as an answer shows them, each on a line of its own.

    A quote is put on one line, in code without comment signs. With `keep_lines` it keeps its lines, as lists, tables
    and code need, and a comment of code not its signs.
    """
    shown = _with_lines if keep_lines else _on_one_line
    return "\n".join(shown(quote, kind) for quote in quotes)


def _on_one_line(quote: str, kind: str) -> str:
    return plain_quote(quote) if kind == "code" else " ".join(quote.split())


def _with_lines(quote: str, kind: str) -> str:
    lines = [line.rstrip() for line in quote.splitlines() or [""]]
    return "\n".join(plain_lines(lines) if kind == "code" else lines)


def laid_out(text: str, start: int, end: int) -> str:
    """A quote with its lines as they stand to each other, without the blanks that all of them start with."""
    before = text[max(text.rfind(sign, 0, start) for sign in "\n\r") + 1 : start]
    first, *rest = text[start:end].splitlines() or [""]
    indent = min([len(before), *(len(line) - len(line.lstrip()) for line in rest if line.strip())])
    first = f"{before[indent:]}{first}" if before.isspace() else first
    return "\n".join([first, *(line[indent:] for line in rest)])


def byte_range(hit: Hit, start: int, end: int) -> tuple[int, int]:
    """Where the characters from `start` to `end` of a hit's text are, in the bytes that its `start_byte` counts."""
    encoding = hit.encoding if hit.verbatim else "utf-8"
    start_byte = hit.start_byte + len(hit.text[:start].encode(encoding))
    return start_byte, start_byte + len(hit.text[start:end].encode(encoding))


def cite(hit: Hit, start: int, end: int) -> Citation:
    """The citation of the characters from `start` to `end` of a hit's text."""
    start_byte, end_byte = byte_range(hit, start, end)
    lines = hit.lines
    return Citation(
        citation=cite_part(hit, start, end),
        **hit.model_dump(include=_OF_THE_HIT),
        start_byte=start_byte,
        end_byte=end_byte,
        start_line=lines.place(start).line,
        end_line=lines.place(max(start, end - 1)).line,
        quote=hit.text[start:end],
    )


def without_marks(text: str, start: int, end: int) -> Range:
    """The range without the marks around it: comment signs and the quotes of docstrings."""
    opening = _OPENING_MARKS.match(text, start, end)
    start = opening.end() if opening is not None else start
    bare = _without_closing_marks(text[start:end])
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" and bare.count(bare[0]) == 2:
        return start + 1, start + len(bare) - 1
    return start, start + len(bare)


def _without_closing_marks(text: str) -> str:
    """The text without the signs at its end that close a comment or a docstring, or draw a line."""
    while True:
        text = text.rstrip()
        bare = text.rstrip(_RULE)
        mark = next((mark for mark in _CLOSING_MARKS if text.endswith(mark)), "")
        if mark:
            text = text.removesuffix(mark)
        elif bare != text and not bare[-1:].strip():
            text = bare
        else:
            return text
