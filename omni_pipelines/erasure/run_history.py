"""What run histories and logs tell of documents, blacked out: paths, ids and excerpts in messages and previews.

Dagster's databases stay readable for Dagster: inside JSON only the values of strings change.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from omni_pipelines.home import Home

BLACK = "[forgotten]"
_WORD = re.compile(r"\w+")
_MAGIC = b"SQLite format 3\0"
_BUSY_SECONDS = 30.0


class Telltale:
    """Recognizes texts that speak of what was forgotten, whatever marks stand between the words."""

    def __init__(self, phrases: Collection[str]) -> None:
        self._by_first: dict[str, list[list[str]]] = {}
        for phrase in phrases:
            words = _words(phrase)
            if len(words) > 1 or (words and len(words[0]) == 32):  # one common word tells nothing; an id does
                self._by_first.setdefault(words[0], []).append(words)

    def tells(self, text: str) -> bool:
        """Whether one of the phrases stands in a text."""
        words = _words(text)
        return any(
            words[at : at + len(phrase)] == phrase
            for at, word in enumerate(words)
            for phrase in self._by_first.get(word, ())
        )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("\\", ""))


def black_out(home: Home, telltale: Telltale, *, write: bool) -> int:
    """Black out every value in databases and every line in logs that tells; with `write` false, count them only.

    Raises:
        sqlite3.OperationalError: another process kept a database locked.
    """
    found = 0
    for folder in (home.dagster, home.logs):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.name != "dagster.yaml":
                found += _in_file(path, telltale, write=write)
    return found


def _in_file(path: Path, telltale: Telltale, *, write: bool) -> int:
    with path.open("rb") as file:
        is_database = file.read(len(_MAGIC)) == _MAGIC
    if is_database:
        return _in_database(path, telltale, write=write)
    return 0 if path.name.endswith(("-wal", "-shm", "-journal")) else _in_log(path, telltale, write=write)


def _in_database(path: Path, telltale: Telltale, *, write: bool) -> int:
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database:
        changes = [change for table in _tables(database) for change in _changes(database, table, telltale)]
        if changes and write:
            database.execute("PRAGMA secure_delete = ON")
            with database:
                for statement, values in changes:
                    database.execute(statement, values)
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(changes)


def _tables(database: sqlite3.Connection) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def _changes(database: sqlite3.Connection, table: str, telltale: Telltale) -> Iterator[tuple[str, tuple[str, int]]]:
    quoted = _quoted(table)
    cursor = database.execute("SELECT rowid, * FROM " + quoted)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        for name, value in list(zip(names, row, strict=True))[1:]:
            blackened = _blackened(value, telltale) if isinstance(value, str) else value
            if blackened != value:
                yield "UPDATE " + quoted + " SET " + _quoted(name) + " = ? WHERE rowid = ?", (blackened, row[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _blackened(value: str, telltale: Telltale) -> str:
    try:
        document = json.loads(value)  # not orjson: Dagster writes NaN as well
    except ValueError:
        return BLACK if telltale.tells(value) else value
    blackened = _walk(document, telltale)
    return json.dumps(blackened) if blackened != document else value


def _walk(node: Any, telltale: Telltale) -> Any:
    if isinstance(node, str):
        return BLACK if telltale.tells(node) else node
    if isinstance(node, list):
        return [_walk(each, telltale) for each in node]
    if isinstance(node, dict):
        return {name: _walk(each, telltale) for name, each in node.items()}
    return node


def _in_log(path: Path, telltale: Telltale, *, write: bool) -> int:
    """Lines keep their length: a process that appends to the log goes on where it was."""
    lines = path.read_bytes().splitlines(keepends=True)
    tells = [telltale.tells(line.decode("utf-8", "replace")) for line in lines]
    if write and any(tells):
        _overwrite(path, lines, tells)
    return sum(tells)


def _overwrite(path: Path, lines: Sequence[bytes], tells: Sequence[bool]) -> None:
    at = 0
    with path.open("r+b") as file:
        for line, told in zip(lines, tells, strict=True):
            if told:
                file.seek(at)
                file.write(b"x" * len(line.rstrip(b"\r\n")))
            at += len(line)
