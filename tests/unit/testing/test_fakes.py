"""The fakes behave like what they replace."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.testing.fakes import FakeClock, FakeEmbedder, ScriptedModel, ScriptExhausted, WordCounter

TEXTS = st.lists(st.text(), max_size=5)


@given(TEXTS)
def test_fake_embedder_gives_float32_unit_vectors_in_order(texts: list[str]) -> None:
    vectors = FakeEmbedder().embed(texts)
    assert vectors.shape == (len(texts), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert all(np.array_equal(FakeEmbedder().embed([text])[0], row) for text, row in zip(texts, vectors, strict=True))


def test_fake_embedder_places_texts_with_shared_words_closer() -> None:
    query, near, far = FakeEmbedder().embed(["rotate the keys", "keys: how to ROTATE them", "backups run at night"])
    assert query @ near > 0.4 > query @ far


def test_fake_embedder_gives_the_same_vectors_in_another_process() -> None:
    code = "from omni_pipelines.testing.fakes import FakeEmbedder; print(FakeEmbedder(8).embed(['a b'])[0].tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(FakeEmbedder(8).embed(["a b"])[0].tolist())


def test_fake_embedder_records_texts_and_reports_progress() -> None:
    embedder, done = FakeEmbedder(16), list[int]()
    embedder.embed(["a", "b"], done.append)
    embedder.embed(["c"], done.append)
    assert (embedder.embedded, done) == (["a", "b", "c"], [2, 1])


@pytest.mark.parametrize(("text", "words"), [("", 0), (" \n", 0), ("one", 1), ("one two\nthree", 3)])
def test_word_counter_counts_words(text: str, words: int) -> None:
    assert WordCounter()(text) == WordCounter().count(text) == words


def test_scripted_model_gives_replies_in_order_and_records_calls() -> None:
    model = ScriptedModel(["first"]).will_say({"plan": [1]}, lambda messages: messages[0]["content"].upper())
    asked = [{"role": "user", "content": "hello"}]
    assert [model.complete(asked).text for _ in range(3)] == ["first", '{"plan": [1]}', "HELLO"]
    assert [call.text for call in model.calls] == ["hello"] * 3
    model.check()


def test_scripted_model_records_schema_and_token_limit() -> None:
    model = ScriptedModel(["{}"])
    model.complete(["hello"], {"type": "object"}, max_tokens=7)
    assert (model.calls[0].schema, model.calls[0].max_tokens, model.calls[0].text) == ({"type": "object"}, 7, "hello")


def test_scripted_model_raises_an_error_of_the_script() -> None:
    model = ScriptedModel([TimeoutError("too slow"), "then this"])
    with pytest.raises(TimeoutError, match="too slow"):
        model.complete([])
    assert model.complete([]).text == "then this"


def test_scripted_model_fails_for_a_call_without_a_reply() -> None:
    model = ScriptedModel()
    with pytest.raises(ScriptExhausted, match="no reply for call 1: 'what now'"):
        model.complete(["what now"])
    with pytest.raises(ScriptExhausted, match="1 of 1 calls"):
        model.check()


def test_scripted_model_fails_for_unused_replies() -> None:
    with pytest.raises(AssertionError, match="1 replies were not used, first 'left'"):
        ScriptedModel(["left"]).check()


def test_fake_clock_moves_only_by_advance_and_sleep() -> None:
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    assert (clock(), clock.monotonic(), clock.time()) == (0.0, 0.0, 1772323200.0)
    clock.advance(90)
    clock.sleep(0.5)
    assert (clock(), clock.sleeps) == (90.5, [0.5])
    assert clock.now() == datetime(2026, 3, 1, 0, 1, 30, 500_000, tzinfo=UTC)


def test_fake_clock_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back 1 s"):
        FakeClock().advance(-1)
