"""Find the header row of a table by its cells: the row with the names of the columns.

Titles and notes may stand above it, its first cell may be empty, years may be names, and names may occur twice. A
table whose first full row looks like the rows below it has no header.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

CELL_SEPARATOR = " | "
MAX_HEADER_LENGTH = 800
"""Characters of column names that are repeated with each chunk."""
MAX_ROWS_CHECKED = 40
"""Rows at the beginning of a table that show what its columns contain."""
_MAX_ROWS_ABOVE = 12
"""Rows with titles and notes that may stand above the header."""
_FULL_SHARE = 0.7
"""A row with a smaller share of the usual number of cells is a title or a note."""
_MAX_NAME_LENGTH = 160
_SIGN = r"[-+−–±~≈<>≤≥(]*\s*"  # noqa: RUF001
_MONEY = r"(?:[$€£¥₽₹₩]|[A-Z]{3}(?=\s?\d))?\s*"
_UNIT = r"\s*(?:%|‰|°[CF]?|[$€£¥₽₹₩]|[A-Z]{3}|[a-zµ]{1,3})?\)?"
_VALUE = re.compile(
    rf"{_SIGN}{_MONEY}\d[\d.,'’ \u00a0\u202f]*(?:[eE][-+]?\d+)?{_UNIT}$"  # noqa: RUF001
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}\S*)?$"
    r"|\d+:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp][Mm])?$"
    r"|(?:true|false|yes|no|ja|nein|oui|non|n/?a|null|none|nan|#n/a|-+|—|–|\?)$",  # noqa: RUF001
    re.IGNORECASE,
)
PERIOD = re.compile(r"(?:FY|Q[1-4][ /-]?)?(?:1[89]|20|21)\d\d(?:[/-]\d{2,4})?$")
"""A year or quarter as the name of a column."""

Cells = Sequence[str]


@dataclass(frozen=True)
class TableHeader:
    """The header of a table."""

    first: int
    """Its first row, from 0."""
    last: int
    """Its last row: a header may have two, with the names of groups of columns in the first."""
    names: str
    """The names of the columns."""
    is_sure: bool
    """Whether the columns contain something else than names, such as numbers."""


def is_value(cell: str) -> bool:
    """Whether a cell contains a number, date, time or truth value: not the name of a column."""
    return _VALUE.match(cell.strip()) is not None


def header_of(rows: Sequence[Cells]) -> TableHeader | None:
    """The header of a table with these rows, or the first of them; None if it has none."""
    shown = [[cell.strip() for cell in row] for row in rows[:MAX_ROWS_CHECKED]]
    usual = median(sum(map(bool, row)) for row in shown) if len(shown) > 1 else 0
    if usual < 2:  # a list, not a table
        return None
    for index, row in enumerate(shown[: min(_MAX_ROWS_ABOVE, len(shown) - 1)]):
        if _is_note(row, usual):
            continue
        return _header_at(shown, index) if _are_names(row, shown[index + 1 :]) else None
    return None


def joined_names(names: Iterable[str]) -> str:
    """The names of columns as one text; long ones are shortened where all together are too long."""
    kept = [" ".join(name.split()) for name in names]
    kept = [name for name in kept if name]
    text = CELL_SEPARATOR.join(kept)
    if len(text) <= MAX_HEADER_LENGTH:
        return text
    each = max(MAX_HEADER_LENGTH // len(kept) - len(CELL_SEPARATOR), 4)
    shortened = (name if len(name) <= each else f"{name[: each - 1].rstrip()}…" for name in kept)
    return CELL_SEPARATOR.join(shortened)[:MAX_HEADER_LENGTH]


def header_names(rows: Sequence[Cells]) -> str:
    """The names of the columns below a header of one or more rows: "Sales 2023" below "Sales" and "2023"."""
    width = max(map(len, rows), default=0)
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    for row in full[:-1]:  # the name of a group stands above its first column
        for column in range(1, width):
            if not row[column] and row[column - 1] and any(row[column:]):
                row[column] = row[column - 1]
        if width > 1 and not row[-1]:
            filled = next((cell for cell in reversed(row) if cell), "")
            row[:] = [cell or (filled if at and not any(row[at:]) else "") for at, cell in enumerate(row)]
    return joined_names(" ".join(dict.fromkeys(filter(None, column))) for column in zip(*full, strict=True))


def _is_note(row: Cells, usual: float) -> bool:
    filled = sum(map(bool, row))
    is_nameless_first = filled > 1 and not row[0]
    return filled < 2 or filled + is_nameless_first < _FULL_SHARE * usual


def _are_names(row: Cells, below: Sequence[Cells]) -> bool:
    """Whether a row has names. Years are names unless the same column has years below as well."""
    if any(len(cell) > _MAX_NAME_LENGTH for cell in row):
        return False
    numbered = [column for column, cell in enumerate(row) if cell and is_value(cell)]
    if len(numbered) == sum(map(bool, row)) < len(row) - 1:  # figures alone
        return False
    if all(PERIOD.match(row[column]) and not _has_periods(below, column) for column in numbered):
        return True
    return len(numbered) > 1 and _counts(row, numbered) and not all(_counts(other, numbered) for other in below)


def _counts(row: Cells, columns: Sequence[int]) -> bool:
    """Whether these cells are numbers that each follow the one before, such as the days of a month."""
    cells = [row[column] if column < len(row) else "" for column in columns]
    return all(cell.isdecimal() for cell in cells) and all(
        int(second) == int(first) + 1 for first, second in pairwise(cells)
    )


def _has_periods(rows: Sequence[Cells], column: int) -> bool:
    values = [row[column] for row in rows if column < len(row) and row[column]]
    return all(PERIOD.match(value) for value in values)


def _header_at(shown: Sequence[list[str]], index: int) -> TableHeader:
    """The header whose first full row is at `index`, with a row of groups above or a row of parts below it."""
    first = last = index
    if index and _is_group(shown[index - 1]) and not any(map(is_value, filter(None, shown[index - 1]))):
        first -= 1
    elif _is_group(shown[index]) and index + 2 < len(shown) and _are_names(shown[index + 1], shown[index + 2 :]):
        last += _has_contrast(shown[index + 1], shown[index + 2 :])
    is_sure = _has_contrast(shown[last], shown[last + 1 :])
    return TableHeader(first, last, header_names(shown[first : last + 1]), is_sure)


def _is_group(row: Cells) -> bool:
    """Whether the names of a row belong to several columns each: they repeat, or have empty cells beside them."""
    names = [cell for cell in row if cell]
    repeats = any(cell and cell == other for cell, other in pairwise(row))
    return len(set(names)) > 1 and (repeats or not all(row[1:]))


def _has_contrast(names: Cells, below: Sequence[Cells]) -> bool:
    """Whether a column under a name, or under a year, contains mostly values of another form."""
    for column, name in enumerate(names):
        values = [row[column] for row in below if column < len(row) and row[column]]
        if (
            name
            and 2 * sum(map(is_value, values)) > len(values)
            and not (is_value(name) and _has_periods(below, column))
        ):
            return True
    return False
