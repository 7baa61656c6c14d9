"""Read-only SQL over Lance tables: DuckDB reads the scanners, projection and filters go down into Lance."""

from __future__ import annotations

from typing import Any

from native.errors import engine_errors

LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "lock_configuration": "true",
    "memory_limit": "1GB",
    "threads": "2",
}
"""SQL can reach the tables it is given and nothing else: no file, no network, no extension."""


def query(sql: str, tables: dict[str, Any], parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run one statement over named Lance scanners or Arrow tables; rows as tuples.

    Give a scanner with chosen columns: a float16 column anywhere in it makes DuckDB refuse the whole table.

    Raises:
        EngineError: what DuckDB, or the scanner it reads, refuses.
    """
    return named_query(sql, tables, parameters)[1]


def named_query(
    sql: str, tables: dict[str, Any], parameters: list[Any] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """As `query`, with the names of the columns before the rows."""
    import duckdb

    with engine_errors("the query failed"), duckdb.connect(config=LOCKED_DOWN) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        done = connection.execute(sql, parameters or [])
        return [column[0] for column in done.description or []], done.fetchall()
