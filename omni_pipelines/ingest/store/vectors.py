"""Vectors of a pass that another home overtook: embedding is the dear part, and the next pass copies from them."""

from __future__ import annotations

import os
import shutil

from native.durable import PART
from native.lance_tables import LanceTable
from omni_pipelines.ingest.store.records import StoredRelease
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.settings import Home

_NAME = "vectors.lance"


def keep_vectors(home: Home, known: StoredRelease | None) -> None:
    """Copy what the head holds, unless that is what the home published or took over last."""
    table = LanceTable(home.table(EMBEDDINGS.name))
    if not table.exists() or (known is not None and str(table.head()) == known.heads.get(EMBEDDINGS.name)):
        return
    part = home.shared / f".{_NAME}{PART}"
    shutil.rmtree(part, ignore_errors=True)
    table.copy(part, table.head().version)
    drop_vectors(home)
    os.rename(part, home.shared / _NAME)


def kept_vectors(home: Home) -> LanceTable | None:
    """What was kept; None if nothing was."""
    found = LanceTable(home.shared / _NAME)
    return found if found.exists() else None


def drop_vectors(home: Home) -> None:
    """They were copied, or are of no use."""
    shutil.rmtree(home.shared / _NAME, ignore_errors=True)
