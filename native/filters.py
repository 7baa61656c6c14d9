"""How a search is narrowed: a field has exactly a value, lies below a folder (`/**`), or between two days (`..`)."""

from __future__ import annotations

from datetime import date

BELOW = "/**"
MAX_FOLDER_LENGTH = 240
"""Characters: Tantivy's patterns end at 1,000 bytes."""
MODIFIED = "modified"
"""The field that is narrowed by days."""
BETWEEN = ".."


def folder(value: str) -> str | None:
    """The folder that `docs/**` means, as `docs/`; None for a value that means itself."""
    return value.removesuffix("**") if value.endswith(BELOW) and len(value) > len(BELOW) else None


def days(value: str) -> tuple[date | None, date | None]:
    """First and last day, in UTC, of `2026-01-01..2026-03-31`, `2026-01-01..`, `..2026-03-31` or one day.

    Raises:
        ValueError: it is none of these, or ends before it begins.
    """
    first, between, last = value.partition(BETWEEN)
    bounds = _day(first), _day(last if between else first)
    if bounds == (None, None):
        raise ValueError(f"{value!r} names no day")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise ValueError(f"{value!r} ends before it begins")
    return bounds


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
