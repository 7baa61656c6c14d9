"""Graphs of every kind of encoder give the vectors of the float32 model; tiny random models, so nothing is pulled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from native.encoder_graph import build_graph, distance_buckets
from native.encoders import Encoder
from native.onnx_embedder import OnnxEmbedder
from native.onnx_sessions import open_session
from native.packed_e5 import read_packed, write_tokenizer
from tests.integration.native.tiny_encoders import TINY, VOCABULARY, bucket, packed_e5, random_weights, reference

TEXTS = [[1], [5, 9, 30], [2] * 12, list(range(3, 33))]
"""Token ids, from one to as many as are read."""
E5 = TINY[1]


def run(graph: Path, texts: list[list[int]]) -> np.ndarray:
    """Vectors of texts in one batch, padded to the longest."""
    width = max(map(len, texts))
    ids = np.array([text + [VOCABULARY - 1] * (width - len(text)) for text in texts], np.int64)
    mask = np.array([[1] * len(text) + [0] * (width - len(text)) for text in texts], np.int64)
    return np.asarray(open_session(str(graph)).run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0])


@pytest.mark.parametrize("encoder", TINY, ids=lambda encoder: encoder.name)
def test_graph_gives_the_vectors_of_the_float_model(encoder: Encoder, tmp_path: Path) -> None:
    weights = random_weights(encoder)
    build_graph(encoder, weights, tmp_path / "model.onnx")
    expected = np.array([reference(encoder, weights, text) for text in TEXTS])
    cosines = (run(tmp_path / "model.onnx", TEXTS) * expected).sum(axis=1)
    assert cosines.min() > 0.999
    assert np.abs(expected @ expected.T - np.eye(len(TEXTS))).max() < 0.98  # else any vector would do


@pytest.mark.parametrize("encoder", TINY, ids=lambda encoder: encoder.name)
def test_vector_does_not_depend_on_the_padding(encoder: Encoder, tmp_path: Path) -> None:
    build_graph(encoder, random_weights(encoder), tmp_path / "model.onnx")
    alone = np.concatenate([run(tmp_path / "model.onnx", [text]) for text in TEXTS])
    assert np.allclose(run(tmp_path / "model.onnx", TEXTS), alone, atol=1e-5)


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    weights = random_weights(E5)
    del weights["encoder.layer.1.output.dense.bias"]
    with pytest.raises(KeyError, match=r"encoder\.layer\.1\.output\.dense\.bias"):
        build_graph(E5, weights, tmp_path / "model.onnx")


def test_buckets_of_distances_are_those_of_the_definition() -> None:
    assert distance_buckets(300, 32).tolist() == [bucket(distance) for distance in range(-299, 300)]


# --- the packed file


def test_packed_file_gives_its_weights_pieces_and_ends(tmp_path: Path) -> None:
    expected = packed_e5(tmp_path / "packed", E5)
    packed = read_packed(tmp_path / "packed")
    assert packed.weights.keys() == expected.keys()
    assert all(np.array_equal(packed.weights[name], expected[name]) for name in expected)
    assert packed.pieces[9] == ("猫", -9.0)
    assert (packed.first, packed.last, packed.unknown) == (0, 2, 3)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match="does not begin with E5S1"):
        read_packed(tmp_path / "packed")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Graph and tokenizer of the packed file."""
    packed_e5(tmp_path / "packed", E5)
    packed = read_packed(tmp_path / "packed")
    build_graph(E5, packed.weights, tmp_path / "model.onnx")
    write_tokenizer(packed, tmp_path / "tokenizer.json")
    return tmp_path / "model.onnx", tmp_path / "tokenizer.json"


def test_queries_and_documents_get_their_prefixes(files: tuple[Path, Path]) -> None:
    prefixed, plain = OnnxEmbedder(E5, *files), OnnxEmbedder(replace(E5, query_prefix="", document_prefix=""), *files)
    assert np.array_equal(prefixed.embed(["cat"], kind="query"), plain.embed(["query: cat"]))
    assert np.array_equal(prefixed.embed(["cat"]), plain.embed(["passage: cat"]))
    assert not np.array_equal(prefixed.embed(["cat"]), prefixed.embed(["cat"], kind="query"))


@pytest.mark.parametrize(
    "text", ["cat  s", "ｃａｔ s", "cat\u200bs"], ids=["spaces", "compatibility form", "no width"]
)
def test_texts_are_normalized_as_the_model_learned_them(files: tuple[Path, Path], text: str) -> None:
    embedder = OnnxEmbedder(E5, *files)
    assert np.array_equal(embedder.embed([text]), embedder.embed(["cat s"]))


def test_single_letters_with_a_piece_are_readable_and_others_are_not(files: tuple[Path, Path]) -> None:
    embedder = OnnxEmbedder(E5, *files)
    assert embedder.readable("猫 カ") == 1.0
    assert embedder.readable("猫語") == 0.5
    assert embedder.readable("12 ?") == 1.0
