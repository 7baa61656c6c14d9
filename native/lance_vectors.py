"""The vector index of a Lance table: built by LanceDB, searched through Lance's scanner.

LanceDB stays on the write side: importing it costs 1 s of CPU and its search adds 3 ms a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from native.errors import TableCorrupt, engine_errors
from native.lance_tables import LanceTable, missing_files

COLUMN = "vector"
INDEX = "vector_idx"
FIRST_ROWS = 5_000
"""Below this a flat scan is as fast as the index, and exact."""
MOST_DELTAS = 8
"""Each refresh adds a delta; beyond this many the index is trained anew."""
ROWS_PER_PARTITION = 8_192
"""What Lance trains IVF_SQ with; half of the partitions are probed, at least 8."""
REFINE = 2
"""Re-rank twice as many rows by their exact distance. Without it IVF_SQ reports 2 x (1 - cosine), and a single
row that is not indexed yet changes the scale of all of them."""


@dataclass(frozen=True)
class Coverage:
    """How much of a table its vector index holds."""

    rows: int
    indexed: int
    deltas: int

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
            return Coverage(rows, int(index.num_rows_indexed), len(index.segments))
    return Coverage(rows, 0, 0)


def build(table: LanceTable) -> Coverage:
    """Bring the index up to the head: nothing, a first build, a delta for new rows, or a new training."""
    before = coverage(table)
    if before.complete:
        return before
    if before.deltas == 0 or before.deltas >= MOST_DELTAS or before.rows > 2 * before.indexed:
        _train(table)
    else:
        table.open().optimize.optimize_indices(index_names=[INDEX])
    return coverage(table)


def drop(table: LanceTable) -> None:
    """Forget the index, for instance because its files are damaged; it can be built again from the rows."""
    table.open().drop_index(INDEX)


def drop_if_built(table: LanceTable) -> None:
    """Forget the index, if there is one."""
    if any(index.name == INDEX for index in table.open().describe_indices()):
        drop(table)


def _train(table: LanceTable) -> None:
    import lancedb
    from lancedb.index import IvfSq

    database = lancedb.connect(table.path.parent)
    database.open_table(table.name).create_index(COLUMN, config=IvfSq(distance_type="cosine"), name=INDEX)


def nearest(
    table: LanceTable,
    vector: np.ndarray,
    k: int,
    *,
    key: str,
    where: str | None = None,
    version: int | None = None,
) -> list[tuple[str, float]]:
    """The `k` nearest rows to `vector` (d,): their keys with cosines, highest first.

    `where` is applied before the top k, and more partitions are probed until k rows are found: k rows come back
    if k rows match.
    """
    dataset = table.open(version)
    query: dict[str, Any] = {
        "column": COLUMN,
        "q": vector.astype(np.float16),
        "k": k,
        "metric": "cosine",
        "refine_factor": REFINE,
        "minimum_nprobes": max(8, dataset.count_rows() // ROWS_PER_PARTITION // 2),
    }
    failed = engine_errors(f"table {table.name} cannot be searched", corrupt=TableCorrupt, cure="run: omni ingest")
    with failed, missing_files(table.name):
        rows = dataset.scanner(
            columns=[key, "_distance"], nearest=query, filter=where, prefilter=where is not None
        ).to_table()
    pairs = zip(rows[key].to_pylist(), rows["_distance"].to_pylist(), strict=True)
    return [(name, 1.0 - distance) for name, distance in pairs]
