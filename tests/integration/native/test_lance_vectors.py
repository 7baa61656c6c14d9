"""The vector index: built from 5,000 rows on, complete after every build, exact about filters and scores."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from lancedb.index import IvfSq

from native import lance_files, lance_maintenance, lance_vectors
from native.filters import is_in
from native.lance_tables import LanceTable
from native.lance_vectors import (
    CANDIDATES_PER_ROW,
    FIRST_ROWS,
    INDEX,
    KIND,
    MAX_DELTAS,
    IndexCoverage,
    build,
    cosines,
    coverage,
    nearest,
)
from omni_pipelines.schemas import EMBEDDINGS, VECTOR_SIZE


def vectors(count: int, seed: int) -> np.ndarray:
    """Random unit vectors (count, d), float32."""
    matrix = np.random.default_rng(seed).normal(size=(count, VECTOR_SIZE)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


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


@pytest.fixture
def table(tmp_path: Path) -> LanceTable:
    table = LanceTable(tmp_path / "embeddings.lance")
    table.create(EMBEDDINGS.schema)
    return table


@pytest.fixture
def indexed(table: LanceTable) -> LanceTable:
    """5,000 rows and their index."""
    table.upsert("chunk_id", rows(numbered(0, FIRST_ROWS)))
    build(table)
    return table


# --- when it is built


def test_one_row_below_the_limit_no_index_is_built(table: LanceTable) -> None:
    table.upsert("chunk_id", rows(numbered(0, FIRST_ROWS - 1)))
    before = table.head()
    assert build(table) == IndexCoverage(FIRST_ROWS - 1, 0, 0)
    assert build(table).complete
    assert table.head() == before


def test_from_the_limit_on_the_index_covers_every_row(indexed: LanceTable) -> None:
    assert coverage(indexed) == IndexCoverage(FIRST_ROWS, FIRST_ROWS, 1, KIND)


def test_a_build_with_nothing_new_makes_no_version(indexed: LanceTable) -> None:
    before = indexed.head()
    build(indexed)
    assert indexed.head() == before


def test_new_rows_become_a_delta(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(["new"], seed=1))
    assert not coverage(indexed).complete
    assert build(indexed) == IndexCoverage(FIRST_ROWS + 1, FIRST_ROWS + 1, 2, KIND)


def test_changed_and_deleted_rows_leave_the_index_complete(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(numbered(0, 50), seed=2))
    indexed.delete(is_in("chunk_id", numbered(50, 100)))
    assert build(indexed).complete
    (found, *_) = nearest(indexed, vectors(50, 2)[7], 3, key="chunk_id")
    assert found[0] == "k7"
    assert found[1] == pytest.approx(1, abs=1e-3)


def test_merging_small_files_leaves_the_index_as_it_was(indexed: LanceTable, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        indexed.upsert("chunk_id", rows([f"new{number}"], seed=20 + number))
    build(indexed)
    before = coverage(indexed)
    monkeypatch.setattr("native.lance_maintenance.MAX_FRAGMENTS", 2)
    files = len(indexed.open().get_fragments())
    lance_maintenance.compact(indexed)
    assert len(indexed.open().get_fragments()) < files
    assert coverage(indexed) == before
    assert lance_files.broken_files(indexed) == []
    assert nearest(indexed, vectors(1, 22)[0], 1, key="chunk_id")[0][0] == "new2"


def test_after_many_deltas_the_index_is_trained_anew(indexed: LanceTable) -> None:
    for number in range(MAX_DELTAS):
        indexed.upsert("chunk_id", rows([f"new{number}"], seed=10 + number))
        after = build(indexed)
        assert after.complete
    assert after.deltas == 1
    assert after.rows == FIRST_ROWS + MAX_DELTAS


def test_when_the_table_doubles_the_index_is_trained_anew(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(numbered(FIRST_ROWS, 2 * FIRST_ROWS + 1), seed=3))
    assert build(indexed) == IndexCoverage(2 * FIRST_ROWS + 1, 2 * FIRST_ROWS + 1, 1, KIND)


def test_a_damaged_index_is_found_by_its_size_and_can_be_dropped(indexed: LanceTable) -> None:
    (folder,) = (indexed.path / "_indices").iterdir()
    file = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    os.truncate(file, 128)
    assert lance_files.broken_files(indexed) == [f"_indices/{folder.name}"]
    lance_vectors.drop(indexed)
    assert lance_files.broken_files(indexed) == []
    assert build(indexed).complete


# --- what a search gives


def test_scores_are_cosines_with_and_without_an_index(table: LanceTable) -> None:
    """Without a refine factor the index gives twice the distance, and one new row changes the scale of all."""
    names = numbered(0, FIRST_ROWS)
    table.upsert("chunk_id", rows(names))
    query = vectors(1, 99)[0]
    exact = np.sort(vectors(FIRST_ROWS, 0) @ query)[::-1][:5]
    for step in ("flat", "index", "index and a tail"):
        scores = [score for _, score in nearest(table, query, 5, key="chunk_id")]
        assert scores == pytest.approx(exact.tolist(), abs=2e-3), step
        build(table)
        if step == "index":
            table.upsert("chunk_id", rows(["far"], seed=4))


def test_rows_that_are_not_indexed_yet_are_found(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(["new"], seed=5))
    assert nearest(indexed, vectors(1, 5)[0], 1, key="chunk_id")[0][0] == "new"


def test_a_pinned_version_does_not_see_newer_rows(indexed: LanceTable) -> None:
    pinned = indexed.head().version
    indexed.upsert("chunk_id", rows(["new"], seed=5))
    found = nearest(indexed, vectors(1, 5)[0], 10, key="chunk_id", version=pinned)
    assert "new" not in dict(found)


def test_an_empty_table_gives_no_hits(table: LanceTable) -> None:
    assert nearest(table, vectors(1, 0)[0], 5, key="chunk_id") == []


@pytest.fixture
def many_partitions(table: LanceTable) -> LanceTable:
    """As many partitions as half a million rows have, and twenty rows of a rare source."""
    table.upsert("chunk_id", rows(numbered(0, FIRST_ROWS)))
    table.upsert("chunk_id", rows([f"rare{number}" for number in range(20)], seed=6, source="rare"))
    database = lancedb.connect(table.path.parent)
    config = IvfSq(distance_type="cosine", num_partitions=64)
    database.open_table("embeddings").create_index("vector", config=config, name=INDEX)
    return table


def test_a_filter_gives_k_rows_wherever_they_stand(many_partitions: LanceTable) -> None:
    for query in vectors(5, 7):
        found = nearest(many_partitions, query, 20, key="chunk_id", where="source = 'rare'")
        assert {name for name, _ in found} == {f"rare{number}" for number in range(20)}


def test_chosen_keys_are_all_scored(many_partitions: LanceTable) -> None:
    """A fused score needs the cosine of what only the keyword index found."""
    chosen = numbered(0, 100)
    query = vectors(1, 8)[0]
    found = cosines(many_partitions, query, [*chosen, "unknown"], key="chunk_id")
    assert set(found) == set(chosen)
    listed = dict(nearest(many_partitions, query, len(chosen), key="chunk_id", where=is_in("chunk_id", chosen)))
    assert found == pytest.approx(listed, abs=1e-6)


@pytest.mark.parametrize("kind", CANDIDATES_PER_ROW)
def test_every_kind_of_index_finds_what_a_scan_finds_and_stays_its_kind(table: LanceTable, kind: str) -> None:
    table.upsert("chunk_id", rows(numbered(0, 600)))
    assert build(table, kind) == IndexCoverage(600, 600, 1, kind)
    table.upsert("chunk_id", rows(numbered(600, 601)))
    assert build(table).kind == kind
    stored = table.read(["chunk_id", "vector"])
    matrix = np.stack(stored["vector"].to_numpy()).astype(np.float32)
    query = matrix[7] + 0.1 * matrix[400]
    best = stored["chunk_id"].to_pylist()[int(np.argmax(matrix @ query / np.linalg.norm(matrix, axis=1)))]
    assert nearest(table, query, 3, key="chunk_id")[0][0] == best
    assert build(table, "ivf_sq").kind == "ivf_sq"
