"""Run one SQL statement of a user in a process of its own, with hard limits of time, memory and size of the result.

DuckDB's own limits do not hold for its planner and its text functions. The process ends with its statement, so
nothing of one statement is there for the next. It can open only the tables that it is given.
"""

import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa

from native.child_python import killed_after, python_command
from native.confinement import Confinement, confine, python_paths
from native.duckdb_sql import SqlRow, read_only_select, too_much_memory, too_slow
from native.errors import EngineError, StatementRefused
from native.lance_paths import lance_path

MAX_STATEMENT_CHARACTERS = 100_000
MAX_RESULT_BYTES = 64 << 20
BASE_MEMORY_BYTES = 2 << 30
"""Address space of a process that has loaded the engines and runs nothing: most of it is reserved and never used."""
GRACE_SECONDS = 5.0
"""How long the process may take to start and to answer, besides its statement."""
_OPEN_FILES = 1_024
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "RUST_BACKTRACE": "0",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True)
class StoredTable:
    """A Lance table as a statement sees it."""

    path: str
    version: int
    columns: tuple[str, ...]
    where: str | None = None
    """A condition that all of its visible rows fulfil."""


@dataclass(frozen=True)
class SqlLimits:
    """What one statement may use."""

    rows: int
    seconds: float
    """By the clock; and for each of two threads, of processor time."""
    memory_bytes: int = 1 << 30


@dataclass(frozen=True)
class QueryResult:
    """The result of a statement."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's names of the column types."""
    rows: list[SqlRow]
    more: bool
    """Whether there are more rows than were fetched."""


def select(sql: str, tables: Mapping[str, StoredTable | pa.Table], limits: SqlLimits) -> QueryResult:
    """Run one SELECT (or WITH, VALUES, SHOW, DESCRIBE, EXPLAIN of one of these) over named tables.

    Raises:
        StatementRefused: it is invalid, is not read-only, or takes more than the limits.
        EngineError: a table cannot be read.
    """
    if len(sql) > MAX_STATEMENT_CHARACTERS:
        raise StatementRefused(f"it has {len(sql):,} characters; {MAX_STATEMENT_CHARACTERS:,} are allowed")
    stored = {
        name: {**asdict(table), "path": lance_path(Path(table.path))}  # a confined process cannot make a link
        for name, table in tables.items()
        if isinstance(table, StoredTable)
    }
    request = orjson.dumps({"sql": sql, "limits": asdict(limits), "stored": stored})
    given = {name: _to_bytes(table) for name, table in tables.items() if isinstance(table, pa.Table)}
    with tempfile.TemporaryFile() as requests:
        _write(requests, request, *(part for name, content in given.items() for part in (name.encode(), content)))
        requests.seek(0)
        answer, code = _run(requests, limits.seconds + GRACE_SECONDS)
    parts = list(_parts(io.BytesIO(answer)))
    if len(parts) != 2:
        raise StatementRefused(_cause_of_death(code, limits))
    head = orjson.loads(parts[0])
    if head["refused"]:
        raise StatementRefused(head["refused"])
    if head["failed"]:
        raise EngineError(head["failed"], cure="check the tables: omni scrub")
    return query_result(pa.ipc.open_stream(parts[1]).read_all(), head["columns"], head["types"], limits.rows)


def query_result(result: pa.Table, names: Sequence[str], types: Sequence[str], max_rows: int) -> QueryResult:
    """The first rows of what DuckDB returned, as Python values."""
    columns = (_python_values(column, kind) for column, kind in zip(result.columns, types, strict=True))
    rows = list(zip(*columns, strict=True))
    return QueryResult(tuple(names), tuple(types), rows[:max_rows], len(rows) > max_rows)


def _python_values(column: pa.ChunkedArray, kind: str) -> list[Any]:
    """The values of a column; where Arrow has no such type, as DuckDB itself gives them."""
    if kind == "TIMESTAMP_NS":
        column = column.cast(pa.timestamp("us"), safe=False)
    try:
        values = column.to_pylist(maps_as_pydicts="lossy")
    except (ValueError, OverflowError) as error:  # Python has no years after 9999, and no nanoseconds
        raise StatementRefused(f"a value of type {kind} cannot be shown: cast it to varchar") from error
    if kind == "HUGEINT":
        return [None if value is None else int(value) for value in values]
    return [None if value is None else _duration(value) for value in values] if kind == "INTERVAL" else values


def _duration(interval: pa.MonthDayNano) -> timedelta:
    months, days, nanoseconds = interval
    return timedelta(days=30 * months + days, microseconds=nanoseconds // 1_000)


def _run(requests: IO[bytes], seconds: float) -> tuple[bytes, int]:
    """What the process answers, and how it ended."""
    with subprocess.Popen(
        python_command("native.sql_process", "main"),
        stdin=requests,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        start_new_session=True,  # Ctrl+C reaches only the parent, which ends the child
    ) as process:
        assert process.stdout is not None
        try:
            with killed_after(process, seconds):
                answer = process.stdout.read(2 * MAX_RESULT_BYTES)
        finally:
            process.kill()
    return answer, process.returncode


def _cause_of_death(code: int, limits: SqlLimits) -> str:
    if code in (-9, -24):
        return too_slow(limits.seconds)
    return f"{too_much_memory(limits.memory_bytes)}, or crashed DuckDB"


def _to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _write(stream: IO[bytes], *parts: bytes) -> None:
    for part in parts:
        stream.write(len(part).to_bytes(8, "big") + part)


def _parts(stream: IO[bytes]) -> "list[bytes]":
    parts = []
    while len(head := stream.read(8)) == 8:
        parts.append(stream.read(int.from_bytes(head, "big")))
    return parts


def main() -> None:
    """Answer the one request on standard input."""
    request, *given = _parts(sys.stdin.buffer)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # DuckDB prints its progress
    asked = orjson.loads(request)
    stored = {name: StoredTable(**fields) for name, fields in asked["stored"].items()}
    limits = SqlLimits(**asked["limits"])
    confine(
        Confinement(
            limits.memory_bytes + BASE_MEMORY_BYTES,
            _OPEN_FILES,
            (*python_paths(), "/sys/fs/cgroup", *(table.path for table in stored.values())),
        )
    )
    seconds = int(2 * limits.seconds + GRACE_SECONDS) + 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    head: dict[str, Any] = {"refused": "", "failed": "", "columns": (), "types": ()}
    content = b""
    try:
        tables: dict[str, object] = {
            name.decode(): pa.ipc.open_stream(table).read_all()
            for name, table in zip(given[::2], given[1::2], strict=True)
        }
        for name, table in stored.items():
            tables[name] = _scanner(table)
        result, head["columns"], head["types"] = read_only_select(
            asked["sql"], tables, limits.rows, limits.seconds, limits.memory_bytes
        )
        content = _to_bytes(result)
        if len(content) > MAX_RESULT_BYTES:
            head["refused"] = (
                f"its result has {len(content) >> 20:,} MiB; {MAX_RESULT_BYTES >> 20} are allowed: select less"
            )
    except StatementRefused as error:
        head["refused"] = error.message
    except MemoryError:
        head["refused"] = too_much_memory(limits.memory_bytes)
    except EngineError as error:
        head["failed"] = error.message
    with answers:
        _write(answers, orjson.dumps(head), b"" if head["refused"] or head["failed"] else content)


def _scanner(table: StoredTable) -> object:
    from native.lance_tables import LanceTable

    return LanceTable(Path(table.path)).scanner(table.columns, table.where, table.version)
