"""What was asked, answered and measured: tables that are only ever added to, one JSON line a row.

No Lance tables: questions come from many readers at once, at any rate, and each commit would be one more version. A
line is one write at the end of a file, whoever else writes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from omni_pipelines.schemas import Table
from omni_pipelines.settings import Home

MOST_BYTES = 32 << 20
"""A longer file becomes the older half; the older half before it goes."""


def journal_files(home: Home, table: Table) -> list[Path]:
    """The files of a table, older first."""
    return [home.journal / f"{table.name}.1.jsonl", home.journal / f"{table.name}.jsonl"]


def append(home: Home, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows. A lost line, in a power cut, is a question less.

    Raises:
        OSError: the home cannot be written to.
    """
    if not rows:
        return
    older, path = journal_files(home, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MOST_BYTES:
        os.replace(path, older)
    lines = b"".join(orjson.dumps(dict(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, lines)
    finally:
        os.close(handle)


def read(home: Home, table: Table) -> pa.Table:
    """All rows, oldest first. Lines that are torn, or of another shape, are left out."""
    rows = [row for path in journal_files(home, table) for row in _rows(path, table.schema)]
    return pa.Table.from_pylist(rows, schema=table.schema)


def _rows(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            row = _typed(orjson.loads(line), schema)
            pa.RecordBatch.from_pylist([row], schema=schema).validate(full=True)
        except (ValueError, TypeError, KeyError, AttributeError, pa.ArrowException):
            continue
        found.append(row)
    return found


def _typed(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    return {
        column.name: datetime.fromisoformat(row[column.name])
        if pa.types.is_timestamp(column.type)
        else row.get(column.name)
        if column.nullable
        else row[column.name]
        for column in schema
    }
