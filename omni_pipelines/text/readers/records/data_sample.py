"""Describe a data set: the columns of a table with their types, and its first rows."""

import json
from collections.abc import Iterable, Sequence

from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.sheets.number_formats import general

SAMPLE_ROWS = 100
"""Rows of each table that are read."""
MAX_VALUE_LENGTH = 1_000
MAX_COLUMNS = 1_000


def add_table(
    extraction: Extraction,
    name: str,
    columns: Sequence[tuple[str, str]],
    count: int,
    rows: Iterable[Sequence[object]],
    *,
    declared: str = "",
) -> None:
    """Add a table below a heading with its name: its columns, and the first of its `count` rows.

    The columns are described by how the file declares them, or as (name, type).
    """
    extraction.heading(1, name)
    extraction.block(f"{count} rows, {len(columns)} columns")
    described = [f"{column} ({kind})" if kind else column for column, kind in columns[:MAX_COLUMNS]]
    extraction.block(declared or f"Columns: {', '.join(described)}")
    extraction.row([column for column, _ in columns[:MAX_COLUMNS]], first=True, header=True)
    for row in rows:
        extraction.row([shown_value(value) for value in row[:MAX_COLUMNS]])
    if count > SAMPLE_ROWS:
        extraction.cut(f"of the {count:,} rows of {name}, the first {SAMPLE_ROWS} are read")


def shown_value(value: object) -> str:
    """A value as text: bytes by their number, and the beginning of a long text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False, default=str)
    text = general(value) if isinstance(value, float) and abs(value) < float("inf") else one_line(str(value))
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1]}…"
