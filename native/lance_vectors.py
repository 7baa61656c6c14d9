"""The vector index of a Lance table: LanceDB or the workers of a cluster build it, Lance's scanner searches it.

LanceDB is used for writing only: its import costs 1 s of CPU, and its search adds 3 ms to a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from native.lance_paths import lance_path
from native.lance_segments import Segments, train_in_segments
from native.lance_tables import LanceTable
from native.row_cache import row_index

if TYPE_CHECKING:
    from lance import LanceDataset
    from lance.lance.indices import IndexDescription

COLUMN = "vector"
INDEX = "vector_idx"
FIRST_ROWS = 5_000
"""Below this many rows a scan is as fast as an index, and exact."""
MAX_DELTAS = 8
"""Each update adds a delta; once there are this many, the next one joins all but the trained part."""
MAX_GROWTH = 2
"""A table with more than this many times the rows that its index was trained with has the index trained again."""
ROWS_PER_PARTITION = 8_192
"""Lance's default for training IVF_SQ. A search probes half of the partitions, and at least 8."""
FEW_ROWS = 1_000
"""Up to this many rows are added to an index faster than a process starts."""
KIND = "ivf_sq"
"""The default kind: exact to three digits, and built in a tenth of the time of others."""
CANDIDATES_PER_ROW = {KIND: 2, "ivf_flat": 2, "ivf_rq": 10, "ivf_pq": 10, "ivf_hnsw_sq": 2}
"""The kinds that are worthwhile for our vectors. For each row asked for, this many candidates are ranked by their
exact distance: the coarser the kind, the more. The distances that the index reports are not used: IVF_SQ reports 2 x
(1 - cosine), and a single row outside the index changes the scale of all of them."""


@dataclass(frozen=True)
class IndexCoverage:
    """How many rows of a table its vector index covers."""

    rows: int
    indexed: int
    deltas: int
    kind: str = ""
    """A key of `CANDIDATES_PER_ROW`; "" without an index."""
    trained: int = 0
    """Rows of the part that was trained. Deltas are assigned to its partitions."""

    @property
    def complete(self) -> bool:
        """Whether every row is in the index, or the table is small enough for a scan."""
        return self.indexed == self.rows or (self.deltas == 0 and self.rows < FIRST_ROWS)

    @property
    def lacks_little(self) -> bool:
        """Whether a build only adds a few rows to the index, and does not train it again."""
        return not self.needs_training and self.rows - self.indexed <= FEW_ROWS

    @property
    def needs_training(self) -> bool:
        """Whether there is no index, or the table has more than `MAX_GROWTH` times the rows it was trained with."""
        return self.deltas == 0 or self.rows > MAX_GROWTH * self.trained


def coverage(table: LanceTable, version: int | None = None) -> IndexCoverage:
    """The coverage of the index at `version`. Without an index, searches scan the rows."""
    return _coverage(table.open(version))


def _coverage(dataset: LanceDataset) -> IndexCoverage:
    rows, index = dataset.count_rows(), _index(dataset)
    if index is None:
        return IndexCoverage(rows, 0, 0)
    of_trained = index.segments[0].fragment_ids
    trained = sum(each.count_rows() for each in dataset.get_fragments() if each.fragment_id in of_trained)
    return IndexCoverage(rows, index.num_rows_indexed, len(index.segments), index.index_type.lower(), trained)


def _index(dataset: LanceDataset) -> IndexDescription | None:
    return next((index for index in dataset.describe_indices() if index.name == INDEX), None)


def build(table: LanceTable, kind: str = "", segments: Segments | None = None) -> IndexCoverage:
    """Bring the index up to the head: with a first build, a delta for new rows, a new training, or nothing.

    To train the index of 100,000 rows costs a thousand times as much as to add a delta or to join small ones.

    Args:
        table: with the vectors.
        kind: a key of `CANDIDATES_PER_ROW`: an index of that kind is built, even for few rows. It keeps its kind
            until another one is given.
        segments: how workers train a large index, if there are any.
    """
    before = coverage(table)
    other_kind = kind not in ("", before.kind)
    if before.complete and not other_kind:
        return before
    if other_kind or before.needs_training:
        _train(table, kind or before.kind or KIND, segments)
    else:
        joined = before.deltas - 1 if before.deltas >= MAX_DELTAS else 0
        with table.lease() as dataset:
            dataset.optimize.optimize_indices(index_names=[INDEX], num_indices_to_merge=joined)
    return coverage(table)


def drop(table: LanceTable) -> None:
    """Delete the index if there is one. It can be built again from the rows."""
    if _index(table.open()) is not None:
        with table.lease() as dataset:
            dataset.drop_index(INDEX)


def _train(table: LanceTable, kind: str, segments: Segments | None) -> None:
    if segments is not None:
        with table.lease() as dataset:
            partitions = max(1, dataset.count_rows() // ROWS_PER_PARTITION)
            if train_in_segments(dataset, COLUMN, INDEX, kind, partitions, segments):
                return
    import lancedb
    from lancedb import index

    configs = {
        "ivf_sq": index.IvfSq,
        "ivf_flat": index.IvfFlat,
        "ivf_rq": index.IvfRq,
        "ivf_hnsw_sq": index.IvfHnswSq,
    }
    if kind == "ivf_pq":  # with Lance's defaults training takes 17 times as long, for the same hits
        config = index.IvfPq(distance_type="cosine", sample_rate=32, max_iterations=10)
    else:
        config = configs[kind](distance_type="cosine")
    database = lancedb.connect(Path(lance_path(table.path)).parent)
    database.open_table(table.name).create_index(COLUMN, config=config, name=INDEX)


def nearest(
    table: LanceTable,
    vector: np.ndarray,
    k: int,
    *,
    key: str,
    where: str | None = None,
    version: int | None = None,
) -> list[tuple[str, float]]:
    """The keys of the `k` rows nearest to `vector` (d,) with their cosines, highest first, ties by key.

    `where` applies before the top k: if k rows match, k rows come back. Candidates are found by an approximate
    distance, with a scan if the vectors are in memory and else with the index, and then ranked by their exact
    cosines.
    """
    dataset = table.open(version)
    rows = row_index(table, key, dataset.version, COLUMN)
    with table.reading():
        if rows.in_memory:
            candidates = rows.scan(vector, k * CANDIDATES_PER_ROW[KIND], where)
        else:
            index = _index(dataset)
            kind = index.index_type.lower() if index is not None else KIND
            per_row = CANDIDATES_PER_ROW.get(kind, CANDIDATES_PER_ROW[KIND])
            candidates = rows.find_row_ids(_search_index(dataset, vector, k * per_row, where))
        exact = _cosines(rows.vectors(candidates, COLUMN), vector)
    best = rows.order(candidates, exact)[:k]
    return list(zip(rows.keys(candidates[best]), exact[best].tolist(), strict=True))


def _search_index(dataset: LanceDataset, vector: np.ndarray, k: int, where: str | None) -> np.ndarray:
    """Row ids of approximately the `k` nearest rows.

    Lance probes more partitions until it has k rows. It could rank by exact distances itself, at three times the CPU,
    because it reads every row from disk.
    """
    query = {
        "column": COLUMN,
        "q": _as_arrow(vector.astype(np.float16).astype(np.float32)),
        "k": k,
        "metric": "cosine",
        "minimum_nprobes": max(8, dataset.count_rows() // ROWS_PER_PARTITION // 2),
    }
    scanner = dataset.scanner(
        columns=["_distance"], with_row_id=True, nearest=query, filter=where, prefilter=where is not None
    )
    return np.asarray(scanner.to_table()["_rowid"].to_numpy())


def _as_arrow(vector: np.ndarray) -> pa.Array:
    """A vector (d,), float32, as Lance takes it. Its own conversion imports numpy.ma: 15 ms."""
    return pa.Array.from_buffers(pa.float32(), len(vector), [None, pa.py_buffer(vector)])


def cosines(
    table: LanceTable, vector: np.ndarray, keys: Sequence[str], *, key: str, version: int | None = None
) -> dict[str, float]:
    """The cosines to `vector` (d,) of the rows with these keys; unknown keys are left out."""
    rows = row_index(table, key, version, COLUMN, uses=0)
    positions = rows.find(keys)
    with table.reading():
        exact = _cosines(rows.vectors(positions[positions >= 0], COLUMN), vector)
    known = [name for name, position in zip(keys, positions.tolist(), strict=True) if position >= 0]
    return dict(zip(known, exact.tolist(), strict=True))


def _cosines(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Cosines (n,) of vectors (n, d) to a query (d,), which is rounded to float16 as they are."""
    rounded = query.astype(np.float16).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(rounded)
    return vectors @ rounded / np.maximum(lengths, np.float32(1e-12))
