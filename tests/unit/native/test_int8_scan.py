"""A scan in 8 bits finds the vectors that exact arithmetic finds."""

from __future__ import annotations

import numpy as np
import pytest

from native.int8_scan import QuantizedVectors


def vectors(count: int, seed: int = 0, width: int = 384) -> np.ndarray:
    matrix = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    units: np.ndarray = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return units.astype(np.float16)


def exact(rows: np.ndarray, query: np.ndarray, k: int) -> set[int]:
    return set(np.argsort(-(rows.astype(np.float32) @ query))[:k].tolist())


@pytest.mark.parametrize("count", [1, 63, 64, 65, 5_000])
def test_nearest_of_twice_k_contains_the_exact_k(count: int) -> None:
    rows = vectors(count)
    query = vectors(1, seed=1)[0].astype(np.float32)
    proposed = set(QuantizedVectors(rows).nearest(query, 40).tolist())
    assert len(proposed) == min(40, count)
    assert exact(rows, query, 20) <= proposed


def test_nearest_returns_only_allowed_vectors() -> None:
    rows = vectors(1_000)
    allowed = np.zeros(1_000, np.bool_)
    allowed[::7] = True
    query = rows[1].astype(np.float32)
    proposed = QuantizedVectors(rows).nearest(query, 20, allowed)
    assert len(proposed) == 20
    assert allowed[proposed].all()
    assert {position * 7 for position in exact(rows[::7], query, 10)} <= set(proposed.tolist())


def test_nearest_returns_all_allowed_if_fewer_than_k() -> None:
    allowed = np.zeros(100, np.bool_)
    allowed[[3, 5]] = True
    assert sorted(QuantizedVectors(vectors(100)).nearest(vectors(1)[0], 20, allowed).tolist()) == [3, 5]


def test_nearest_of_no_vectors_is_empty() -> None:
    assert QuantizedVectors(np.zeros((0, 384), np.float16)).nearest(vectors(1)[0], 5).size == 0


def test_zero_vectors_rank_behind_the_others() -> None:
    rows = np.concatenate([np.zeros((10, 384), np.float16), vectors(10)])
    best = QuantizedVectors(rows).nearest(rows[15].astype(np.float32), 1)
    assert best.tolist() == [15]
