"""faiss with 8 bits for each component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.child import DIMENSIONS, Search

PACKAGES = ("faiss-cpu==1.15.1",)


def vector_index(vectors: Any, target: Path) -> Search:
    """Train the ranges, and add the vectors."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexScalarQuantizer(DIMENSIONS, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return lambda query, k: index.search(query[None], k)[1][0]
