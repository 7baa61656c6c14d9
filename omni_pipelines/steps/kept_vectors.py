"""Vectors of a run that another home overtook. Embedding is expensive, so the next run copies them."""

import os
import shutil

from native import lance_maintenance
from native.durable import PART
from native.errors import TableCorrupt
from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.schemas import EMBEDDINGS

_NAME = "vectors.lance"


def kept_vectors(home: Home) -> LanceTable | None:
    """The table of kept vectors; None if there is none."""
    table = LanceTable(home.shared / _NAME)
    return table if table.exists() else None


def keep_vectors(home: Home, published_head: str | None) -> None:
    """Copy the head of the embeddings, unless it is the head that the home last published or took over."""
    table = LanceTable(home.table(EMBEDDINGS.name))
    try:
        if not table.exists() or str(table.head()) == published_head:
            return
    except TableCorrupt:  # by a power cut, and a command that reads has not run recovery
        return
    part = home.shared / f".{_NAME}{PART}"
    shutil.rmtree(part, ignore_errors=True)
    lance_maintenance.copy(table, part, table.head().version)
    drop_vectors(home)
    os.rename(part, home.shared / _NAME)


def drop_vectors(home: Home) -> None:
    """Delete the kept vectors."""
    shutil.rmtree(home.shared / _NAME, ignore_errors=True)
