"""A search with the scan in 8 bits gives the same hits as a search without it."""

from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from native import dataset_cache, int8_scan
from native.filters import equals
from native.int8_scan import QuantizedVectors
from native.lance_tables import LanceTable
from native.lance_vectors import COLUMN, build, nearest
from native.row_cache import row_index
from omni_pipelines.schemas import EMBEDDINGS, VECTOR_SIZE


def unit(count: int, seed: int, width: int = VECTOR_SIZE) -> np.ndarray:
    """Random unit vectors (count, width), float32."""
    matrix = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    units: np.ndarray = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return units


def test_products_equal_exact_integer_products() -> None:
    """A kernel that saturates in 16 bits would differ if all components are large."""
    vectors = np.ones((70, VECTOR_SIZE), np.float32)
    vectors[::2] = -1
    codes = QuantizedVectors(vectors)
    expected = np.where(np.arange(70) % 2, 1, -1) * 127 * 127 * VECTOR_SIZE / 127
    assert codes._products(np.ones(VECTOR_SIZE, np.float32)) == pytest.approx(expected, rel=1e-6)


def test_graph_equals_the_one_that_onnx_writes() -> None:
    product = helper.make_node("MatMulInteger", ["query", "vectors", "zero", "zero"], ["products"])
    graph = helper.make_graph(
        [product],
        "scan",
        [
            helper.make_tensor_value_info("query", TensorProto.UINT8, [1, "d"]),
            helper.make_tensor_value_info("vectors", TensorProto.UINT8, ["blocks", "d", int8_scan._BLOCK]),
        ],
        [helper.make_tensor_value_info("products", TensorProto.INT32, ["blocks", 1, int8_scan._BLOCK])],
        [helper.make_tensor("zero", TensorProto.UINT8, [], [int8_scan._ZERO])],
    )
    assert onnx.load_from_string(base64.b64decode(int8_scan._GRAPH)) == helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )


def test_scan_does_not_import_onnx() -> None:
    code = "import sys, numpy; from native.int8_scan import QuantizedVectors; one = numpy.ones((3, 4), 'f4'); "
    code += "assert len(QuantizedVectors(one).nearest(one[0], 1)) == 1; assert 'onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def rows(count: int, seed: int) -> pa.Table:
    names = [f"k{number}" for number in range(count)]
    constant = {"model": "m", "path": "p", "language": "", "kind": "prose"}
    matrix = unit(count, seed).astype(np.float16)
    columns = {
        "chunk_id": names,
        "text_hash": names,
        "source": ["rare" if number % 50 == 0 else "docs" for number in range(count)],
        **{name: [value] * count for name, value in constant.items()},
        "acl": [[]] * count,
        "modified": [datetime(2026, 1, 1, tzinfo=UTC)] * count,
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), VECTOR_SIZE),
    }
    return pa.table(columns, schema=EMBEDDINGS.schema)


@pytest.fixture
def table(tmp_path: Path) -> LanceTable:
    table = LanceTable(tmp_path / "embeddings.lance")
    table.create(EMBEDDINGS.schema)
    table.upsert("chunk_id", rows(2_000, 0))
    return table


@pytest.mark.parametrize("where", [None, equals("source", "rare"), equals("source", "none")])
def test_nearest_gives_the_same_hits_from_disk_and_by_scan(table: LanceTable, where: str | None) -> None:
    version = table.head().version
    for query in unit(5, 8):
        dataset_cache.POOL.evict(table.path)  # now nothing is in memory
        first = nearest(table, query, 10, key="chunk_id", where=where)
        assert not row_index(table, "chunk_id", version, COLUMN, uses=0).in_memory
        second = nearest(table, query, 10, key="chunk_id", where=where)
        assert row_index(table, "chunk_id", version, COLUMN, uses=0).in_memory
        assert [name for name, _ in second] == [name for name, _ in first]
        assert [score for _, score in second] == pytest.approx([score for _, score in first], abs=1e-6)


def test_selection_of_a_filter_is_kept_for_its_version_only(table: LanceTable) -> None:
    query, where = unit(1, 9)[0], equals("source", "rare")
    for _ in range(2):
        before = nearest(table, query, 100, key="chunk_id", where=where)
    table.delete(equals("chunk_id", before[0][0]))
    for _ in range(2):
        after = nearest(table, query, 100, key="chunk_id", where=where)
    assert [name for name, _ in after] == [name for name, _ in before[1:]]


def test_rows_in_memory_survive_an_index_build_but_not_a_changed_row(table: LanceTable) -> None:
    dataset_cache.POOL.evict()
    query = unit(1, 9)[0]
    for _ in range(2):
        before = nearest(table, query, 10, key="chunk_id")
    held = row_index(table, "chunk_id", None, COLUMN, uses=0)
    build(table, "ivf_flat")
    assert row_index(table, "chunk_id", None, COLUMN, uses=0) is held
    assert dataset_cache.POOL.stats().column_bytes == held.nbytes  # counted once
    assert nearest(table, query, 10, key="chunk_id") == before
    table.delete(equals("chunk_id", before[0][0]))
    assert row_index(table, "chunk_id", None, COLUMN, uses=0) is not held
    assert [name for name, _ in nearest(table, query, 9, key="chunk_id")] == [name for name, _ in before[1:]]


@pytest.mark.parametrize("count", [1, 20, 399])
def test_largest_scores_are_those_that_sorting_finds(count: int) -> None:
    scores = np.random.default_rng(count).integers(-500, 500, 3_333).astype(np.float32)  # many are equal
    found = int8_scan._largest(scores, count)
    assert len(set(found.tolist())) == count
    assert sorted(scores[found].tolist()) == sorted(scores.tolist())[-count:]
