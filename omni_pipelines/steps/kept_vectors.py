"""Vectors kept from a run that another home overtook; the next run copies them."""

from __future__ import annotations

import shutil

from native.lance_tables import LanceTable
from omni_pipelines.home import Home

KEPT = "vectors.lance"


def kept_vectors(home: Home) -> LanceTable | None:
    """What was kept; None if nothing was."""
    found = LanceTable(home.shared / KEPT)
    return found if found.exists() else None


def drop_vectors(home: Home) -> None:
    """They were copied, or are of no use."""
    shutil.rmtree(home.shared / KEPT, ignore_errors=True)
