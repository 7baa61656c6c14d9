"""usearch: a graph (HNSW) over vectors in 8 bits, 128 candidates for a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.child import DIMENSIONS, Search

PACKAGES = ("usearch==2.26.6",)


def vector_index(vectors: Any, target: Path) -> Search:
    """Build the graph with one thread."""
    import numpy as np
    from usearch.index import Index

    index = Index(ndim=DIMENSIONS, metric="cos", dtype="i8", expansion_search=128)
    index.add(np.arange(len(vectors)), vectors, threads=1)
    return lambda query, k: index.search(query, k, threads=1).keys
