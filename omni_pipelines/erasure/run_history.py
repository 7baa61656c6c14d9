"""Redacts run histories and logs: paths, ids and excerpts of documents in messages and previews.

A Dagster instance of a person's own lies outside the home: `resources/instance_redaction.py` redacts it.

Dagster can still read its databases: inside JSON only the values of strings change.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from omni_pipelines.home import Home

REDACTED = "[forgotten]"
_WORD = re.compile(r"\w+")
_MAGIC = b"SQLite format 3\0"
_BUSY_SECONDS = 30.0


class PhraseMatcher:
    """Recognises texts that contain a phrase of what is erased, whatever punctuation is between the words."""

    def __init__(self, phrases: Collection[str]) -> None:
        self._by_first: dict[str, list[list[str]]] = {}
        for phrase in phrases:
            words = _words(phrase)
            if len(words) > 1 or (
                words and len(words[0]) == 32
            ):  # a single common word identifies nothing; an id does
                self._by_first.setdefault(words[0], []).append(words)

    def matches(self, text: str) -> bool:
        """Whether a text contains one of the phrases."""
        words = _words(text)
        return any(
            words[at : at + len(phrase)] == phrase
            for at, word in enumerate(words)
            for phrase in self._by_first.get(word, ())
        )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("\\", ""))


Redact = Callable[[PhraseMatcher, bool], int]
"""Redacts a run history outside the home, or with False only looks; the number of values and lines that match."""


def no_other_history(_phrases: PhraseMatcher, _write: bool) -> int:
    """The run history of a home whose Dagster instance lies in the home."""
    return 0


def redact_history(home: Home, phrases: PhraseMatcher, *, write: bool) -> int:
    """Redact every value in databases and every line in logs that matches; with `write` false, only count them.

    Raises:
        sqlite3.OperationalError: another process kept a database locked.
    """
    count = 0
    for folder in (home.dagster, home.logs):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.name != "dagster.yaml":
                count += redact_file(path, phrases, write=write)
    return count


def redact_file(path: Path, phrases: PhraseMatcher, *, write: bool) -> int:
    """Redact a database of SQLite or a log; with `write` false, only count the values and lines that match.

    Raises:
        sqlite3.OperationalError: another process kept the database locked.
    """
    with path.open("rb") as file:
        is_database = file.read(len(_MAGIC)) == _MAGIC
    if is_database:
        return _in_database(path, phrases, write=write)
    return 0 if path.name.endswith(("-wal", "-shm", "-journal")) else _in_log(path, phrases, write=write)


def _in_database(path: Path, phrases: PhraseMatcher, *, write: bool) -> int:
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database:
        changes = [change for table in _tables(database) for change in _changes(database, table, phrases)]
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


def _changes(
    database: sqlite3.Connection, table: str, phrases: PhraseMatcher
) -> Iterator[tuple[str, tuple[str, int]]]:
    quoted = _quoted(table)
    cursor = database.execute("SELECT rowid, * FROM " + quoted)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        for name, value in list(zip(names, row, strict=True))[1:]:
            redacted = redacted_value(value, phrases) if isinstance(value, str) else value
            if redacted != value:
                yield "UPDATE " + quoted + " SET " + _quoted(name) + " = ? WHERE rowid = ?", (redacted, row[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def redacted_value(value: str, phrases: PhraseMatcher) -> str:
    """A value of a database without the texts that match. If it is JSON, it stays JSON of the same shape."""
    try:
        document = json.loads(value)  # not orjson: Dagster writes NaN as well
    except ValueError:
        return REDACTED if phrases.matches(value) else value
    redacted = _walk(document, phrases)
    return json.dumps(redacted) if redacted != document else value


def _walk(node: Any, phrases: PhraseMatcher) -> Any:
    if isinstance(node, str):
        return REDACTED if phrases.matches(node) else node
    if isinstance(node, list):
        return [_walk(each, phrases) for each in node]
    if isinstance(node, dict):
        return {name: _walk(each, phrases) for name, each in node.items()}
    return node


def _in_log(path: Path, phrases: PhraseMatcher, *, write: bool) -> int:
    """Lines keep their length, so that a process that appends to the log can continue."""
    lines = path.read_bytes().splitlines(keepends=True)
    matching = [phrases.matches(line.decode("utf-8", "replace")) for line in lines]
    if write and any(matching):
        _overwrite(path, lines, matching)
    return sum(matching)


def _overwrite(path: Path, lines: Sequence[bytes], matching: Sequence[bool]) -> None:
    at = 0
    with path.open("r+b") as file:
        for line, matches in zip(lines, matching, strict=True):
            if matches:
                file.seek(at)
                file.write(b"x" * len(line.rstrip(b"\r\n")))
            at += len(line)
