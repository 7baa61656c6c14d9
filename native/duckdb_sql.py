"""Read-only SQL over Lance tables: DuckDB reads the scanners, and asks Lance for the columns it needs."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from native.errors import StatementRefused, engine_errors

LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "lock_configuration": "true",
    "memory_limit": "1GB",
    "threads": "2",
}
"""SQL can reach the tables it is given and nothing else: no file, no network, no extension."""
_READS = ("SELECT", "EXPLAIN")


@dataclass(frozen=True)
class Rows:
    """What a statement gave."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """As DuckDB calls them."""
    rows: list[tuple[Any, ...]]
    more: bool
    """Whether there were more than were asked for."""


def query(sql: str, tables: Mapping[str, Any], parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run one statement of ours over named Lance scanners or Arrow tables; rows as tuples.

    Give a scanner with chosen columns: a float16 column anywhere in it makes DuckDB refuse the whole table.

    Raises:
        EngineError: what DuckDB, or the scanner it reads, refuses.
    """
    with _connection(tables) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql, parameters or []).fetchall()
        return rows


def select(sql: str, tables: Mapping[str, Any], *, most: int, seconds: float) -> Rows:
    """Run one statement that somebody else wrote, as `query` does. It may read, and nothing else.

    Args:
        sql: one SELECT (or WITH, SHOW, DESCRIBE, VALUES, EXPLAIN) statement.
        tables: name to scanner or Arrow table.
        most: rows that are fetched; `more` tells whether there were others.
        seconds: after this long it is stopped.

    Raises:
        StatementRefused: it is wrong, does something else than read, or takes too long or too much memory.
    """
    import duckdb

    with _connection(tables) as connection:
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            connection.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            cursor = connection.execute(_one_that_reads(connection, sql))
            described = cursor.description or []
            rows = cursor.fetchmany(most + 1)
        except duckdb.Error as error:
            if stopped.is_set():
                raise StatementRefused(f"it took more than {seconds:g} s and was stopped") from error
            raise StatementRefused(_message(error)) from error
        finally:
            timer.cancel()
    names, types = tuple(str(each[0]) for each in described), tuple(str(each[1]) for each in described)
    return Rows(names, types, rows[:most], more=len(rows) > most)


def _one_that_reads(connection: Any, sql: str) -> Any:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise StatementRefused(f"there are {len(statements)} statements, and there must be one")
    kind = str(statements[0].type).rpartition(".")[2]
    if kind not in _READS:
        raise StatementRefused(f"it is a {kind} statement, and only SELECT is allowed: nothing can be changed here")
    return statements[0]


def _message(error: Exception) -> str:
    """DuckDB's message without the name of its kind, which says nothing to who wrote the statement."""
    kind, separator, rest = str(error).strip().partition(" Error: ")
    return rest if separator and "\n" not in kind else str(error).strip()


@contextmanager
def _connection(tables: Mapping[str, Any]) -> Iterator[Any]:
    """A connection of its own to the one empty database of this process: making a database takes 10 ms, this none."""
    with engine_errors("the query failed"), _lock:
        connection = _database(os.getpid()).cursor()
    with engine_errors("the query failed"), connection:
        for name, table in tables.items():
            connection.register(name, table)
        yield connection


_lock = threading.Lock()


@functools.lru_cache(maxsize=1)
def _database(_process: int) -> Any:
    """Nothing is ever stored in it: tables are registered with a connection, and go with it. A fork makes its own."""
    import duckdb

    return duckdb.connect(config=LOCKED_DOWN)
