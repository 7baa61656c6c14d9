"""hnswlib: a graph (HNSW) over vectors in float32, 16 neighbours for a vector, 128 candidates for a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.child import DIMENSIONS, Search

PACKAGES = ("hnswlib==0.8.0",)


def vector_index(vectors: Any, target: Path) -> Search:
    """Build the graph with one thread."""
    import hnswlib

    index = hnswlib.Index(space="ip", dim=DIMENSIONS)
    index.init_index(max_elements=len(vectors), M=16, ef_construction=200)
    index.set_num_threads(1)
    index.add_items(vectors)
    index.set_ef(128)
    return lambda query, k: index.knn_query(query, k=k)[0][0]
