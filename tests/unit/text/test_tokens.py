"""Counting, truncating and splitting within a token budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.tiktoken_bpe import SHA256, TokenCounter
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ConfigurationError, ModelMissing
from omni_pipelines.language_models.port import Message
from omni_pipelines.model_store import ModelStore
from omni_pipelines.text.tokens import (
    chunk_text,
    count_messages,
    count_tokens,
    encoding_for,
    truncate,
    truncate_middle,
)

TEXTS = st.one_of(st.text(max_size=300), st.text("ab \n.é語🙂<|>", max_size=300))


@pytest.fixture(scope="module", params=list(SHA256))
def counter(request: pytest.FixtureRequest) -> TokenCounter:
    try:
        return TokenCounter(
            request.param, ModelStore(load_settings(find_home()).cache).vocabulary_file(request.param)
        )
    except ModelMissing as error:
        pytest.skip(str(error))


def test_count_tokens_gives_known_counts(counter: TokenCounter) -> None:
    assert [count_tokens(text, counter) for text in ("hello world", "hello", "")] == [2, 1, 0]


def test_count_tokens_takes_special_tokens_as_text(counter: TokenCounter) -> None:
    assert count_tokens("<|endoftext|>", counter) > 1


@given(text=TEXTS, most=st.integers(0, 40))
def test_truncated_text_is_a_prefix_within_the_limit(counter: TokenCounter, text: str, most: int) -> None:
    short = truncate(text, most, counter)
    assert text.startswith(short)
    assert counter.count(short) <= most
    assert short == text or counter.count(text) > most


@given(text=TEXTS, most=st.integers(0, 40))
def test_truncated_middle_keeps_both_ends_within_the_limit(counter: TokenCounter, text: str, most: int) -> None:
    short = truncate_middle(text, most, counter)
    assert counter.count(short) <= most
    if counter.count(text) <= most:
        assert short == text
    elif counter.count(" … ") <= most:
        head, _, tail = short.partition(" … ") if " … " not in text else (text[:0], "", text[:0])
        assert text.startswith(head)
        assert text.endswith(tail)


def test_truncated_middle_keeps_ends_of_equal_length(counter: TokenCounter) -> None:
    short = truncate_middle("word " * 1_000, 21, counter)
    head, tail = short.split(" … ")
    assert abs(len(head) - len(tail)) <= 1
    assert counter.count(short) >= 19


@given(text=TEXTS, size=st.integers(1, 30), data=st.data())
def test_pieces_contain_every_character_within_the_size(
    counter: TokenCounter, text: str, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    pieces = chunk_text(text, size, overlap, counter)
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    reached = 0
    for piece in pieces:
        assert piece.text == text[piece.start : piece.end]
        assert piece.start <= reached < piece.end
        assert piece.tokens == counter.count(piece.text)
        assert piece.tokens <= size or len(piece.text) == 1
        assert counter.count(text[piece.start : reached]) <= overlap
        reached = piece.end
    assert reached == len(text)


def test_text_that_fits_is_one_piece_and_no_text_is_none(counter: TokenCounter) -> None:
    assert [piece.text for piece in chunk_text("hello world", 512, 50, counter)] == ["hello world"]
    assert chunk_text("", 512, 50, counter) == []


def test_pieces_end_between_words(counter: TokenCounter) -> None:
    pieces = chunk_text("extraordinarily " * 60, 16, 0, counter)
    assert all(piece.text.strip().endswith("extraordinarily") for piece in pieces)


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_chunk_text_with_an_impossible_size_is_refused(counter: TokenCounter, size: int, overlap: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot repeat"):
        chunk_text("text", size, overlap, counter)


def test_line_of_a_million_characters_is_truncated_and_cut(counter: TokenCounter) -> None:
    line = "ab" * 1_000_000
    assert counter.count(truncate(line, 100, counter)) <= 100
    assert counter.count(truncate_middle(line, 100, counter)) <= 100
    assert chunk_text(line[:200_000], 4_096, 50, counter)[-1].end == 200_000


def test_count_messages_includes_tokens_around_messages_and_reply(counter: TokenCounter) -> None:
    assert count_messages([], counter) == 3
    assert count_messages([Message("user", "hello world")], counter) == 3 + 3 + 1 + 2


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4.1-mini", "o200k_base"),
        ("gpt-oss-20b", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("o200k_base", "o200k_base"),
    ],
)
def test_encoding_for_a_model_is_its_own(model: str, encoding: str) -> None:
    assert encoding_for(model) == encoding


@pytest.mark.parametrize(("model", "why"), [("llama3", "is unknown"), ("davinci", "counts in r50k_base")])
def test_encoding_for_an_unknown_model_is_refused(model: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        encoding_for(model)
    assert "cl100k_base" in caught.value.cure
