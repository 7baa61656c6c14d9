"""faiss, the exact index: a product of the query with every vector in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.child import DIMENSIONS, Search

PACKAGES = ("faiss-cpu==1.15.1",)


def vector_index(vectors: Any, target: Path) -> Search:
    """Add the vectors."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(DIMENSIONS)
    index.add(vectors)
    return lambda query, k: index.search(query[None], k)[1][0]
