"""Recognize tables inside a text: Markdown tables, tables extracted from pages and sheets, and CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from omni_pipelines.text.sentences import Range, lines

MAX_HEADER_LENGTH = 200
"""Characters of a header row that are repeated with each chunk."""
_CELL_END = re.compile(r"[ \t]\|[ \t]|^[ \t]*\||\|[ \t]*$")
_MAX_ROWS_CHECKED = 3
_MAX_CHARACTERS_CHECKED = 4_096
"""The first line may be as long as the whole file."""


def is_table(text: str, start: int, end: int) -> bool:
    """Whether each of the first three lines has cells. A single line is not a table."""
    checked = islice(lines(text, start, min(end, start + _MAX_CHARACTERS_CHECKED)), _MAX_ROWS_CHECKED)
    first_lines = [text[begin:stop].rstrip("\r\n") for begin, stop in checked]
    return len(first_lines) > 1 and all(_CELL_END.search(line) for line in first_lines)


def row_header(text: str, start: int, end: int) -> str:
    """The column names of the table between `start` and `end`; "" if there is no table."""
    if not is_table(text, start, end):
        return ""
    begin, stop = next(lines(text, start, min(end, start + _MAX_CHARACTERS_CHECKED)))
    cells = (cell.strip() for cell in text[begin:stop].split("|"))
    return " | ".join(filter(None, cells))[:MAX_HEADER_LENGTH]


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
