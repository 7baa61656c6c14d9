"""Rows of the table of embeddings, with random vectors."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from omni_pipelines.schemas import EMBEDDINGS, VECTOR_SIZE


def vectors(count: int, seed: int) -> np.ndarray:
    """Random unit vectors (count, d), float32."""
    matrix = np.random.default_rng(seed).normal(size=(count, VECTOR_SIZE)).astype(np.float32)
    units: np.ndarray = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return units


def rows(names: list[str], seed: int = 0, source: str = "docs") -> pa.Table:
    matrix = vectors(len(names), seed).astype(np.float16)
    constant = {"model": "m", "source": source, "path": "p", "language": "", "kind": "prose"}
    stamps = {"acl": [], "modified": datetime(2026, 1, 1, tzinfo=UTC)}
    columns = {
        "chunk_id": names,
        "text_hash": names,
        **{name: [value] * len(names) for name, value in (constant | stamps).items()},
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), VECTOR_SIZE),
    }
    return pa.table(columns, schema=EMBEDDINGS.schema)


def numbered(first: int, last: int) -> list[str]:
    return [f"k{number}" for number in range(first, last)]
