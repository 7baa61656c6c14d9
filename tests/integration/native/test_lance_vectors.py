"""The vector index: built from 5,000 rows on, complete after every build, exact in filters and scores."""

from __future__ import annotations

import os
from pathlib import Path

import lancedb
import numpy as np
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
from omni_pipelines.schemas import EMBEDDINGS
from tests.integration.native.embedding_rows import numbered, rows, vectors


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


def test_build_one_row_below_the_limit_makes_no_index(table: LanceTable) -> None:
    table.upsert("chunk_id", rows(numbered(0, FIRST_ROWS - 1)))
    before = table.head()
    assert build(table) == IndexCoverage(FIRST_ROWS - 1, 0, 0)
    assert build(table).complete
    assert table.head() == before


def test_build_at_the_limit_covers_every_row(indexed: LanceTable) -> None:
    assert coverage(indexed) == IndexCoverage(FIRST_ROWS, FIRST_ROWS, 1, KIND, trained=FIRST_ROWS)


def test_build_without_new_rows_makes_no_version(indexed: LanceTable) -> None:
    before = indexed.head()
    build(indexed)
    assert indexed.head() == before


def test_build_after_new_rows_adds_a_delta(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(["new"], seed=1))
    assert not coverage(indexed).complete
    assert build(indexed) == IndexCoverage(FIRST_ROWS + 1, FIRST_ROWS + 1, 2, KIND, trained=FIRST_ROWS)


def test_build_after_changed_and_deleted_rows_is_complete(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(numbered(0, 50), seed=2))
    indexed.delete(is_in("chunk_id", numbered(50, 100)))
    assert build(indexed).complete
    (found, *_) = nearest(indexed, vectors(50, 2)[7], 3, key="chunk_id")
    assert found[0] == "k7"
    assert found[1] == pytest.approx(1, abs=1e-3)


def test_compact_keeps_the_vector_index(indexed: LanceTable) -> None:
    for number in range(lance_maintenance.MAX_FRAGMENTS):
        indexed.upsert("chunk_id", rows([f"new{number}"], seed=20 + number))
    build(indexed)
    before = coverage(indexed)
    files = len(indexed.open().get_fragments())
    lance_maintenance.compact(indexed)
    assert len(indexed.open().get_fragments()) < files
    assert coverage(indexed) == before
    assert lance_files.broken_files(indexed) == []
    assert nearest(indexed, vectors(1, 22)[0], 1, key="chunk_id")[0][0] == "new2"


def test_build_after_many_deltas_joins_them_and_keeps_the_trained_part(indexed: LanceTable) -> None:
    for number in range(MAX_DELTAS):
        indexed.upsert("chunk_id", rows([f"new{number}"], seed=10 + number))
        after = build(indexed)
        assert after.complete
    count = FIRST_ROWS + MAX_DELTAS
    assert after == IndexCoverage(count, count, 2, KIND, trained=FIRST_ROWS)
    assert nearest(indexed, vectors(1, 12)[0], 1, key="chunk_id")[0][0] == "new2"


@pytest.mark.parametrize("kind", [KIND, "ivf_rq", "ivf_hnsw_sq"])
def test_joined_deltas_give_each_row_once_and_by_its_newest_vector(table: LanceTable, kind: str) -> None:
    table.upsert("chunk_id", rows(numbered(0, 600)))
    build(table, kind)
    for seed in range(1, MAX_DELTAS + 2):
        table.upsert("chunk_id", rows(["k7", f"new{seed}", f"gone{seed}"], seed=seed))
        build(table)
        table.delete(is_in("chunk_id", [f"gone{seed}"]))
    assert build(table).complete
    for vector in (vectors(600, 0)[7], *(vectors(3, seed)[0] for seed in range(1, MAX_DELTAS + 2))):
        ids = lance_vectors._search_index(table.open(), vector, 600, None).tolist()
        assert len(ids) == len(set(ids))
    found = nearest(table, vectors(3, MAX_DELTAS + 1)[0], 600, key="chunk_id")
    assert found[0][0] == "k7"
    assert not any(key.startswith("gone") for key, _ in found)


def test_build_trains_again_once_small_updates_have_doubled_the_table(indexed: LanceTable) -> None:
    for number in range(3):
        assert coverage(indexed).trained == FIRST_ROWS
        first = FIRST_ROWS + number * FIRST_ROWS // 2
        indexed.upsert("chunk_id", rows(numbered(first, first + FIRST_ROWS // 2), seed=number))
        after = build(indexed)
    assert (after.deltas, after.trained) == (1, after.rows)


def test_build_trains_again_once_most_of_what_it_was_trained_with_is_gone(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows([f"new{number}" for number in range(FIRST_ROWS // 2 + 1)], seed=4))
    indexed.delete(is_in("chunk_id", numbered(0, FIRST_ROWS // 2)))
    assert coverage(indexed).lacks_little is False
    assert (build(indexed).deltas, coverage(indexed).trained) == (1, FIRST_ROWS + 1)


def test_build_after_the_table_doubled_trains_again(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(numbered(FIRST_ROWS, 2 * FIRST_ROWS + 1), seed=3))
    count = 2 * FIRST_ROWS + 1
    assert build(indexed) == IndexCoverage(count, count, 1, KIND, trained=count)


def test_broken_files_name_a_truncated_index_which_can_be_dropped(indexed: LanceTable) -> None:
    (folder,) = (indexed.path / "_indices").iterdir()
    file = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    os.truncate(file, 128)
    assert lance_files.broken_files(indexed) == [f"_indices/{folder.name}"]
    lance_vectors.drop(indexed)
    assert lance_files.broken_files(indexed) == []
    assert build(indexed).complete


# --- what a search gives


def test_scores_are_cosines_with_and_without_an_index(table: LanceTable) -> None:
    """The distances of the index itself would be doubled, and one new row would change the scale of all."""
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


def test_nearest_finds_rows_that_are_not_indexed_yet(indexed: LanceTable) -> None:
    indexed.upsert("chunk_id", rows(["new"], seed=5))
    assert nearest(indexed, vectors(1, 5)[0], 1, key="chunk_id")[0][0] == "new"


def test_nearest_at_an_old_version_finds_no_newer_rows(indexed: LanceTable) -> None:
    pinned = indexed.head().version
    indexed.upsert("chunk_id", rows(["new"], seed=5))
    found = nearest(indexed, vectors(1, 5)[0], 10, key="chunk_id", version=pinned)
    assert "new" not in dict(found)


def test_nearest_in_an_empty_table_finds_nothing(table: LanceTable) -> None:
    assert nearest(table, vectors(1, 0)[0], 5, key="chunk_id") == []


@pytest.fixture
def many_partitions(table: LanceTable) -> LanceTable:
    """As many partitions as for half a million rows, and twenty rows of a rare source."""
    table.upsert("chunk_id", rows(numbered(0, FIRST_ROWS)))
    table.upsert("chunk_id", rows([f"rare{number}" for number in range(20)], seed=6, source="rare"))
    database = lancedb.connect(table.path.parent)
    config = IvfSq(distance_type="cosine", num_partitions=64)
    database.open_table("embeddings").create_index("vector", config=config, name=INDEX)
    return table


def test_nearest_with_a_filter_finds_k_rows_in_any_partition(many_partitions: LanceTable) -> None:
    for query in vectors(5, 7):
        found = nearest(many_partitions, query, 20, key="chunk_id", where="source = 'rare'")
        assert {name for name, _ in found} == {f"rare{number}" for number in range(20)}


def test_cosines_score_every_known_key(many_partitions: LanceTable) -> None:
    """A fused score needs the cosines of hits that only the keyword index found."""
    chosen = numbered(0, 100)
    query = vectors(1, 8)[0]
    found = cosines(many_partitions, query, [*chosen, "unknown"], key="chunk_id")
    assert set(found) == set(chosen)
    listed = dict(nearest(many_partitions, query, len(chosen), key="chunk_id", where=is_in("chunk_id", chosen)))
    assert found == pytest.approx(listed, abs=1e-6)


@pytest.mark.parametrize("kind", CANDIDATES_PER_ROW)
def test_index_of_any_kind_finds_the_nearest_row_and_keeps_its_kind(table: LanceTable, kind: str) -> None:
    table.upsert("chunk_id", rows(numbered(0, 600)))
    assert build(table, kind) == IndexCoverage(600, 600, 1, kind, trained=600)
    table.upsert("chunk_id", rows(numbered(600, 601)))
    assert build(table).kind == kind
    stored = table.read(["chunk_id", "vector"])
    matrix = np.stack(stored["vector"].to_numpy()).astype(np.float32)
    query = matrix[7] + 0.1 * matrix[400]
    best = stored["chunk_id"].to_pylist()[int(np.argmax(matrix @ query / np.linalg.norm(matrix, axis=1)))]
    assert nearest(table, query, 3, key="chunk_id")[0][0] == best
    assert build(table, "ivf_sq").kind == "ivf_sq"
