"""The tables of a home, opened or made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from native.lance_codecs import Codec, with_codecs
from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.settings import Home, load_settings


def stored(
    home: Home, definition: schemas.Table, columns: Sequence[str], where: str | None = None
) -> list[dict[str, Any]]:
    """Rows of a table as dicts; none where the table is missing, and it is not made."""
    found = LanceTable(home.table(definition.name))
    rows: list[dict[str, Any]] = found.read(columns, where).to_pylist() if found.exists() else []
    return rows


def table(home: Home, definition: schemas.Table) -> LanceTable:
    """A table; created empty where it is missing."""
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
