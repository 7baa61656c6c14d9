"""SQL over everything a release holds and everything that was asked and measured. It reads, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from omni_pipelines.knowledge.state.access import Reader, visible_sources
from omni_pipelines.knowledge.state.releases import list_releases, read_checked, require_release
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

AT_A_RELEASE = (DOCUMENTS, CHUNKS, EMBEDDINGS, SOURCES)
"""Tables that are as they were in the release."""
AS_THEY_ARE = (QUARANTINE, ENTRIES, RELEASES, GATE_RESULTS, QUESTIONS, ANSWERS)
"""Tables that belong to no release."""
SECONDS = 30.0
MAX_ROWS = 1_000
_COLUMN = re.compile(r'Referenced column "([^"]*)"')
_TABLE = re.compile(r'Table with name "?([\w.]+)"? does not exist|Referenced table "([^"]*)" not found')


@dataclass(frozen=True)
class Column:
    """A column that can be asked for."""

    table: str
    name: str
    type: str
    says: str


def columns() -> list[Column]:
    """Every column of every table, in order. Vectors are left out: they say nothing to a reader."""
    return [
        Column(table.name, column.name, str(column.type), description(column))
        for table in (*AT_A_RELEASE, *AS_THEY_ARE)
        for column in _shown(table)
    ]


def _shown(table: Table) -> list[pa.Field]:
    return [column for column in table.schema if not pa.types.is_fixed_size_list(column.type)]


def run_sql(
    home: Home,
    sql: str,
    release: int | None = None,
    *,
    most: int = MAX_ROWS,
    seconds: float = SECONDS,
    reader: Reader | None = None,
) -> tuple[Release, QueryResult]:
    """The rows of one SELECT over the tables of a release, the newest if none is named.

    To a reader there are only the tables that say where a row comes from, and in them the rows this reader may see.

    Raises:
        ConfigurationError: there is no such release; or the statement is wrong, changes something, or takes too long.
        EngineError: a table is gone or damaged.
    """
    pinned = require_release(home, release)
    return pinned, ask_tables(sql, _tables(home, pinned, reader), most=most, seconds=seconds)


def ask_tables(sql: str, tables: Mapping[str, Any], *, most: int = MAX_ROWS, seconds: float = SECONDS) -> QueryResult:
    """The rows of one SELECT over any tables.

    Raises:
        ConfigurationError: the statement is wrong, changes something, or takes too long.
        EngineError: a table is gone or damaged.
    """
    try:
        return select(sql, tables, max_rows=most, seconds=seconds)
    except StatementRefused as error:
        raise ConfigurationError(_message(error.message), cure=_cure(error.message, sql)) from error


def _tables(home: Home, release: Release, reader: Reader | None) -> Mapping[str, Any]:
    if reader is not None:
        visible = sorted(visible_sources(home, release, reader))
        where = is_in("source", visible)
        sources = _sources(release)
        return {
            **{table.name: _pinned(home, release, table, where) for table in (DOCUMENTS, CHUNKS, EMBEDDINGS)},
            SOURCES.name: sources.filter(pc.is_in(sources["source"], pa.array(visible, pa.string()))),
        }
    return {
        **{table.name: _pinned(home, release, table) for table in (DOCUMENTS, CHUNKS, EMBEDDINGS)},
        SOURCES.name: _sources(release),
        QUARANTINE.name: _quarantine(home),
        ENTRIES.name: _entries(home),
        RELEASES.name: _releases(home),
        **{table.name: journal.read(home, table) for table in (GATE_RESULTS, QUESTIONS, ANSWERS)},
    }


def _pinned(home: Home, release: Release, table: Table, where: str | None = None) -> Any:
    pinned, stored = TableVersion.parse(release.tables[table.name]), LanceTable(home.table(table.name))
    if stored.version(pinned.version) != pinned:
        raise ConfigurationError(
            f"table {table.name} is not the one that release {release.release} was made of", cure="run: omni ingest"
        )
    return stored.scanner([column.name for column in _shown(table)], where, pinned.version)


def _sources(release: Release) -> pa.Table:
    rows = [
        {"source": name, "place": it.place, "seen": it.seen, "documents": it.documents}
        for name, it in release.sources.items()
    ]
    return pa.Table.from_pylist(rows, schema=SOURCES.schema)


def _quarantine(home: Home) -> pa.Table:
    stored = LanceTable(home.table(QUARANTINE.name))
    return stored.read() if stored.exists() else QUARANTINE.schema.empty_table()


def _entries(home: Home) -> pa.Table:
    fields = [entry.model_dump() for entry in list_entries(home)]
    rows = [
        {**each, "tags": list(each["tags"]), "metadata": orjson.dumps(each["metadata"]).decode()} for each in fields
    ]
    return pa.Table.from_pylist(rows, schema=ENTRIES.schema)


def _releases(home: Home) -> pa.Table:
    found = [read_checked(home, release.release) for release in list_releases(home)]
    rows = [_release(*each) for each in found if each is not None]
    return pa.Table.from_pylist(rows, schema=RELEASES.schema)


def _release(release: Release, checksum: str) -> dict[str, Any]:
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


def _message(told: str) -> str:
    """The message for a person: what is unknown in our words, everything else as DuckDB says it."""
    column, table = _COLUMN.search(told), _TABLE.search(told)
    if column:
        return f"there is no column {column[1]!r} in these tables"
    if table:
        return f"there is no table {(table[1] or table[2])!r}"
    return f"the statement was refused: {told.splitlines()[0]}" if told else "the statement was refused"


def _cure(told: str, sql: str) -> str:
    column, table = _COLUMN.search(told), _TABLE.search(told)
    every = columns()
    if column:
        named = {each.name for each in every if re.search(rf"\b{each.table}\b", sql, re.IGNORECASE)}
        return nearest(column[1].lower(), sorted(named), f"their columns: {', '.join(sorted(named))}")
    if table:
        tables = sorted({each.table for each in every})
        return nearest((table[1] or table[2]).lower(), tables, f"tables: {', '.join(tables)}")
    near = re.search(r'Did you mean "([^"]+)"', told)
    return f"did you mean {near[1]}?" if near else "tables and columns: omni sql, without a statement"
