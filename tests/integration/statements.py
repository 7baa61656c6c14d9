"""SQL in this process, for tests of what a statement selects: a process of its own costs half a second for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from native.duckdb_sql import read_only_select
from native.lance_tables import LanceTable
from native.sql_process import QueryResult, SqlLimits, StoredTable, query_result


def select_here(sql: str, tables: Mapping[str, StoredTable | pa.Table], limits: SqlLimits) -> QueryResult:
    """What `native.sql_process.select` returns, without its limits of memory and its closed doors."""
    opened = {
        name: LanceTable(Path(table.path)).scanner(table.columns, table.where, table.version)
        if isinstance(table, StoredTable)
        else table
        for name, table in tables.items()
    }
    found = read_only_select(sql, opened, limits.rows, limits.seconds, limits.memory_bytes)
    return query_result(*found, limits.rows)
