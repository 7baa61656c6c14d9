"""Tables that stand in a text: Markdown's, those that were taken out of a page or a sheet, and CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from omni_pipelines.text.sentences import Range, lines

MAX_HEADER = 200
"""Characters of a header row that are repeated."""
_CELL_END = re.compile(r"[ \t]\|[ \t]|^[ \t]*\||\|[ \t]*$")
_ROWS_SEEN = 3
_MAX_SEEN = 4_096
"""Characters of a block that are looked at: its first line may be as long as the whole file."""


def is_table(text: str, start: int, end: int) -> bool:
    """Whether each of the first three lines has cells; with a single line, nothing is a table."""
    seen = islice(lines(text, start, min(end, start + _MAX_SEEN)), _ROWS_SEEN)
    first = [text[at:to].rstrip("\r\n") for at, to in seen]
    return len(first) > 1 and all(_CELL_END.search(line) for line in first)


def row_header(text: str, start: int, end: int) -> str:
    """The names of the columns of a table that begins at `start` and has rows up to `end`; "" if it is none."""
    if not is_table(text, start, end):
        return ""
    at, to = next(lines(text, start, min(end, start + _MAX_SEEN)))
    return " | ".join(filter(None, (cell.strip() for cell in text[at:to].split("|"))))[:MAX_HEADER]


def rows(text: str, start: int, end: int) -> Iterator[Range]:
    """Rows of CSV: lines, joined where a quoted cell goes over several."""
    begin, quotes = start, 0
    for at, to in lines(text, start, end):
        quotes += text.count('"', at, to)
        if quotes % 2 == 0:
            yield begin, to
            begin = to
    if begin < end:
        yield begin, end
