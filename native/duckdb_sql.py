"""Read-only SQL over Lance tables: DuckDB runs the statement and reads the columns it needs from Lance scanners."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from native.errors import StatementRefused
from native.foreign_errors import engine_errors

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

LOCKED_DOWN: Mapping[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "lock_configuration": True,
    "memory_limit": "1GB",
    "threads": 2,
}
"""A statement can read the tables that it is given and nothing else: no file, no network, no extension."""
_ALLOWED = ("SELECT", "EXPLAIN")

SqlRow = tuple[Any, ...]
"""One row of a result: a value for each column, of the Python type that DuckDB chooses."""


@dataclass(frozen=True)
class QueryResult:
    """The result of a statement."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's names of the column types."""
    rows: list[SqlRow]
    more: bool
    """Whether there are more rows than were fetched."""


def query(sql: str, tables: Mapping[str, object], parameters: Sequence[object] = ()) -> list[SqlRow]:
    """Run one statement of our own over named Lance scanners or Arrow tables.

    Give a scanner with chosen columns: DuckDB refuses a table with a float16 column, even if the statement ignores
    it.

    Raises:
        EngineError: DuckDB, or the scanner it reads, reports an error.
    """
    with _connection(tables) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def select(sql: str, tables: Mapping[str, object], *, max_rows: int, seconds: float) -> QueryResult:
    """Run one statement of a user, which may only read.

    Args:
        sql: one SELECT (or WITH, SHOW, DESCRIBE, VALUES, EXPLAIN) statement.
        tables: name to Lance scanner or Arrow table.
        max_rows: how many rows are fetched.
        seconds: the statement is stopped after this time.

    Raises:
        StatementRefused: it is invalid, is not read-only, or takes too much time or memory.
    """
    import duckdb

    with _connection(tables) as connection:
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            connection.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            cursor = connection.execute(_read_only(connection, sql))
            description = cursor.description or []
            rows = cursor.fetchmany(max_rows + 1)
        except duckdb.Error as error:
            if timed_out.is_set():
                raise StatementRefused(f"it took more than {seconds:g} s and was stopped") from error
            raise StatementRefused(_message(error)) from error
        finally:
            timer.cancel()
    names, types = tuple(str(column[0]) for column in description), tuple(str(column[1]) for column in description)
    return QueryResult(names, types, rows[:max_rows], more=len(rows) > max_rows)


def _read_only(connection: DuckDBPyConnection, sql: str) -> Statement:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise StatementRefused(f"there are {len(statements)} statements instead of one")
    kind = str(statements[0].type).rpartition(".")[2]
    if kind not in _ALLOWED:
        raise StatementRefused(f"{kind} is not allowed: only SELECT is, because the tables are read-only")
    return statements[0]


def _message(error: Exception) -> str:
    """DuckDB's message without the name of the error class, which does not help the author of the statement."""
    kind, separator, rest = str(error).strip().partition(" Error: ")
    return rest if separator and "\n" not in kind else str(error).strip()


@contextmanager
def _connection(tables: Mapping[str, object]) -> Iterator[DuckDBPyConnection]:
    """A new connection to the one empty database of this process. To make a database would take 10 ms."""
    with engine_errors("the query failed"), _lock:
        connection = _database(os.getpid()).cursor()
    with engine_errors("the query failed"), connection:
        for name, table in tables.items():
            connection.register(name, table)
        yield connection


_lock = threading.Lock()


@functools.lru_cache(maxsize=1)
def _database(_process: int) -> DuckDBPyConnection:
    """An empty database: tables belong to the connection that registers them. A forked process makes its own."""
    import duckdb

    return duckdb.connect(config=dict(LOCKED_DOWN))
