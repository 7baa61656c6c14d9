"""The rows of a table on a printed page, by the places of their cells."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from statistics import median

from native.pdfium_text import Run

MIN_LINES = 3
_MAX_SHIFT = 24.0
"""Points by which the columns of a table may move from one page to the next."""
_MAX_CELL = 60
"""Characters of most cells: longer ones are a text in columns."""
FIGURE = re.compile(r"[-+−–(]?[$€£¥]?\s?\d[\d.,:/%\s]*\)?[*%]?$|[-–—]$")  # noqa: RUF001
LABEL = re.compile(
    r"[^\w\s]{1,2}$|\(?(?:\d{1,3}(?:\.\d{1,3}){0,3}|[A-Za-z]|[ivxlIVXL]{1,5})[.)\]:]?$|\[[\w+.-]{1,9}\]$"
)

Row = list[Run]
"""Runs on one height, from left to right, with wide gaps between them."""


@dataclass(slots=True)
class TableRows:
    """Rows of cells."""

    rows: list[list[str]]
    lefts: list[float]
    """Where its columns begin."""

    def has_columns_of(self, other: TableRows) -> bool:
        """Whether its columns stand where those of another table do."""
        pairs = zip(self.lefts, other.lefts, strict=False)
        return len(self.lefts) == len(other.lefts) and all(abs(left - right) < _MAX_SHIFT for left, right in pairs)


def table_of(rows: list[Row]) -> TableRows | None:
    """The rows as a table; None if they are a list, whose first column has bullets or numbers, or a text."""
    columns = _columns(rows)
    if len(columns) < 2 or len(rows) < MIN_LINES:
        return None
    cells = [_cells(row, columns) for row in rows]
    if len(columns) == 2 and all(LABEL.match(row[0]) or not row[0] for row in cells):
        return None
    if median(len(cell) for row in cells for cell in row if cell) > _MAX_CELL:
        return None
    return TableRows(_unwrapped(cells), [left for left, _ in columns])


def _unwrapped(rows: list[list[str]]) -> list[list[str]]:
    """The rows, those that only continue cells of the row above joined with it."""
    joined: list[list[str]] = []
    for row in rows:
        above = joined[-1] if joined else []
        filled = [column for column, cell in enumerate(row) if cell]
        if above and above[0] and not row[0] and 2 * len(filled) <= len(row) and _continue(above, row, filled):
            joined[-1] = [f"{first} {second}".strip() for first, second in zip(above, row, strict=True)]
        else:
            joined.append(row)
    return joined


def _continue(above: list[str], row: list[str], filled: list[int]) -> bool:
    return all(above[column] and not FIGURE.match(row[column]) for column in filled)


def _columns(rows: list[Row]) -> list[tuple[float, float]]:
    """The left and right ends of the columns, from the rows with the usual number of cells or more."""
    usual = Counter(len(row) for row in rows if len(row) > 1).most_common(1)[0][0]
    spans = sorted((run.left, run.right) for row in rows if len(row) >= usual for run in row)
    columns = [spans[0]]
    for left, right in spans[1:]:
        if left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def _cells(row: Row, columns: list[tuple[float, float]]) -> list[str]:
    """The cells of a row; a cell of several columns stands in the first of them."""
    cells = [""] * len(columns)
    for run in row:
        reach = [min(run.right, right) - max(run.left, left) for left, right in columns]
        at = next((number for number, each in enumerate(reach) if each > 0), reach.index(max(reach)))
        cells[at] = f"{cells[at]} {run.text}".strip()
    return cells
