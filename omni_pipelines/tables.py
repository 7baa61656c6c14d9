"""The tables of a home, opened or made."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from native.lance_codecs import Codec, with_codecs
from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.rows import Row, rows_of


def read_rows(
    home: Home, definition: schemas.Table, kind: type[Row], columns: Sequence[str], where: str | None = None
) -> list[Row]:
    """Rows of a table at its head, with these columns; none if the table is missing, and it is not created."""
    found = LanceTable(home.table(definition.name))
    return rows_of(found.read(columns, where), kind) if found.exists() else []


def open_table(home: Home, definition: schemas.Table) -> LanceTable:
    """A table; it is created empty if it is missing."""
    found = LanceTable(home.table(definition.name))
    if not found.exists():
        found.create(stored_schema(home, definition))
    return found


def stored_schema(home: Home, definition: schemas.Table) -> pa.Schema:
    """The columns of a table with the codecs that the settings give them."""
    chosen = {
        name.removeprefix(f"{definition.name}."): Codec.parse(codec)
        for name, codec in load_settings(home).codecs.items()
        if name.startswith(f"{definition.name}.")
    }
    return with_codecs(definition.schema, chosen)
