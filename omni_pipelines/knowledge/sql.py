"""Read-only SQL over the tables of a release and over the journal."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

import orjson
import pyarrow as pa

from native.errors import StatementRefused
from native.filters import is_in
from native.lance_tables import TableVersion
from native.sql_process import QueryResult, SqlLimits, StoredTable, select
from omni_pipelines import schemas
from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.entries import list_entries
from omni_pipelines.knowledge.state import journal
from omni_pipelines.knowledge.state.access import Viewer, visible_sources
from omni_pipelines.knowledge.state.files import seen_files
from omni_pipelines.knowledge.state.releases import list_releases, read_with_checksum, require_release
from omni_pipelines.knowledge.state.table_files import read_quarantine, require_readable
from omni_pipelines.records import Release
from omni_pipelines.refusals import RefusalCode
from omni_pipelines.tables import known_table

PINNED_TABLES = (schemas.DOCUMENTS, schemas.CHUNKS, schemas.EMBEDDINGS)
OTHER_TABLES = (schemas.SOURCES, schemas.FILES, schemas.QUARANTINE, schemas.ENTRIES, schemas.RELEASES)
JOURNAL_TABLES = (schemas.GATE_RESULTS, schemas.QUESTIONS, schemas.ANSWERS)
LIMITS = SqlLimits(rows=1_000, seconds=30)
"""For one statement."""
_COLUMN = re.compile(r'Referenced column "([^"]*)"')
_FILES = re.compile(r"\bfiles\b", re.IGNORECASE)
_TABLE = re.compile(r'Table with name "?([\w.]+)"? does not exist|Referenced table "([^"]*)" not found')

SqlTables = Mapping[str, StoredTable | pa.Table]
"""By name."""


@dataclass(frozen=True)
class SqlColumn:
    """A column that a statement can use."""

    table: str
    name: str
    type: str
    says: str


def columns() -> list[SqlColumn]:
    """Every column of every table, in order. Vectors are left out: a person cannot read them."""
    return [
        SqlColumn(table.name, column.name, str(column.type), schemas.description(column))
        for table in (*PINNED_TABLES, *OTHER_TABLES, *JOURNAL_TABLES)
        for column in _readable_columns(table)
    ]


def _readable_columns(table: schemas.Table) -> list[pa.Field]:
    return [column for column in table.schema if not pa.types.is_fixed_size_list(column.type)]


def run_sql(
    home: Home,
    sql: str,
    release: int | None = None,
    *,
    limits: SqlLimits = LIMITS,
    viewer: Viewer | None = None,
) -> tuple[Release, QueryResult]:
    """The first rows of one SELECT over the tables of a release, by default the newest.

    A viewer can use only the tables that say which source a row is from, and sees only rows of visible sources.

    Raises:
        ConfigurationError: there is no such release, or the statement is wrong, changes something, or takes too long.
        EngineError, TableBroken: a table is missing or damaged.
    """
    pinned = require_release(home, release)
    require_readable(home, pinned)
    try:
        return pinned, select(sql, _tables(home, pinned, viewer, sql), limits)
    except StatementRefused as error:
        raise _refusal(error.message, sql) from error


def _tables(home: Home, release: Release, viewer: Viewer | None, sql: str) -> SqlTables:
    visible = visible_sources(home, release, viewer) if viewer is not None else None
    tables = {
        **_release_tables(home, release, visible),
        # to name every file takes a moment, which other statements need not wait for
        schemas.FILES.name: _files(home, release, visible)
        if _FILES.search(sql)
        else schemas.FILES.schema.empty_table(),
    }
    if viewer is not None:
        return tables
    return {
        **tables,
        schemas.QUARANTINE.name: _quarantine(home),
        schemas.ENTRIES.name: _entries(home),
        schemas.RELEASES.name: _releases(home),
        **{table.name: journal.read(home, table) for table in JOURNAL_TABLES},
    }


def _files(home: Home, release: Release, visible: Set[str] | None) -> pa.Table:
    rows = [file.model_dump() for file in seen_files(home, release, visible)]
    return pa.Table.from_pylist(rows, schema=schemas.FILES.schema)


def _quarantine(home: Home) -> pa.Table:
    """The files that were refused, without those of a kind that no reader reads: they are in `files`."""
    rows = [row for row in read_quarantine(home, schemas.QUARANTINE.schema.names) if row["code"] != RefusalCode.KIND]
    return pa.Table.from_pylist(rows, schema=schemas.QUARANTINE.schema)


def _release_tables(home: Home, release: Release, visible: Set[str] | None) -> SqlTables:
    where = is_in("source", sorted(visible)) if visible is not None else None
    sources = [
        {"source": name, "place": source.place, "seen": source.seen, "documents": source.documents}
        for name, source in release.sources.items()
        if visible is None or name in visible
    ]
    tables: dict[str, StoredTable | pa.Table] = {
        schemas.SOURCES.name: pa.Table.from_pylist(sources, schema=schemas.SOURCES.schema)
    }
    for table in PINNED_TABLES:
        pinned, stored = TableVersion.parse(release.tables[table.name]), known_table(home, table.name)
        if stored.version(pinned.version) != pinned:
            problem = f"table {table.name} is not the one that release {release.release} was made of"
            raise ConfigurationError(problem, cure="run: omni ingest")
        present = stored.open(pinned.version).schema.names  # an earlier version of omni may have made it
        names = tuple(column.name for column in _readable_columns(table) if column.name in present)
        tables[table.name] = StoredTable(str(stored.path), pinned.version, names, where)
    return tables


def _entries(home: Home) -> pa.Table:
    rows = [
        entry.model_dump() | {"tags": list(entry.tags), "metadata": orjson.dumps(entry.metadata).decode()}
        for entry in list_entries(home)
    ]
    return pa.Table.from_pylist(rows, schema=schemas.ENTRIES.schema)


def _releases(home: Home) -> pa.Table:
    records = (read_with_checksum(home, release.release) for release in list_releases(home))
    rows = [
        {
            "release": release.release,
            "created_at": release.created_at,
            "run_id": release.run_id,
            **{table.name: release.counts[table.name] for table in PINNED_TABLES},
            "keyword_entries": release.keyword.entries,
            "indexed_vectors": release.indexed_vectors,
            "keyword_generation": release.keyword.generation,
            **{name: release.fingerprints[name] for name in ("readers", "chunker", "embedder")},
            "checksum": checksum,
        }
        for release, checksum in filter(None, records)
    ]
    return pa.Table.from_pylist(rows, schema=schemas.RELEASES.schema)


def _refusal(message: str, sql: str) -> ConfigurationError:
    """DuckDB's message; an unknown column or table is reported in our own words."""
    if column := _COLUMN.search(message):
        used = sorted({each.name for each in columns() if re.search(rf"\b{each.table}\b", sql, re.IGNORECASE)})
        cure = nearest(column[1].lower(), used, f"their columns: {', '.join(used)}")
        return ConfigurationError(f"there is no column {column[1]!r} in these tables", cure=cure)
    if table := _TABLE.search(message):
        name, tables = table[1] or table[2], sorted({each.table for each in columns()})
        cure = nearest(name.lower(), tables, f"tables: {', '.join(tables)}")
        return ConfigurationError(f"there is no table {name!r}", cure=cure)
    suggestion = re.search(r'Did you mean "([^"]+)"', message)
    cure = f"did you mean {suggestion[1]}?" if suggestion else "tables and columns: omni sql, without a statement"
    return ConfigurationError(": ".join(["the statement was refused", *message.splitlines()[:1]]), cure=cure)
