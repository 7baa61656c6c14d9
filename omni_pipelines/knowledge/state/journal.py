"""What was asked, answered and measured: tables that are only ever added to, one JSON line a row.

No Lance tables: questions come from many readers at once, at any rate, and each commit would be one more version. A
line is one write at the end of a file, whoever else writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.schemas import Table

MAX_BYTES = 32 << 20
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
    if path.exists() and path.stat().st_size > MAX_BYTES:
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


def lines(home: Home, table: Table) -> Iterator[dict[str, Any]]:
    """All lines that are JSON objects, oldest first, whatever their fields: for whoever looks for words in them."""
    for path in journal_files(home, table):
        for line in _lines(path):
            row = _object(line)
            if row is not None:
                yield row


def drop(
    home: Home,
    table: Table,
    unwanted: Callable[[dict[str, Any]], bool],
    torn: Callable[[str], bool],
    *,
    write: bool,
) -> int:
    """Write the files of a table anew without its unwanted rows; how many they are. `write` false only counts them.

    A row that somebody adds at this very moment may be lost, as in a power cut.

    Args:
        home: where.
        table: which.
        unwanted: whether a row goes.
        torn: whether a line goes that is no row.
        write: whether to do it.
    """
    found = 0
    for path in journal_files(home, table):
        before = _lines(path)
        kept = [line for line in before if not _goes(line, unwanted, torn)]
        found += len(before) - len(kept)
        if write and len(kept) < len(before):
            write_whole(path, b"".join(line + b"\n" for line in kept))
    return found


def _goes(line: bytes, unwanted: Callable[[dict[str, Any]], bool], torn: Callable[[str], bool]) -> bool:
    row = _object(line)
    return torn(line.decode(errors="replace")) if row is None else unwanted(row)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except FileNotFoundError:
        return []


def _rows(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    found = []
    for line in _lines(path):
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
