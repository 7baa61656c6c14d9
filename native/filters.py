"""Filters of a search: a field equals a value, is below a folder (`docs/**`) or between two days (`..`).

`equals`, `is_in` and `matches` are SQL conditions for Lance; `native.tantivy_queries` builds those of the keyword
index.
"""

from collections.abc import Sequence
from datetime import date, timedelta

BELOW = "/**"
MAX_FOLDER_LENGTH = 240
"""Characters. Tantivy's patterns are limited to 1,000 bytes."""
MODIFIED = "modified"
"""The field that is filtered by days."""
BETWEEN = ".."


def folder_prefix(value: str) -> str | None:
    """The prefix `docs/` for the value `docs/**`; None for a value that is compared as it is."""
    return value.removesuffix("**") if value.endswith(BELOW) and len(value) > len(BELOW) else None


def day_range(value: str) -> tuple[date | None, date | None]:
    """First and last day, in UTC, of `2026-01-01..2026-03-31`, `2026-01-01..`, `..2026-03-31` or one day.

    Raises:
        ValueError: the value has none of these forms, or ends before it begins.
    """
    first, between, last = value.partition(BETWEEN)
    bounds = _day(first), _day(last if between else first)
    if bounds == (None, None):
        raise ValueError(f"{value!r} names no day")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise ValueError(f"{value!r} ends before it begins")
    return bounds


def equals(column: str, value: str) -> str:
    """SQL: `column` equals `value`. The value is quoted, so it cannot end the string."""
    return column + " = " + _quote(value)


def is_in(column: str, values: Sequence[str]) -> str:
    """SQL: `column` is one of `values`."""
    return column + " IN (" + ", ".join(_quote(value) for value in values) + ")" if values else "false"


def matches(column: str, value: str) -> str:
    """SQL: `column` matches a filter value: it equals it, is below its folder or between its days.

    Raises:
        ValueError: as for `day_range`.
    """
    if column == MODIFIED:
        return _between(column, *day_range(value))
    prefix = folder_prefix(value)
    return equals(column, value) if prefix is None else "starts_with(" + column + ", " + _quote(prefix) + ")"


def _between(column: str, first: date | None, last: date | None) -> str:
    bounds = []
    if first is not None:
        bounds.append(column + " >= TIMESTAMP " + _quote(f"{first} 00:00:00"))
    if last is not None and last != date.max:
        bounds.append(column + " < TIMESTAMP " + _quote(f"{last + timedelta(days=1)} 00:00:00"))
    return " AND ".join(bounds) or "true"


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
