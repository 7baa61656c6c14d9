"""The tables of a home, opened or made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.settings import Home


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
    found.create(definition.schema)
    return found
