"""Split text into paragraphs, lines, rows, sentences and words: character ranges without gaps between them."""

import re
from collections.abc import Callable, Iterator

_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"
r"""A \r before \n is no line end of its own: a \r\n would count as a blank line."""
_PARAGRAPH_END = re.compile(rf"{_NEWLINE}(?:[ \t]*{_NEWLINE})+")
_LINE_END = re.compile(_NEWLINE)
_SENTENCE_END = re.compile(
    rf"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[^\sa-z])|(?<=[。\uff01\uff1f])|{_NEWLINE}(?:[ \t]*{_NEWLINE})+"
)
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|Dr|Mr|Ms|Mrs|No|Fig|al)|\b[A-Z])\.$")
_WORD_END = re.compile(r"\s+")

Range = tuple[int, int]
"""Start and end, in characters."""
Splitter = Callable[[str, int, int], Iterator[Range]]
"""Splits a range of a text into parts without gaps."""


def _split(text: str, start: int, end: int, ends: re.Pattern[str]) -> Iterator[Range]:
    begin = start
    for match in ends.finditer(text, start, end):
        if match.end() > begin:
            yield begin, match.end()
            begin = match.end()
    if begin < end:
        yield begin, end


def paragraphs(text: str, start: int, end: int) -> Iterator[Range]:
    """Paragraphs, each with the blank lines after it."""
    return _split(text, start, end, _PARAGRAPH_END)


def lines(text: str, start: int, end: int) -> Iterator[Range]:
    """Lines, each with its line end."""
    return _split(text, start, end, _LINE_END)


def words(text: str, start: int, end: int) -> Iterator[Range]:
    """Words, each with the space after it."""
    return _split(text, start, end, _WORD_END)


def sentences(text: str, start: int, end: int) -> Iterator[Range]:
    """Sentences, each with the space after it. Abbreviations such as "e.g." and initials do not end a sentence."""
    begin = start
    for part_start, part_end in _split(text, start, end, _SENTENCE_END):
        if part_end < end and _ABBREVIATION.search(text[part_start:part_end].rstrip()):
            continue
        yield begin, part_end
        begin = part_end
    if begin < end:
        yield begin, end


def rows(text: str, start: int, end: int) -> Iterator[Range]:
    """Rows of CSV: lines, joined where a quoted cell contains line ends."""
    begin, quotes = start, 0
    for line_start, line_end in lines(text, start, end):
        quotes += text.count('"', line_start, line_end)
        if quotes % 2 == 0:
            yield begin, line_end
            begin = line_end
    if begin < end:
        yield begin, end


def trimmed(text: str, start: int, end: int) -> Range:
    """The range without leading and trailing whitespace; empty if nothing else is in it."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return (end, end) if left == len(piece) else (start + left, end - (len(piece) - len(piece.rstrip())))
