"""Every embedder of the catalog keeps the same promises. Needs the models: omni model pull NAME.

The vectors of all-minilm-l6-v2 are compared with those of sentence-transformers in float32; `test_encoder_graph.py`
compares the graphs of all kinds of encoders with float32 on small models.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.encoders import Encoder
from native.errors import ModelCorrupt
from native.onnx_embedder import OnnxEmbedder, plan
from native.onnx_sessions import has_exact_products
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_catalog import CATALOG
from omni_pipelines.model_store import ModelStore

REFERENCE = Path(__file__).parents[2] / "data" / "minilm_reference.json"


NAMES = [model.name for model in CATALOG if model.encoder is not None]
Parts = tuple[Encoder, Path, Path]


def parts_of(name: str) -> Parts:
    """Encoder, graph and tokenizer of an installed embedder."""
    store = ModelStore(load_settings(find_home()).cache)
    try:
        graph, tokenizer, _ = store.embedder_files(name)
    except ModelMissing:
        pytest.skip(f"run: omni model pull {name}")
    return store.encoder(name), graph, tokenizer


@pytest.fixture(scope="module", params=NAMES)
def parts(request: pytest.FixtureRequest) -> Parts:
    return parts_of(request.param)


@pytest.fixture(scope="module")
def embedder(parts: Parts) -> OnnxEmbedder:
    return OnnxEmbedder(*parts, workers=2)


@pytest.fixture(scope="module")
def minilm() -> OnnxEmbedder:
    return OnnxEmbedder(*parts_of("all-minilm-l6-v2"))


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
    minilm: OnnxEmbedder, texts: list[str], expected: np.ndarray
) -> None:
    found = cosines(minilm.embed(texts), expected)
    assert found.min() > 0.995
    assert found.mean() > 0.999


def test_vectors_are_float32_of_unit_length(parts: Parts, embedder: OnnxEmbedder, texts: list[str]) -> None:
    vectors = embedder.embed(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), embedder.dimensions)
    assert embedder.dimensions == parts[0].size
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vector_does_not_depend_on_other_texts_of_its_batch(
    parts: Parts, embedder: OnnxEmbedder, texts: list[str]
) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    one_batch = OnnxEmbedder(*parts, batch_tokens=512 * len(texts))  # all lengths in one batch, padded to the longest
    assert cosines(one_batch.embed(texts), alone).min() >= 0.99999


def test_vectors_are_in_the_order_of_the_texts(embedder: OnnxEmbedder, texts: list[str]) -> None:
    backwards = embedder.embed(texts[::-1])[::-1]
    assert cosines(embedder.embed(texts), backwards).min() >= 0.99999


def test_small_batches_give_the_vectors_of_a_large_one(
    parts: Parts, embedder: OnnxEmbedder, texts: list[str]
) -> None:
    small = OnnxEmbedder(*parts, workers=3, batch_tokens=1)
    assert cosines(small.embed(texts), embedder.embed(texts)).min() >= 0.99999


def test_texts_are_embedded_up_to_the_tokens_of_the_encoder(parts: Parts, embedder: OnnxEmbedder) -> None:
    inside, beyond = parts[0].max_tokens - 56, parts[0].max_tokens + 44
    texts = [text for count in (inside, beyond) for text in ("cat " * count + "dog", "cat " * count)]
    vectors = embedder.embed(texts)  # the limit of two of the tokenizer files would be 128
    within, after = cosines(vectors[::2], vectors[1::2])
    assert within < 0.99995 < after


PAIRS = [
    ("How do otters sleep?", "Otters float on their backs when they sleep, and hold each other by the paws."),
    ("rotate the API keys", "Keys are replaced every 90 days with the command `keys rotate`."),
    ("Who wrote Faust?", "Johann Wolfgang von Goethe worked on the drama for sixty years."),
]


def test_a_query_is_nearest_to_the_document_that_answers_it(embedder: OnnxEmbedder) -> None:
    queries = embedder.embed([query for query, _ in PAIRS], kind="query")
    documents = embedder.embed([document for _, document in PAIRS])
    assert (queries @ documents.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_multilingual_embedder_finds_the_answer_in_another_language() -> None:
    embedder = OnnxEmbedder(*parts_of("multilingual-e5-small"))
    documents = [
        "水獺睡覺時仰面漂浮，牽著彼此的手。",
        "API-Schlüssel werden alle 90 Tage ersetzt.",
        "Гёте писал «Фауста» шестьдесят лет.",
    ]
    queries = embedder.embed([query for query, _ in PAIRS], kind="query")
    assert (queries @ embedder.embed(documents).T).argmax(axis=1).tolist() == [0, 1, 2]


# --- unusual texts


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed([])
    assert vectors.shape == (0, embedder.dimensions)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(
    "text", ["", " \n", "\0", "\ud83d", "a \udcff b", "語" * 50_000, "a" * 1_000_000, "\u0301" * 30_000, "[PAD]"]
)
def test_any_text_has_a_vector_of_unit_length(embedder: OnnxEmbedder, text: str) -> None:
    assert np.isclose(np.linalg.norm(embedder.embed([text])), 1, atol=1e-5)


# --- progress and threads


def test_progress_is_reported_on_the_callers_thread_and_reaches_the_total(parts: Parts, texts: list[str]) -> None:
    reports: list[tuple[int, int]] = []
    embedder = OnnxEmbedder(*parts, workers=2, batch_tokens=64)
    embedder.embed(texts, lambda done: reports.append((done, threading.get_ident())))
    counts = [done for done, _ in reports]
    assert counts == sorted(set(counts))
    assert counts[-1] == len(texts)
    assert len(counts) > 2
    assert {thread for _, thread in reports} == {threading.get_ident()}


class Recording(OnnxEmbedder):
    """Records the priority of the thread of each batch."""

    def __init__(self, encoder: Encoder, graph: Path, tokenizer: Path, *, batch_tokens: int) -> None:
        super().__init__(encoder, graph, tokenizer, batch_tokens=batch_tokens)
        self.priorities: list[int] = []

    def _run(self, tokens: Sequence[list[int]]) -> np.ndarray:
        self.priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return super()._run(tokens)


def test_interrupted_embedding_does_not_start_the_remaining_batches(parts: Parts, texts: list[str]) -> None:
    def interrupt(_done: int) -> None:
        raise KeyboardInterrupt

    embedder = Recording(*parts, batch_tokens=1)  # one batch per text
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


def test_missing_graph_raises_with_the_download_command(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"no model at .*nowhere") as caught:
        OnnxEmbedder(parts[0], tmp_path / "nowhere", parts[2])
    assert caught.value.cure == "run: omni model pull"


@pytest.mark.parametrize("keep", [0, 1_000, 1_000_000])
def test_truncated_graph_raises_with_the_download_command(parts: Parts, tmp_path: Path, keep: int) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(parts[1].read_bytes()[:keep])
    with pytest.raises(ModelCorrupt, match="cannot be loaded") as caught:
        OnnxEmbedder(parts[0], broken, parts[2])
    assert caught.value.cure == "run: omni model pull"


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}"])
def test_broken_tokenizer_raises_with_the_download_command(
    parts: Parts, tmp_path: Path, content: bytes | None
) -> None:
    broken = tmp_path / "tokenizer.json"
    if content is not None:
        broken.write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"tokenizer at .* cannot be loaded") as caught:
        OnnxEmbedder(*parts[:2], broken)
    assert caught.value.cure == "run: omni model pull"


def test_model_files_work_in_another_folder(parts: Parts, tmp_path: Path) -> None:
    graph, tokenizer = (Path(shutil.copy(each, tmp_path)) for each in parts[1:])
    assert OnnxEmbedder(parts[0], graph, tokenizer).embed(["moved"]).shape == (1, parts[0].size)


@pytest.mark.parametrize("text", ["How do otters sleep?", "parse the HTTP header", "308 / 12.5", "", "?!"])
def test_readable_is_1_for_english_and_for_text_without_letters(embedder: OnnxEmbedder, text: str) -> None:
    assert embedder.readable(text) == 1.0


OTHER_SCRIPTS = ["8世紀に日本の首都はどこでしたか。", "黑豹队的防守丢了多少分", "पैंथर्स ने कितने अंक दिए"]


@pytest.mark.parametrize("text", OTHER_SCRIPTS)
def test_readable_tells_whether_the_vocabulary_covers_a_script(
    parts: Parts, embedder: OnnxEmbedder, text: str
) -> None:
    assert embedder.readable(text) < 0.2 if parts[0].languages else embedder.readable(text) == 1.0


def test_readable_of_mixed_text_is_the_known_share(minilm: OnnxEmbedder) -> None:
    assert 0.3 < minilm.readable("kubernetes 是什么东西呢朋友们啊") < 0.7


@given(text=st.text(max_size=200))
def test_readable_of_any_text_is_between_0_and_1(embedder: OnnxEmbedder, text: str) -> None:
    assert 0.0 <= embedder.readable(text) <= 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority applies to the whole process")
def test_many_batches_run_at_low_priority_and_few_do_not() -> None:
    embedder, before = Recording(*parts_of("all-minilm-l6-v2"), batch_tokens=16), os.nice(0)
    for texts, expected in ((["one"], before), (["otters"] * 12, before), (["otters"] * 60, max(before, 10))):
        embedder.priorities.clear()
        embedder.embed(texts)
        assert set(embedder.priorities) == {expected}
    assert os.nice(0) == before


def test_opening_a_session_leaves_no_file_in_the_folders_of_the_user(tmp_path: Path) -> None:
    """Onnxruntime would keep an id of the machine there, and events to send."""
    code = "from native.onnx_sessions import open_session\ntry: open_session(b'')\nexcept Exception: pass"
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("processor", "exact"),
    [
        ("flags\t: fpu avx2 avx512_vnni\n", True),
        ("flags\t: fpu avx2 avx_vnni\n" * 2, True),
        ("flags\t: fpu avx2 avx512f\n", False),
        ("flags\t: fpu avx_vnni\n\nflags\t: fpu avx2\n", False),
        ("Features\t: fp asimd\n", False),
    ],
    ids=["avx512", "avx", "neither", "one-core-without", "arm"],
)
def test_sums_of_products_are_exact_only_with_vnni_on_every_core(tmp_path: Path, processor: str, exact: bool) -> None:
    (tmp_path / "cpuinfo").write_text(processor)
    assert has_exact_products(tmp_path / "cpuinfo") is exact


def test_sums_of_products_are_not_taken_for_exact_where_the_system_does_not_say(tmp_path: Path) -> None:
    assert has_exact_products(tmp_path / "missing") is False
