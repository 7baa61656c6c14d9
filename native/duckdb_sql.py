"""Read-only SQL over Lance tables: DuckDB runs the statement and reads the columns it needs from Lance scanners."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from native.errors import StatementRefused
from native.foreign_errors import engine_errors

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOCKED_DOWN: Mapping[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "lock_configuration": True,
    "memory_limit": "1GB",
    "threads": 2,
}
"""A statement can read the tables that it is given and nothing else: no file, no network, no extension."""
_READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
"""The query nodes of a parsed statement that only read."""
_EXPLAIN_OPTIONS = {b"analyze", b"verbose", b"format"}
_BATCH_ROWS = 2_048

SqlRow = tuple[Any, ...]
"""One row of a result: a value for each column, of the Python type that DuckDB chooses."""


def query(sql: str, tables: Mapping[str, object], parameters: Sequence[object] = ()) -> list[SqlRow]:
    """Run one statement of our own over named Lance scanners or Arrow tables.

    Give a scanner with chosen columns: DuckDB refuses a table with a float16 column, even if the statement ignores
    it.

    Raises:
        EngineError: DuckDB, or the scanner it reads, reports an error.
    """
    with _connection(tables) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def read_only_select(
    sql: str, tables: Mapping[str, object], max_rows: int, seconds: float, memory_bytes: int
) -> tuple[pa.Table, list[str], list[str]]:
    """Run one statement of a user, which may only read, in a database of its own.

    Returns at most one row more than `max_rows`, the names of the columns, and DuckDB's names of their types.

    Raises:
        StatementRefused: it is invalid, is not read-only, or takes too much time or memory.
    """
    import duckdb

    settings = {**LOCKED_DOWN, "memory_limit": f"{memory_bytes >> 20}MiB"}
    timed_out = threading.Event()
    with duckdb.connect(config=settings) as connection:

        def stop() -> None:
            timed_out.set()
            connection.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            for name, table in tables.items():
                connection.register(name, table)
            _refuse_writing(connection, sql)
            found = connection.sql(sql)
            reader = found.limit(max_rows + 1).to_arrow_reader(_BATCH_ROWS)
            return reader.read_all(), found.columns, [str(kind) for kind in found.types]
        except (duckdb.Error, pa.ArrowException, OSError) as error:  # the last two: from the reader of the result
            if timed_out.is_set():
                raise StatementRefused(too_slow(seconds)) from error
            if isinstance(error, duckdb.OutOfMemoryException):
                raise StatementRefused(too_much_memory(memory_bytes)) from error
            raise StatementRefused(_message(error)) from error
        finally:
            timer.cancel()


def _refuse_writing(connection: DuckDBPyConnection, sql: str) -> None:
    """Refuse what is not one statement that only reads, in all of its parts."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise StatementRefused(f"there are {len(statements)} statements instead of one")
    kind = str(statements[0].type).rpartition(".")[2]
    if kind == "EXPLAIN":
        return _refuse_writing(connection, _explained(sql))
    if kind != "SELECT":
        raise StatementRefused(f"{kind} is not allowed: only SELECT is, because the tables are read-only")
    [(tree,)] = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    try:
        parsed = orjson.loads(tree)
    except orjson.JSONDecodeError as error:
        raise StatementRefused("its parts are nested too deeply") from error
    if parsed.get("error", True):
        raise StatementRefused("it cannot be checked: write it as a SELECT without PIVOT")
    for node in _nodes(parsed):
        if node not in _READING_NODES:
            name = node.removesuffix("_NODE").removesuffix("_QUERY")
            raise StatementRefused(f"{name} is not allowed in a SELECT, because the tables are read-only")
    return None


def _nodes(tree: object) -> Iterator[str]:
    """The types of all query nodes of a parsed statement."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            kind = part.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE"):
                yield kind
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _explained(sql: str) -> str:
    """The statement that an EXPLAIN explains."""
    import duckdb

    raw = sql.encode()  # DuckDB counts bytes
    starts = [start for start, kind in duckdb.tokenize(sql) if kind != duckdb.token_type.comment]
    words = [raw[start:end].split()[0].lower() for start, end in itertools.pairwise([*starts, len(raw)])]
    position = 1
    if words[position] == b"(" and words[position + 1] in _EXPLAIN_OPTIONS:
        position = words.index(b")", position) + 1
    elif words[position] in _EXPLAIN_OPTIONS:
        position += 1
    return raw[starts[position] :].decode()


def too_slow(seconds: float) -> str:
    """Why a statement is refused that did not finish in time."""
    return f"it took more than {seconds:g} s and was stopped"


def too_much_memory(memory_bytes: int) -> str:
    """Why a statement is refused that needs more memory."""
    return f"it took more than {memory_bytes >> 20:,} MiB of memory"


def _message(error: Exception) -> str:
    """DuckDB's message, without the error class and the advice to change a setting, which nobody may do."""
    kind, separator, rest = str(error).strip().partition(" Error: ")
    message = rest if separator and "\n" not in kind else str(error).strip()
    return message.partition(' Use "SET ')[0]


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
