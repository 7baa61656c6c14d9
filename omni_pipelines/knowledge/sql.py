"""Read-only SQL over the tables of a release and over the journal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from native.duckdb_sql import QueryResult, select
from native.errors import StatementRefused
from native.filters import is_in
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.entries import list_entries
from omni_pipelines.knowledge.state import journal
from omni_pipelines.knowledge.state.access import Viewer, visible_sources
from omni_pipelines.knowledge.state.releases import list_releases, read_with_checksum, require_release
from omni_pipelines.records import Release
from omni_pipelines.schemas import (
    ANSWERS,
    CHUNKS,
    DOCUMENTS,
    EMBEDDINGS,
    ENTRIES,
    GATE_RESULTS,
    QUARANTINE,
    QUESTIONS,
    RELEASES,
    SOURCES,
    Table,
    description,
)

RELEASE_TABLES = (DOCUMENTS, CHUNKS, EMBEDDINGS, SOURCES)
"""Tables as they were in the release."""
CURRENT_TABLES = (QUARANTINE, ENTRIES, RELEASES, GATE_RESULTS, QUESTIONS, ANSWERS)
"""Tables that belong to no release, as they are now."""
MAX_SECONDS = 30.0
MAX_ROWS = 1_000
_COLUMN = re.compile(r'Referenced column "([^"]*)"')
_TABLE = re.compile(r'Table with name "?([\w.]+)"? does not exist|Referenced table "([^"]*)" not found')

SqlTables = Mapping[str, object]
"""Table name to Lance scanner or Arrow table."""


@dataclass(frozen=True)
class SqlColumn:
    """A column that a statement can use."""

    table: str
    name: str
    type: str
    says: str
    """Its description."""


def columns() -> list[SqlColumn]:
    """Every column of every table, in order. Vectors are left out: a person cannot read them."""
    return [
        SqlColumn(table.name, column.name, str(column.type), description(column))
        for table in (*RELEASE_TABLES, *CURRENT_TABLES)
        for column in _readable_columns(table)
    ]


def _readable_columns(table: Table) -> list[pa.Field]:
    return [column for column in table.schema if not pa.types.is_fixed_size_list(column.type)]


def run_sql(
    home: Home,
    sql: str,
    release: int | None = None,
    *,
    most: int = MAX_ROWS,
    seconds: float = MAX_SECONDS,
    viewer: Viewer | None = None,
) -> tuple[Release, QueryResult]:
    """The first rows of one SELECT over the tables of a release, by default the newest.

    A viewer can use only the tables that say which source a row is from, and sees only rows of visible sources.

    Raises:
        ConfigurationError: there is no such release, or the statement is wrong, changes something, or takes too long.
        EngineError: a table is missing or damaged.
    """
    pinned = require_release(home, release)
    try:
        return pinned, select(sql, _tables(home, pinned, viewer), max_rows=most, seconds=seconds)
    except StatementRefused as error:
        raise ConfigurationError(_message(error.message), cure=_cure(error.message, sql)) from error


def _tables(home: Home, release: Release, viewer: Viewer | None) -> SqlTables:
    if viewer is not None:
        visible = sorted(visible_sources(home, release, viewer))
        sources = _sources(release)
        return {
            **_release_tables(home, release, is_in("source", visible)),
            SOURCES.name: sources.filter(pc.is_in(sources["source"], pa.array(visible, pa.string()))),
        }
    return {
        **_release_tables(home, release),
        SOURCES.name: _sources(release),
        QUARANTINE.name: _quarantine(home),
        ENTRIES.name: _entries(home),
        RELEASES.name: _releases(home),
        **{table.name: journal.read(home, table) for table in (GATE_RESULTS, QUESTIONS, ANSWERS)},
    }


def _release_tables(home: Home, release: Release, where: str | None = None) -> SqlTables:
    scanners = {}
    for table in (DOCUMENTS, CHUNKS, EMBEDDINGS):
        pinned, stored = TableVersion.parse(release.tables[table.name]), LanceTable(home.table(table.name))
        if stored.version(pinned.version) != pinned:
            raise ConfigurationError(
                f"table {table.name} is not the one that release {release.release} was made of",
                cure="run: omni ingest",
            )
        names = [column.name for column in _readable_columns(table)]
        scanners[table.name] = stored.scanner(names, where, pinned.version)
    return scanners


def _sources(release: Release) -> pa.Table:
    rows = [
        {"source": name, "place": source.place, "seen": source.seen, "documents": source.documents}
        for name, source in release.sources.items()
    ]
    return pa.Table.from_pylist(rows, schema=SOURCES.schema)


def _quarantine(home: Home) -> pa.Table:
    stored = LanceTable(home.table(QUARANTINE.name))
    return stored.read() if stored.exists() else QUARANTINE.schema.empty_table()


def _entries(home: Home) -> pa.Table:
    rows = [
        {
            **entry.model_dump(),
            "tags": list(entry.tags),
            "metadata": orjson.dumps(entry.metadata).decode(),
        }
        for entry in list_entries(home)
    ]
    return pa.Table.from_pylist(rows, schema=ENTRIES.schema)


def _releases(home: Home) -> pa.Table:
    records = [read_with_checksum(home, release.release) for release in list_releases(home)]
    rows = [_release_row(*record) for record in records if record is not None]
    return pa.Table.from_pylist(rows, schema=RELEASES.schema)


def _release_row(release: Release, checksum: str) -> Mapping[str, object]:
    return {
        "release": release.release,
        "created_at": release.created_at,
        "run_id": release.run_id,
        **{table.name: release.counts[table.name] for table in (DOCUMENTS, CHUNKS, EMBEDDINGS)},
        "keyword_entries": release.keyword.entries,
        "indexed_vectors": release.indexed_vectors,
        "keyword_generation": release.keyword.generation,
        **{name: release.fingerprints[name] for name in ("readers", "chunker", "embedder")},
        "checksum": checksum,
    }


def _message(error: str) -> str:
    """DuckDB's message; an unknown column or table is reported in our own words."""
    column, table = _COLUMN.search(error), _TABLE.search(error)
    if column:
        return f"there is no column {column[1]!r} in these tables"
    if table:
        return f"there is no table {(table[1] or table[2])!r}"
    return f"the statement was refused: {error.splitlines()[0]}" if error else "the statement was refused"


def _cure(error: str, sql: str) -> str:
    column, table = _COLUMN.search(error), _TABLE.search(error)
    if column:
        used = {each.name for each in columns() if re.search(rf"\b{each.table}\b", sql, re.IGNORECASE)}
        return nearest(column[1].lower(), sorted(used), f"their columns: {', '.join(sorted(used))}")
    if table:
        tables = sorted({each.table for each in columns()})
        return nearest((table[1] or table[2]).lower(), tables, f"tables: {', '.join(tables)}")
    suggestion = re.search(r'Did you mean "([^"]+)"', error)
    return f"did you mean {suggestion[1]}?" if suggestion else "tables and columns: omni sql, without a statement"
