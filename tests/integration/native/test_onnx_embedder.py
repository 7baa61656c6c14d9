"""Vectors of the int8 graph, compared with sentence-transformers in float32. Needs the model: omni model pull."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.errors import ModelCorrupt
from native.onnx_embedder import OnnxEmbedder, plan
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStore

REFERENCE = Path(__file__).parents[2] / "data" / "minilm_reference.json"


@pytest.fixture(scope="module")
def files() -> tuple[Path, Path]:
    """Files of the graph and the tokenizer."""
    try:
        graph, tokenizer, _ = ModelStore(load_settings(find_home()).cache).embedder_files("all-minilm-l6-v2")
    except ModelMissing:
        pytest.skip("run: omni model pull")
    return graph, tokenizer


@pytest.fixture(scope="module")
def embedder(files: tuple[Path, Path]) -> OnnxEmbedder:
    return OnnxEmbedder(*files, workers=2)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Texts from one letter to more than the model reads."""
    return [each["text"] for each in json.loads(REFERENCE.read_text("utf-8"))]


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return np.array([each["vector"] for each in json.loads(REFERENCE.read_text("utf-8"))], np.float32)


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosines row by row, for rows of unit length."""
    products: np.ndarray = (left * right).sum(axis=1)
    return products


# --- the vectors


def test_vectors_are_close_to_those_of_sentence_transformers(
    embedder: OnnxEmbedder, texts: list[str], expected: np.ndarray
) -> None:
    found = cosines(embedder.embed(texts), expected)
    assert found.min() > 0.995
    assert found.mean() > 0.999


def test_vectors_are_float32_of_unit_length(embedder: OnnxEmbedder, texts: list[str]) -> None:
    vectors = embedder.embed(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), embedder.dimensions)
    assert embedder.dimensions == 384
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vector_does_not_depend_on_other_texts_of_its_batch(
    files: tuple[Path, Path], embedder: OnnxEmbedder, texts: list[str]
) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    one_batch = OnnxEmbedder(*files, batch_tokens=256 * len(texts))  # all lengths in one batch, padded to the longest
    assert cosines(one_batch.embed(texts), alone).min() >= 0.99999


def test_vectors_are_in_the_order_of_the_texts(embedder: OnnxEmbedder, texts: list[str]) -> None:
    backwards = embedder.embed(texts[::-1])[::-1]
    assert cosines(embedder.embed(texts), backwards).min() >= 0.99999


def test_small_batches_give_the_vectors_of_a_large_one(
    files: tuple[Path, Path], embedder: OnnxEmbedder, texts: list[str]
) -> None:
    small = OnnxEmbedder(*files, workers=3, batch_tokens=1)
    assert cosines(small.embed(texts), embedder.embed(texts)).min() >= 0.99999


def test_texts_are_embedded_up_to_256_tokens(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed(["cat " * 200 + "dog", "cat " * 200, "cat " * 300 + "dog", "cat " * 300])
    inside, beyond = cosines(vectors[::2], vectors[1::2])  # the limit of the tokenizer file would be 128
    assert inside < 0.9999 < beyond


def test_texts_are_embedded_up_to_512_tokens_if_configured(files: tuple[Path, Path]) -> None:
    long = OnnxEmbedder(*files, max_tokens=512)
    vectors = long.embed(["cat " * 500 + "dog", "cat " * 500, "cat " * 5_000])
    assert cosines(vectors[:1], vectors[1:2])[0] < 0.9999
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# --- unusual texts


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed([])
    assert vectors.shape == (0, 384)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(
    "text", ["", " \n", "\0", "\ud83d", "a \udcff b", "語" * 50_000, "a" * 1_000_000, "\u0301" * 30_000, "[PAD]"]
)
def test_any_text_has_a_vector_of_unit_length(embedder: OnnxEmbedder, text: str) -> None:
    assert np.isclose(np.linalg.norm(embedder.embed([text])), 1, atol=1e-5)


# --- progress and threads


def test_progress_is_reported_on_the_callers_thread_and_reaches_the_total(
    files: tuple[Path, Path], texts: list[str]
) -> None:
    reports: list[tuple[int, int]] = []
    embedder = OnnxEmbedder(*files, workers=2, batch_tokens=64)
    embedder.embed(texts, lambda done: reports.append((done, threading.get_ident())))
    counts = [done for done, _ in reports]
    assert counts == sorted(set(counts))
    assert counts[-1] == len(texts)
    assert len(counts) > 2
    assert {thread for _, thread in reports} == {threading.get_ident()}


class Recording(OnnxEmbedder):
    """Records the priority of the thread of each batch."""

    def __init__(self, graph: Path, tokenizer: Path, *, batch_tokens: int) -> None:
        super().__init__(graph, tokenizer, batch_tokens=batch_tokens)
        self.priorities: list[int] = []

    def _run(self, tokens: Sequence[list[int]]) -> np.ndarray:
        self.priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return super()._run(tokens)


def test_interrupted_embedding_does_not_start_the_remaining_batches(
    files: tuple[Path, Path], texts: list[str]
) -> None:
    def interrupt(_done: int) -> None:
        raise KeyboardInterrupt

    embedder = Recording(*files, batch_tokens=1)  # one batch per text
    with pytest.raises(KeyboardInterrupt):
        embedder.embed(texts * 50, interrupt)
    assert len(embedder.priorities) < len(texts) * 25


def test_embedder_used_by_several_threads_gives_equal_vectors(embedder: OnnxEmbedder, texts: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(embedder.embed, [texts] * 4))
    assert all(cosines(each, found[0]).min() >= 0.99999 for each in found)


# --- batches


@given(lengths=st.lists(st.integers(1, 256), max_size=80), budget=st.integers(1, 4096))
def test_plan_contains_every_text_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(plan(lengths, budget))
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    padded = [len(batch) * max(lengths[at] for at in batch) for batch in batches]
    assert all(size <= budget or len(batch) == 1 for size, batch in zip(padded, batches, strict=True))


# --- missing and damaged files


def test_missing_graph_raises_with_the_download_command(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"no model at .*nowhere") as caught:
        OnnxEmbedder(tmp_path / "nowhere", files[1])
    assert caught.value.cure == "run: omni model pull"


@pytest.mark.parametrize("keep", [0, 1_000, 1_000_000])
def test_truncated_graph_raises_with_the_download_command(
    files: tuple[Path, Path], tmp_path: Path, keep: int
) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(files[0].read_bytes()[:keep])
    with pytest.raises(ModelCorrupt, match="cannot be loaded") as caught:
        OnnxEmbedder(broken, files[1])
    assert caught.value.cure == "run: omni model pull"


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}"])
def test_broken_tokenizer_raises_with_the_download_command(
    files: tuple[Path, Path], tmp_path: Path, content: bytes | None
) -> None:
    broken = tmp_path / "tokenizer.json"
    if content is not None:
        broken.write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"tokenizer at .* cannot be loaded") as caught:
        OnnxEmbedder(files[0], broken)
    assert caught.value.cure == "run: omni model pull"


def test_model_files_work_in_another_folder(files: tuple[Path, Path], tmp_path: Path) -> None:
    copies = [Path(shutil.copy(each, tmp_path)) for each in files]
    assert OnnxEmbedder(*copies).embed(["moved"]).shape == (1, 384)


@pytest.mark.parametrize("text", ["How do otters sleep?", "parse the HTTP header", "308 / 12.5", "", "?!"])
def test_readable_is_1_for_english_and_for_text_without_letters(embedder: OnnxEmbedder, text: str) -> None:
    assert embedder.readable(text) == 1.0


@pytest.mark.parametrize(
    "text", ["8世紀に日本の首都はどこでしたか。", "黑豹队的防守丢了多少分", "पैंथर्स ने कितने अंक दिए"]
)
def test_readable_is_low_for_scripts_that_are_split_into_letters(embedder: OnnxEmbedder, text: str) -> None:
    assert embedder.readable(text) < 0.2


def test_readable_of_mixed_text_is_the_known_share(embedder: OnnxEmbedder) -> None:
    assert 0.3 < embedder.readable("kubernetes 是什么东西呢朋友们啊") < 0.7


@given(text=st.text(max_size=200))
def test_readable_of_any_text_is_between_0_and_1(embedder: OnnxEmbedder, text: str) -> None:
    assert 0.0 <= embedder.readable(text) <= 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority applies to the whole process")
def test_many_batches_run_at_low_priority_and_few_do_not(files: tuple[Path, Path]) -> None:
    embedder, before = Recording(*files, batch_tokens=16), os.nice(0)
    for texts, expected in ((["one"], before), (["otters"] * 12, before), (["otters"] * 60, max(before, 10))):
        embedder.priorities.clear()
        embedder.embed(texts)
        assert set(embedder.priorities) == {expected}
    assert os.nice(0) == before
