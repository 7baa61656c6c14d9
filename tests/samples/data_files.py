"""Data sets: Parquet, Arrow and SQLite files."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq


def parquet(columns: Mapping[str, Sequence[object]], metadata: Mapping[str, str] | None = None) -> bytes:
    """A Parquet file with these columns."""
    out = io.BytesIO()
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    pq.write_table(table.replace_schema_metadata(dict(metadata)) if metadata else table, out)
    return out.getvalue()


def arrow(columns: Mapping[str, Sequence[object]]) -> bytes:
    """An Arrow file with these columns."""
    out = io.BytesIO()
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def sqlite(*statements: str, version: int = 1) -> bytes:
    """A database that these statements made. With version 2, it says that it has a log of changes."""
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    content = bytearray(connection.serialize())
    connection.close()
    content[18:20] = bytes([version, version])
    return bytes(content)
