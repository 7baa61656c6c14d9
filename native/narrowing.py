"""How a search is narrowed: a field has exactly a value, or lies below a folder that a value names with `/**`."""

from __future__ import annotations

BELOW = "/**"
LONGEST_FOLDER = 240
"""Characters: Tantivy's patterns end at 1,000 bytes."""


def folder(value: str) -> str | None:
    """The folder that `docs/**` means, as `docs/`; None for a value that means itself."""
    return value.removesuffix("**") if value.endswith(BELOW) and len(value) > len(BELOW) else None
