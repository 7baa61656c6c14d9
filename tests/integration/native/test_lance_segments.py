"""A vector index whose segments are built by workers, as far as it needs no cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from native import lance_segments
from native.lance_segments import Segments, train_in_segments
from native.lance_tables import LanceTable
from native.lance_vectors import COLUMN, FIRST_ROWS, INDEX, KIND, IndexCoverage, build, nearest
from omni_pipelines.schemas import EMBEDDINGS
from tests.integration.native.embedding_rows import numbered, rows

ROWS = 3 * FIRST_ROWS


@pytest.fixture
def table(tmp_path: Path) -> LanceTable:
    """Three fragments."""
    table = LanceTable(tmp_path / "embeddings.lance")
    table.create(EMBEDDINGS.schema)
    for first in range(0, ROWS, FIRST_ROWS):
        table.upsert("chunk_id", rows(numbered(first, first + FIRST_ROWS), seed=first))
    return table


def in_turn(work: Callable[[Any], list[Any]], items: Sequence[Any]) -> Iterator[tuple[Any, list[Any]]]:
    return ((item, work(item)) for item in items)


@pytest.mark.parametrize("kind", lance_segments.KINDS)
def test_segments_are_one_index_that_finds_the_nearest_rows_and_is_extended(table: LanceTable, kind: str) -> None:
    asked: list[Sequence[int]] = []

    def counted(work: Callable[[Any], list[Any]], items: Sequence[Any]) -> Iterator[tuple[Any, list[Any]]]:
        asked.extend(items)
        return in_turn(work, items)

    assert build(table, kind, Segments(counted, rows=FIRST_ROWS)) == IndexCoverage(ROWS, ROWS, 1, kind, trained=ROWS)
    assert [len(fragments) for fragments in asked] == [1, 1, 1]
    stored = table.read(["chunk_id", "vector"])
    matrix = np.stack(stored["vector"].to_numpy()).astype(np.float32)
    for row in (7, FIRST_ROWS + 7, 2 * FIRST_ROWS + 7):  # in each of the segments
        query = matrix[row] + 0.1 * matrix[400]
        assert nearest(table, query, 3, key="chunk_id")[0][0] == stored["chunk_id"][row].as_py()
    table.upsert("chunk_id", rows(["new"], seed=99))
    assert build(table) == IndexCoverage(ROWS + 1, ROWS + 1, 2, kind, trained=ROWS)


def test_segments_replace_the_index_of_before(table: LanceTable) -> None:
    build(table, "ivf_flat")
    assert build(table, KIND, Segments(in_turn, rows=FIRST_ROWS)) == IndexCoverage(ROWS, ROWS, 1, KIND, trained=ROWS)


@pytest.mark.parametrize("seeing", [0, 2])
def test_this_process_builds_what_a_worker_cannot_see(table: LanceTable, tmp_path: Path, seeing: int) -> None:
    """A worker on another machine, whose disk this process does not share."""
    aside = tmp_path / "aside"

    def elsewhere(work: Callable[[Any], list[Any]], items: Sequence[Any]) -> Iterator[tuple[Any, list[Any]]]:
        yield from in_turn(work, items[:seeing])
        table.path.rename(aside)
        yield from in_turn(work, items[seeing:])
        shutil.move(aside, table.path)

    assert build(table, KIND, Segments(elsewhere, rows=FIRST_ROWS)) == IndexCoverage(
        ROWS, ROWS, 1, KIND, trained=ROWS
    )


@pytest.mark.parametrize(("kind", "least"), [("ivf_pq", FIRST_ROWS), (KIND, ROWS)])
def test_workers_get_neither_a_small_table_nor_a_kind_that_cannot_be_joined(
    table: LanceTable, kind: str, least: int
) -> None:
    def refuse(_work: object, _items: object) -> Iterator[Any]:
        pytest.fail("the workers were asked")

    with table.lease() as dataset:
        assert not train_in_segments(dataset, COLUMN, INDEX, kind, 1, Segments(refuse, rows=least))
