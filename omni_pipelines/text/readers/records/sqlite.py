"""SQLite databases: the columns of each table and view, how they were declared, and their first rows.

The database is opened in memory from its bytes. Nothing is written, no other file is attached, and neither views,
virtual tables nor generated columns run: their declarations are kept.
"""

import sqlite3

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.records.data_sample import SAMPLE_ROWS, add_table

SIGNATURE = b"SQLite format 3\0"
MAX_TABLES = 500
_VIRTUAL = "create virtual"
_VERSIONS = slice(18, 20)
"""The bytes that say whether a log of changes (WAL) belongs to the file: it is not here, so the file alone counts."""
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA}
_PRAGMAS = {"table_info", "table_xinfo"}
_FUNCTIONS = {"count"}
_DAMAGED = (sqlite3.Error, OverflowError, UnicodeDecodeError)
"""The last one is raised for a message of SQLite that quotes damaged text."""
_STEPS_PER_CHECK, _MAX_CHECKS = 100_000, 2_000
"""Instructions of the database that one file may cost."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: a section for each table."""
    if not raw.startswith(SIGNATURE):
        raise Unreadable(RefusalCode.PARSE, "not a SQLite database")
    content = bytearray(raw)
    content[_VERSIONS] = b"\1\1"
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(bytes(content))
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.execute("pragma trusted_schema = off")
        connection.execute("pragma query_only = on")
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(_Checks(), _STEPS_PER_CHECK)
        return _read(connection, name)
    except _DAMAGED as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {_message(error)}") from error
    finally:
        connection.close()


def _message(error: Exception) -> str:
    return error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Whether a statement, or what a view or a virtual table does behind it, may run."""
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    is_denied = (action == sqlite3.SQLITE_PRAGMA and first not in _PRAGMAS) or (
        action == sqlite3.SQLITE_FUNCTION and second not in _FUNCTIONS
    )
    return sqlite3.SQLITE_DENY if is_denied else sqlite3.SQLITE_OK


class _Checks:
    """Interrupts a statement when the file has cost too much."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> int:
        self._count += 1
        return self._count > _MAX_CHECKS


def _read(connection: sqlite3.Connection, name: str) -> Parsed:
    extraction = Extraction()
    schema = connection.execute(
        "select type, name, sql from sqlite_master where type in ('table', 'view') order by rowid limit ?",
        (MAX_TABLES + 1,),
    ).fetchall()
    inner = ("sqlite_", *(f"{table}_" for _, table, sql in schema if str(sql).lower().startswith(_VIRTUAL)))
    for kind, table, sql in schema[:MAX_TABLES]:
        if isinstance(table, str) and (not table.startswith(inner) or table.endswith("_content")):
            _add(connection, str(kind), table, str(sql or ""), extraction)
    if len(schema) > MAX_TABLES:
        extraction.cut(f"it has more than {MAX_TABLES} tables")
    return extraction.parsed(name, name, no_text="it contains no tables")


def _add(connection: sqlite3.Connection, kind: str, table: str, sql: str, extraction: Extraction) -> None:
    is_readable = kind == "table" and not sql.lower().startswith(_VIRTUAL)
    if not is_readable:  # what stands behind it is code of the file, or of a module
        extraction.heading(1, table)
        extraction.block(sql)
        return
    try:
        columns = [(str(row[1]), str(row[2])) for row in connection.execute(f"pragma table_info({_quoted(table)})")]
        named = ", ".join(_quoted(column) for column, _ in columns)
        ((count,),) = connection.execute(f"select count(*) from {_quoted(table)}")
        rows = connection.execute(f"select {named} from {_quoted(table)} limit {SAMPLE_ROWS}").fetchall()
    except _DAMAGED as error:
        extraction.heading(1, table)
        extraction.block(sql)
        extraction.cut(f"the table {table} cannot be read: {_message(error)}")
        return
    add_table(extraction, table, columns, count, rows, declared=sql)


def _quoted(name: str) -> str:
    """A name as SQL has it between quotation marks."""
    return '"' + name.replace('"', '""') + '"'
