"""Whether the other homes know the sources of this one."""

from __future__ import annotations

from omni_pipelines.home import Home
from omni_pipelines.sharing.records import read_copy
from omni_pipelines.sources.membership import read_membership
from omni_pipelines.sources.registry import load_sources


def is_published(home: Home) -> bool:
    """Whether the homes that share a store know the registry as it is here. True where nothing is shared."""
    membership = read_membership(home)
    known = read_copy(home, membership.release) if membership is not None and membership.release else None
    return known is None or known.sources == load_sources(home)
