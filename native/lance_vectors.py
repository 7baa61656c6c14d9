"""The vector index of a Lance table: built by LanceDB, searched through Lance's scanner.

LanceDB stays on the write side: importing it costs 1 s of CPU and its search adds 3 ms a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from native.errors import TableCorrupt, engine_errors
from native.lance_tables import LanceTable, missing_files
from native.row_cache import rows_of

COLUMN = "vector"
INDEX = "vector_idx"
FIRST_ROWS = 5_000
"""Below this a flat scan is as fast as the index, and exact."""
MAX_DELTAS = 8
"""Each refresh adds a delta; beyond this many the index is trained anew."""
ROWS_PER_PARTITION = 8_192
"""What Lance trains IVF_SQ with; half of the partitions are probed, at least 8."""
KIND = "ivf_sq"
"""What is built unless another kind is asked for: exact to three digits, and made in a tenth of a second."""
REFINES = {KIND: 2, "ivf_flat": 2, "ivf_rq": 10, "ivf_pq": 10, "ivf_hnsw_sq": 2}
"""Kinds that are worth having for our vectors, and how many times as many rows as asked for are ranked anew by their
exact distance: the coarser the kind, the more. What the index reports is of no use: IVF_SQ says 2 x (1 - cosine), and
a single row that is not indexed yet changes the scale of all of them."""


@dataclass(frozen=True)
class Coverage:
    """How much of a table its vector index holds."""

    rows: int
    indexed: int
    deltas: int
    kind: str = ""
    """A key of `REFINES`; "" without an index."""

    @property
    def complete(self) -> bool:
        """Every row is in the index, or the table is small enough to be scanned."""
        return self.indexed == self.rows or (self.deltas == 0 and self.rows < FIRST_ROWS)


def coverage(table: LanceTable, version: int | None = None) -> Coverage:
    """What the index covers at `version`. Without an index, rows are scanned exactly."""
    return _coverage(table.open(version))


def _coverage(dataset: Any) -> Coverage:
    rows = dataset.count_rows()
    for index in dataset.describe_indices():
        if index.name == INDEX:
            return Coverage(rows, int(index.num_rows_indexed), len(index.segments), str(index.index_type).lower())
    return Coverage(rows, 0, 0)


def build(table: LanceTable, kind: str = "") -> Coverage:
    """Bring the index up to the head: nothing, a first build, a delta for new rows, or a new training.

    With `kind`, a key of `REFINES`, it becomes one of that kind, however few rows there are, and stays one until
    another is asked for.
    """
    before = coverage(table)
    other = kind not in ("", before.kind)
    if before.complete and not other:
        return before
    if other or before.deltas == 0 or before.deltas >= MAX_DELTAS or before.rows > 2 * before.indexed:
        _train(table, kind or before.kind or KIND)
    else:
        with table.lease() as dataset:
            dataset.optimize.optimize_indices(index_names=[INDEX])
    return coverage(table)


def drop(table: LanceTable) -> None:
    """Forget the index, for instance because its files are damaged; it can be built again from the rows."""
    with table.lease() as dataset:
        dataset.drop_index(INDEX)


def drop_if_built(table: LanceTable) -> None:
    """Forget the index, if there is one."""
    if any(index.name == INDEX for index in table.open().describe_indices()):
        drop(table)


def _train(table: LanceTable, kind: str) -> None:
    import lancedb

    database = lancedb.connect(table.path.parent)
    database.open_table(table.name).create_index(COLUMN, config=_config(kind), name=INDEX)


def _config(kind: str) -> Any:
    from lancedb import index

    if kind == "ivf_pq":  # with Lance's own numbers training takes 17 times as long, for the same answers
        return index.IvfPq(distance_type="cosine", sample_rate=32, max_iterations=10)
    kinds = {
        "ivf_sq": index.IvfSq,
        "ivf_flat": index.IvfFlat,
        "ivf_rq": index.IvfRq,
        "ivf_hnsw_sq": index.IvfHnswSq,
    }
    return kinds[kind](distance_type="cosine")


def nearest(
    table: LanceTable,
    vector: np.ndarray,
    k: int,
    *,
    key: str,
    where: str | None = None,
    version: int | None = None,
) -> list[tuple[str, float]]:
    """The `k` nearest rows to `vector` (d,): their keys with cosines, highest first, ties by key.

    `where` is applied before the top k: k rows come back if k rows match. Several times as many rows are proposed by
    a coarse distance and ranked by their exact one: by a scan where the vectors are in memory, else by the index.
    """
    dataset = table.open(version)
    rows = rows_of(table, key, dataset.version, COLUMN)
    failed = engine_errors(f"table {table.name} cannot be searched", corrupt=TableCorrupt, cure="run: omni ingest")
    with failed, missing_files(table.name):
        if rows.in_memory:
            proposed = rows.scan(vector, k * REFINES[KIND], where)
        else:
            refine = REFINES.get(_coverage(dataset).kind, REFINES[KIND])
            proposed = rows.find_row_ids(_ask_index(dataset, vector, k * refine, where))
        exact = _cosines(rows.vectors(proposed, COLUMN), vector)
    best = rows.ordered(proposed, exact)[:k]
    return list(zip(rows.keys(proposed[best]), exact[best].tolist(), strict=True))


def _ask_index(dataset: Any, vector: np.ndarray, k: int, where: str | None) -> np.ndarray:
    """Row ids of about the `k` nearest rows.

    More partitions are probed until k rows are found. Lance can rank by exact distances itself, at three times the
    CPU, for it fetches every row from disk.
    """
    query: dict[str, Any] = {
        "column": COLUMN,
        "q": vector.astype(np.float16),
        "k": k,
        "metric": "cosine",
        "minimum_nprobes": max(8, dataset.count_rows() // ROWS_PER_PARTITION // 2),
    }
    found = dataset.scanner(
        columns=["_distance"], with_row_id=True, nearest=query, filter=where, prefilter=where is not None
    ).to_table()
    return np.asarray(found["_rowid"].to_numpy())


def cosines(
    table: LanceTable, vector: np.ndarray, keys: Sequence[str], *, key: str, version: int | None = None
) -> dict[str, float]:
    """The cosines to `vector` (d,) of the rows with these keys, those that are there."""
    rows = rows_of(table, key, version, COLUMN, counts=False)
    places = rows.find(keys)
    with missing_files(table.name):
        exact = _cosines(rows.vectors(places[places >= 0], COLUMN), vector)
    there = [name for name, place in zip(keys, places.tolist(), strict=True) if place >= 0]
    return dict(zip(there, exact.tolist(), strict=True))


def _cosines(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Cosines (n,) of vectors (n, d) to a query (d,), which counts as rounded to float16 like them."""
    wanted = query.astype(np.float16).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(wanted)
    return vectors @ wanted / np.maximum(lengths, np.float32(1e-12))
