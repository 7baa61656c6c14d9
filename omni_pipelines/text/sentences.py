"""Sentences, lines and paragraphs as character ranges. The ranges of a text follow one another without a gap."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"  # or half of a \r\n would pass for a line end, and all of it for a blank line
_PARAGRAPH_END = re.compile(rf"{_NEWLINE}(?:[ \t]*{_NEWLINE})+")
_LINE_END = re.compile(_NEWLINE)
_SENTENCE_END = re.compile(
    rf"""(?<=[.!?])["')\]]*\s+(?=["'(\[]?[^\sa-z])|(?<=[。！？])|{_NEWLINE}(?:[ \t]*{_NEWLINE})+"""  # noqa: RUF001
)
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|Dr|Mr|Ms|Mrs|No|Fig|al)|\b[A-Z])\.$")
_WORD_END = re.compile(r"\s+")

Range = tuple[int, int]


def _cut(text: str, start: int, end: int, ends: re.Pattern[str]) -> Iterator[Range]:
    begin = start
    for match in ends.finditer(text, start, end):
        if match.end() > begin:
            yield begin, match.end()
            begin = match.end()
    if begin < end:
        yield begin, end


def paragraphs(text: str, start: int, end: int) -> Iterator[Range]:
    """Parts between blank lines, each with the blank lines after it."""
    return _cut(text, start, end, _PARAGRAPH_END)


def lines(text: str, start: int, end: int) -> Iterator[Range]:
    """Lines, each with its line end."""
    return _cut(text, start, end, _LINE_END)


def words(text: str, start: int, end: int) -> Iterator[Range]:
    """Words, each with the space after it."""
    return _cut(text, start, end, _WORD_END)


def sentences(text: str, start: int, end: int) -> Iterator[Range]:
    """Sentences, each with the space after it. "e.g." and initials do not end one."""
    begin = start
    for found_start, found_end in _cut(text, start, end, _SENTENCE_END):
        if found_end < end and _ABBREVIATION.search(text[found_start:found_end].rstrip()):
            continue
        yield begin, found_end
        begin = found_end
    if begin < end:
        yield begin, end


def trimmed(text: str, start: int, end: int) -> Range:
    """A range without blank characters at its ends; empty if it has nothing else."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return (end, end) if left == len(piece) else (start + left, end - (len(piece) - len(piece.rstrip())))
