"""Open the tables of a home, create them, and read their rows."""

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
    """Return rows of the head of a table with these columns; none if the table does not exist."""
    return rows_of(read_columns(home, definition, columns, where), kind)


def read_columns(home: Home, definition: schemas.Table, columns: Sequence[str], where: str | None = None) -> pa.Table:
    """Return these columns of the head of a table; without rows if the table does not exist."""
    table = known_table(home, definition.name)
    return table.read(columns, where) if table.exists() else definition.schema.empty_table().select(columns)


def known_table(home: Home, name: str) -> LanceTable:
    """Return a table by its name, of which versions may be older than some of its columns."""
    definition = schemas.TABLES.get(name)
    return LanceTable(home.table(name), definition.schema if definition is not None else None)


def open_table(home: Home, definition: schemas.Table) -> LanceTable:
    """Return a table, which is created if it does not exist."""
    table = known_table(home, definition.name)
    if not table.exists():
        table.create(stored_schema(home, definition))
    return table


def stored_schema(home: Home, definition: schemas.Table) -> pa.Schema:
    """Return the schema of a table with the codecs from the settings."""
    codecs = {
        name.removeprefix(f"{definition.name}."): Codec.parse(codec)
        for name, codec in load_settings(home).codecs.items()
        if name.startswith(f"{definition.name}.")
    }
    return with_codecs(definition.schema, codecs)
