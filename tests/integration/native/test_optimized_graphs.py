"""A kept graph gives the vectors of the graph that it was made of, and is made again where that is not certain."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from native.encoder_graph import build_graph
from native.onnx_sessions import OnnxSession, open_session
from native.optimized_graphs import MANIFEST, open_kept
from tests.integration.native.tiny_encoders import TINY, random_weights

IDS = np.array([[1, 5, 9, 30], [2, 2, 7, 0]], np.int64)
MASK = np.array([[1, 1, 1, 1], [1, 1, 1, 0]], np.int64)


def vectors(session: OnnxSession) -> np.ndarray:
    return np.asarray(session.run(["embedding"], {"input_ids": IDS, "attention_mask": MASK})[0])


def kept(folder: Path) -> Path:
    (only,) = folder.glob("optimized-*")
    return only


@pytest.fixture(params=TINY, ids=lambda encoder: encoder.name)
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    build_graph(request.param, random_weights(request.param), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_the_kept_graph_gives_the_same_vectors_bit_for_bit(graph: Path) -> None:
    expected = vectors(open_session(str(graph)))
    first, second = open_kept(graph), open_kept(graph)
    assert np.array_equal(vectors(first), expected)
    assert np.array_equal(vectors(second), expected)
    graph.write_bytes(b"")  # older than the kept graph, so it is not read again
    os.utime(graph, ns=(0, 0))
    assert np.array_equal(vectors(open_kept(graph)), expected)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    build_graph(TINY[0], random_weights(TINY[0]), tmp_path / "model.onnx")
    open_kept(tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@pytest.mark.parametrize("damaged", [MANIFEST, "model.onnx", "model.onnx.weights"])
def test_a_kept_graph_that_lacks_a_file_is_made_again(small: Path, damaged: str) -> None:
    expected = vectors(open_session(str(small)))
    (kept(small.parent) / damaged).unlink()
    assert np.array_equal(vectors(open_kept(small)), expected)
    assert (kept(small.parent) / damaged).is_file()


def test_a_graph_that_was_replaced_is_kept_again(small: Path) -> None:
    before = vectors(open_kept(small))
    weights = {name: weight * np.float32(0.5) for name, weight in random_weights(TINY[0]).items()}
    build_graph(TINY[0], weights, small)
    assert not np.array_equal(vectors(open_kept(small)), before)


def test_the_form_of_another_version_of_onnxruntime_is_dropped(small: Path) -> None:
    made = kept(small.parent)
    made.rename(made.with_name("optimized-0.9.0-x86_64-0"))
    open_kept(small)
    assert kept(small.parent).name == made.name
