"""Vectors of a pass that another home overtook: embedding is the dear part, and the next pass copies from them."""

from __future__ import annotations

import os
import shutil

from native import lance_maintenance
from native.durable import PART
from native.errors import TableCorrupt
from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.sharing.records import StoredRelease
from omni_pipelines.steps.kept_vectors import KEPT, drop_vectors


def keep_vectors(home: Home, known: StoredRelease | None) -> None:
    """Copy what the head holds, unless that is what the home published or took over last."""
    table = LanceTable(home.table(EMBEDDINGS.name))
    try:
        if not table.exists() or (known is not None and str(table.head()) == known.heads.get(EMBEDDINGS.name)):
            return
    except TableCorrupt:  # a power cut left it so, and a reading command comes before recovery
        return
    part = home.shared / f".{KEPT}{PART}"
    shutil.rmtree(part, ignore_errors=True)
    lance_maintenance.copy(table, part, table.head().version)
    drop_vectors(home)
    os.rename(part, home.shared / KEPT)
