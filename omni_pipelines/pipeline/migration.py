"""Brings the tables of an earlier version of omni to the columns of this one, before anything is written to them.

Columns are added with empty values, and each row is marked as outdated, so that the next run makes it again. Released
versions stay as they are: readers see the empty values in them (`native.lance_tables`).
"""

from datetime import UTC, datetime

import pyarrow as pa

from native import lance_columns
from native.durable import write_whole
from omni_pipelines import progress
from omni_pipelines.home import Home
from omni_pipelines.records import Migration
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, QUARANTINE, TABLES, has_type
from omni_pipelines.steps.step_records import reset_steps
from omni_pipelines.tables import known_table

_MARKED = {DOCUMENTS.name: "parser", QUARANTINE.name: "stat", CHUNKS.name: "chunker", EMBEDDINGS.name: "path"}
"""Table to a column by which its step sees that a row is outdated."""
_MARK = "outdated"


def migrate_tables(home: Home) -> None:
    """Add the columns that tables lack. Hold the writer lock. A call after a kill does the rest.

    The steps are reset first: if the process dies after a table was changed, they are stale all the same.
    """
    plans = [plan for name in TABLES if (plan := _plan(home, name)) is not None]
    if not plans:
        return
    reset_steps(home)
    for number, plan in enumerate(plans):
        progress.report("adding columns", number, len(plans), "tables")
        _note(home, plan)
        table = known_table(home, plan.table)
        for name, new_name in plan.renamed.items():
            lance_columns.rename_column(table, name, new_name)
        lance_columns.set_column(table, _MARKED[plan.table], _MARK)
        schema = TABLES[plan.table].schema
        lance_columns.add_columns(table, [schema.field(name) for name in plan.columns])


def _plan(home: Home, name: str) -> Migration | None:
    table = known_table(home, name)
    if not table.exists():
        return None
    stored = table.open().schema
    taken = {
        column.name
        for column in TABLES[name].schema
        if column.name in stored.names and _is_of_user(stored.field(column.name), column)
    }
    columns = tuple(column for column in TABLES[name].schema.names if column not in stored.names or column in taken)
    if not columns:
        return None
    renamed = {column: _free_name(column, stored) for column in taken}
    return Migration(table=name, columns=columns, renamed=renamed, before=str(table.head()), at=datetime.now(UTC))


def _is_of_user(stored: pa.Field, defined: pa.Field) -> bool:
    """Whether a user added a column that now has the name of one of ours: users cannot describe columns."""
    differs = not has_type(stored, defined) or stored.nullable != defined.nullable
    return differs and b"description" not in (stored.metadata or {})


def _free_name(name: str, stored: pa.Schema) -> str:
    names = (f"{name}_{number}" for number in range(2, len(stored) + 3))
    return next(each for each in names if each not in stored.names)


def _note(home: Home, plan: Migration) -> None:
    """Record a migration before it begins."""
    before = home.migrations.read_bytes() if home.migrations.exists() else b""
    write_whole(home.migrations, before + plan.model_dump_json().encode() + b"\n")
