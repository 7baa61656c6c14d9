"""Vectors of the int8 graph, against sentence-transformers in float32. Needs the model: omni model pull."""

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
    """Graph and tokenizer."""
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
    """From one letter to more than the model reads."""
    return [each["text"] for each in json.loads(REFERENCE.read_text("utf-8"))]


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return np.array([each["vector"] for each in json.loads(REFERENCE.read_text("utf-8"))], np.float32)


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Row by row, for rows of unit length."""
    return (left * right).sum(axis=1)


# --- the vectors


def test_every_vector_is_close_to_that_of_sentence_transformers(
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


def test_a_vector_does_not_depend_on_the_texts_beside_it(
    files: tuple[Path, Path], embedder: OnnxEmbedder, texts: list[str]
) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    one_batch = OnnxEmbedder(*files, batch_tokens=256 * len(texts))  # all lengths together, padded to the longest
    assert cosines(one_batch.embed(texts), alone).min() >= 0.99999


def test_vectors_come_in_the_order_of_the_texts(embedder: OnnxEmbedder, texts: list[str]) -> None:
    backwards = embedder.embed(texts[::-1])[::-1]
    assert cosines(embedder.embed(texts), backwards).min() >= 0.99999


def test_many_small_batches_give_the_vectors_of_a_large_one(
    files: tuple[Path, Path], embedder: OnnxEmbedder, texts: list[str]
) -> None:
    small = OnnxEmbedder(*files, workers=3, batch_tokens=1)
    assert cosines(small.embed(texts), embedder.embed(texts)).min() >= 0.99999


def test_texts_are_read_up_to_256_tokens_and_no_further(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed(["cat " * 200 + "dog", "cat " * 200, "cat " * 300 + "dog", "cat " * 300])
    inside, beyond = cosines(vectors[::2], vectors[1::2])  # the tokenizer file alone would stop at 128
    assert inside < 0.9999 < beyond


def test_a_graph_reads_512_tokens_when_asked_to(files: tuple[Path, Path]) -> None:
    long = OnnxEmbedder(*files, max_tokens=512)
    vectors = long.embed(["cat " * 500 + "dog", "cat " * 500, "cat " * 5_000])
    assert cosines(vectors[:1], vectors[1:2])[0] < 0.9999
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# --- texts that nobody wrote


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed([])
    assert vectors.shape == (0, 384)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(
    "text", ["", " \n", "\0", "\ud83d", "a \udcff b", "語" * 50_000, "a" * 1_000_000, "\u0301" * 30_000, "[PAD]"]
)
def test_any_text_has_a_vector(embedder: OnnxEmbedder, text: str) -> None:
    assert np.isclose(np.linalg.norm(embedder.embed([text])), 1, atol=1e-5)


# --- who is told, and who asks


def test_progress_is_told_on_the_callers_thread_and_adds_up(files: tuple[Path, Path], texts: list[str]) -> None:
    told: list[tuple[int, int]] = []
    embedder = OnnxEmbedder(*files, workers=2, batch_tokens=64)
    embedder.embed(texts, lambda done: told.append((done, threading.get_ident())))
    counts = [done for done, _ in told]
    assert counts == sorted(set(counts))
    assert counts[-1] == len(texts)
    assert len(counts) > 2
    assert {thread for _, thread in told} == {threading.get_ident()}


class Counting(OnnxEmbedder):
    """Knows how many batches began."""

    began = 0

    def _run(self, tokens: Sequence[list[int]]) -> np.ndarray:
        self.began += 1
        return super()._run(tokens)


def test_an_interrupted_embedding_does_not_begin_the_rest(files: tuple[Path, Path], texts: list[str]) -> None:
    def interrupt(_done: int) -> None:
        raise KeyboardInterrupt

    embedder = Counting(*files, batch_tokens=1)  # a batch a text
    with pytest.raises(KeyboardInterrupt):
        embedder.embed(texts * 50, interrupt)
    assert embedder.began < len(texts) * 25


def test_one_embedder_serves_several_threads(embedder: OnnxEmbedder, texts: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(embedder.embed, [texts] * 4))
    assert all(cosines(each, found[0]).min() >= 0.99999 for each in found)


# --- batches


@given(lengths=st.lists(st.integers(1, 256), max_size=80), budget=st.integers(1, 4096))
def test_a_plan_holds_every_text_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(plan(lengths, budget))
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    padded = [len(batch) * max(lengths[at] for at in batch) for batch in batches]
    assert all(size <= budget or len(batch) == 1 for size, batch in zip(padded, batches, strict=True))


# --- files that are not what they were


def test_a_missing_graph_names_the_command_that_fetches_it(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"no model at .*nowhere") as caught:
        OnnxEmbedder(tmp_path / "nowhere", files[1])
    assert caught.value.cure == "run: omni model pull"


@pytest.mark.parametrize("keep", [0, 1_000, 1_000_000])
def test_a_graph_cut_short_is_refused(files: tuple[Path, Path], tmp_path: Path, keep: int) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(files[0].read_bytes()[:keep])
    with pytest.raises(ModelCorrupt, match="cannot be loaded") as caught:
        OnnxEmbedder(broken, files[1])
    assert caught.value.cure == "run: omni model pull"


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}"])
def test_a_broken_tokenizer_is_refused(files: tuple[Path, Path], tmp_path: Path, content: bytes | None) -> None:
    broken = tmp_path / "tokenizer.json"
    if content is not None:
        broken.write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"tokenizer at .* cannot be loaded") as caught:
        OnnxEmbedder(files[0], broken)
    assert caught.value.cure == "run: omni model pull"


def test_files_copied_elsewhere_work_as_well(files: tuple[Path, Path], tmp_path: Path) -> None:
    copies = [Path(shutil.copy(each, tmp_path)) for each in files]
    assert OnnxEmbedder(*copies).embed(["moved"]).shape == (1, 384)


@pytest.mark.parametrize("text", ["How do otters sleep?", "parse the HTTP header", "308 / 12.5", "", "?!"])
def test_it_can_read_english_and_what_has_no_letters(embedder: OnnxEmbedder, text: str) -> None:
    assert embedder.readable(text) == 1.0


@pytest.mark.parametrize(
    "text", ["8世紀に日本の首都はどこでしたか。", "黑豹队的防守丢了多少分", "पैंथर्स ने कितने अंक दिए"]
)
def test_it_cannot_read_scripts_that_it_spells_in_single_letters(embedder: OnnxEmbedder, text: str) -> None:
    assert embedder.readable(text) < 0.2


def test_it_reads_the_part_of_a_text_that_it_knows(embedder: OnnxEmbedder) -> None:
    assert 0.3 < embedder.readable("kubernetes 是什么东西呢朋友们啊") < 0.7


@given(text=st.text(max_size=200))
def test_what_it_can_read_is_a_share(embedder: OnnxEmbedder, text: str) -> None:
    assert 0.0 <= embedder.readable(text) <= 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is that of all threads")
def test_many_batches_yield_the_processor_and_a_few_do_not(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nice: set[int] = set()
    run = OnnxEmbedder._run

    def noted(self: OnnxEmbedder, tokens: Sequence[list[int]]) -> np.ndarray:
        nice.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return run(self, tokens)

    monkeypatch.setattr(OnnxEmbedder, "_run", noted)
    embedder, before = OnnxEmbedder(*files, batch_tokens=16), os.nice(0)
    for texts, expected in ((["one"], before), (["otters"] * 12, before), (["otters"] * 60, max(before, 10))):
        nice.clear()
        embedder.embed(texts)
        assert nice == {expected}
    assert os.nice(0) == before
