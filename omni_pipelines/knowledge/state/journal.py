"""The journal: questions, answers and gate results in append-only files, one JSON object per line.

These are not Lance tables: many processes add questions at the same time, and every Lance commit would be one more
version. Each call adds its rows in a single write at the end of a file, so writers do not disturb each other. Each
line ends with a checksum of the rest of it; those of an earlier version of omni have none.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import orjson
import pyarrow as pa
from blake3 import blake3

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.schemas import Table

MAX_BYTES = 32 << 20
"""A file that grows beyond this is renamed to the older file of its table, which is replaced."""

_CHECKSUM = b',"checksum":"'
JsonObject = dict[str, object]


def journal_files(home: Home, table: Table) -> list[Path]:
    """The two files of a table, the older one first."""
    return [home.journal / f"{table.name}.1.jsonl", home.journal / f"{table.name}.jsonl"]


def append(home: Home, table: Table, rows: Sequence[Mapping[str, object]], max_bytes: int = MAX_BYTES) -> None:
    """Add rows. They are not synced to disk: a power cut may lose the last ones.

    Raises:
        OSError: the home cannot be written to.
    """
    if not rows:
        return
    older, path = journal_files(home, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > max_bytes:
        os.replace(path, older)
    content = b"".join(_with_checksum(row) for row in rows)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(handle).st_size
        is_torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # a killed writer's last line spoils no other
        os.write(handle, b"\n" * is_torn + content)
    finally:
        os.close(handle)


def read(home: Home, table: Table) -> pa.Table:
    """All rows, oldest first. Lines that are torn, changed or do not match the schema are left out."""
    rows = []
    for line in (line for path in journal_files(home, table) for line in _lines(path) if not _is_changed(line)):
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, pa.ArrowException):
            row = _typed(orjson.loads(line), table.schema)
            pa.RecordBatch.from_pylist([row], schema=table.schema).validate(full=True)
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=table.schema)


def lines(home: Home, table: Table) -> Iterator[JsonObject]:
    """All lines that are JSON objects, oldest first, whether or not they match the schema."""
    rows = (_object(line) for path in journal_files(home, table) for line in _lines(path))
    return (row for row in rows if row is not None)


def damaged_lines(home: Home, table: Table) -> Iterator[tuple[str, int]]:
    """The name of the file and the number of each line that is not as it was written, or only a part of it."""
    for path in journal_files(home, table):
        for number, line in enumerate(_lines(path), 1):
            if _is_changed(line) or _object(line) is None:
                yield path.name, number


def drop_damaged(home: Home, table: Table) -> None:
    """Rewrite the files of a table without its damaged lines."""
    for path in journal_files(home, table):
        before = _lines(path)
        kept = [line for line in before if not _is_changed(line) and _object(line) is not None]
        if len(kept) < len(before):
            write_whole(path, b"".join(line + b"\n" for line in kept))


def drop(
    home: Home,
    table: Table,
    unwanted: Callable[[JsonObject], bool],
    torn: Callable[[str], bool],
    *,
    write: bool,
) -> int:
    """Rewrite the files of a table without its unwanted rows, and return how many those are.

    A row that another process adds during the rewrite may be lost.

    `torn` decides about a line that is not a JSON object. Without `write`, the rows are only counted.
    """

    def is_unwanted(line: bytes) -> bool:
        row = _object(line)
        return torn(line.decode(errors="replace")) if row is None else unwanted(row)

    dropped = 0
    for path in journal_files(home, table):
        before = _lines(path)
        kept = [line for line in before if not is_unwanted(line)]
        dropped += len(before) - len(kept)
        if write and len(kept) < len(before):
            write_whole(path, b"".join(line + b"\n" for line in kept))
    return dropped


def _with_checksum(row: Mapping[str, object]) -> bytes:
    body = orjson.dumps(dict(row))
    return body[:-1] + _CHECKSUM + _checksum(body) + b'"}\n'


def _is_changed(line: bytes) -> bool:
    """Whether a line does not match its checksum; a line of an earlier version has none."""
    body, mark, rest = line.rpartition(_CHECKSUM)
    return bool(mark) and rest != _checksum(body + b"}") + b'"}'


def _checksum(body: bytes) -> bytes:
    return blake3(body).hexdigest(8).encode()


def _object(line: bytes) -> JsonObject | None:
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


def _typed(row: Mapping[str, str], schema: pa.Schema) -> JsonObject:
    """The columns of a row; timestamps, which JSON holds as text, become datetimes."""
    return {
        column.name: datetime.fromisoformat(row[column.name])
        if pa.types.is_timestamp(column.type)
        else row.get(column.name)
        if column.nullable
        else row[column.name]
        for column in schema
    }
