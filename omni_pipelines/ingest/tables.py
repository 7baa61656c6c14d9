"""The tables of a home, opened or made."""

from __future__ import annotations

from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.settings import Home


def table(home: Home, definition: schemas.Table) -> LanceTable:
    """A table; created empty where it is missing."""
    found = LanceTable(home.table(definition.name))
    found.create(definition.schema)
    return found
