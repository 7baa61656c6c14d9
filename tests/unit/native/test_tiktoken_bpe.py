"""Token counts are tiktoken's own, for any text, from a checked file and nothing else."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import tiktoken
import tiktoken.load
import tiktoken_ext.openai_public
from hypothesis import given, settings
from hypothesis import strategies as st

from native.errors import ModelCorrupt
from native.tiktoken_bpe import PIECE, SHA256, TokenCounter
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStore

PUBLISHED = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
PROSE = "It's 1234567 words,  said Ms. O'Neil;\n\n\tshe'd seen naïve façades — 東京タワー 🙂.\r\n"
"""Everything the encodings split at: contractions, digits, runs of blanks, line ends, other scripts."""

anything = st.text(st.characters(codec=None, categories=None), max_size=200)  # lone surrogates, too
texts = st.one_of(anything, st.text("aA 1\n'.é\ud83d🙂", max_size=200))


@pytest.fixture(scope="module", params=list(SHA256))
def vocabulary(request: pytest.FixtureRequest) -> Path:
    try:
        return ModelStore(load_settings(find_home()).cache).vocabulary_file(request.param)
    except ModelMissing:
        pytest.skip(f"run: omni model pull {request.param}")


@pytest.fixture(scope="module")
def counter(vocabulary: Path) -> TokenCounter:
    return TokenCounter(vocabulary.stem, vocabulary)


@pytest.fixture(scope="module")
def reference(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> tiktoken.Encoding:
    """What tiktoken makes by itself, its cache filled so that it has nothing to download."""
    cache = tmp_path_factory.mktemp("tiktoken")
    address = PUBLISHED.format(vocabulary.stem)
    shutil.copyfile(vocabulary, cache / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        return tiktoken.get_encoding(vocabulary.stem)


# --- counts


@pytest.mark.parametrize("text", ["", " ", "a", PROSE, PROSE * 50, "def f(x):\n    return x\n", "\0\x85\u2028"])
def test_a_count_is_tiktokens_own(counter: TokenCounter, reference: tiktoken.Encoding, text: str) -> None:
    assert counter.count(text) == len(reference.encode_ordinary(text))


@given(text=texts)
def test_any_text_counts_as_tiktoken_counts_it(
    counter: TokenCounter, reference: tiktoken.Encoding, text: str
) -> None:
    assert counter.count(text) == len(reference.encode_ordinary(text))


def test_what_looks_like_a_special_token_is_text(counter: TokenCounter) -> None:
    assert counter.count("<|endoftext|>") > 1


def test_a_lone_surrogate_counts_as_the_replacement_character(counter: TokenCounter) -> None:
    assert counter.count("broken \ud83d text") == counter.count("broken \ufffd text")


@pytest.mark.parametrize(
    "repeated",
    [
        pytest.param(PROSE, id="prose"),
        pytest.param("word" + " " * 19, id="runs of blanks"),
        pytest.param("identifier,1234567\n", id="line ends alone"),
    ],
)
def test_a_long_text_is_cut_where_the_count_stays_exact(
    counter: TokenCounter, reference: tiktoken.Encoding, repeated: str
) -> None:
    text = repeated * (9 * PIECE // len(repeated))
    assert counter.count(text) == len(reference.encode_ordinary(text))


def test_a_long_text_without_a_place_to_cut_counts_a_token_a_cut_too_many_at_most(
    counter: TokenCounter, reference: tiktoken.Encoding
) -> None:
    text = "ab" * (3 * PIECE // 2)
    exact = len(reference.encode_ordinary(text))
    assert exact <= counter.count(text) <= exact + 3


@pytest.mark.parametrize("character", [" ", "\t", "\n", "\u00a0", "a", "!", "語", "\u0301", "\ud800"])
def test_a_line_of_one_character_repeated_does_not_end_the_process(counter: TokenCounter, character: str) -> None:
    assert 0 < counter.count(character * 1_200_000 + "x")  # tiktoken alone panics at a million blanks


# --- prefixes


@given(text=texts, most=st.integers(0, 40))
def test_a_truncated_text_is_a_prefix_within_the_budget(counter: TokenCounter, text: str, most: int) -> None:
    cut = counter.truncate(text, most)
    assert text.startswith(cut)
    assert counter.count(cut) <= most


@given(text=texts, most=st.integers(0, 40))
def test_a_text_within_the_budget_is_not_cut(counter: TokenCounter, text: str, most: int) -> None:
    if counter.count(text) <= most:
        assert counter.truncate(text, most) == text


@settings(max_examples=20)
@given(most=st.integers(1, 500))
def test_the_budget_of_prose_is_used_up(counter: TokenCounter, most: int) -> None:
    assert most - counter.count(counter.truncate(PROSE * 100, most)) <= 2  # a word of three tokens may not fit


def test_a_truncated_text_ends_with_a_whole_character(counter: TokenCounter) -> None:
    assert {counter.truncate("𓂀" * 9, most).strip("𓂀") for most in range(30)} == {""}


@pytest.mark.parametrize("text", ["a" * 3_000_000, " " * 3_000_000, "x " * 1_500_000])
def test_a_prefix_of_a_very_long_text_is_within_the_budget(counter: TokenCounter, text: str) -> None:
    cut = counter.truncate(text, 100)
    assert 98 <= counter.count(cut) <= 100


# --- where the vocabulary comes from


def test_a_counter_needs_neither_the_network_nor_tiktokens_cache(
    vocabulary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, copied = tmp_path / "cache", tmp_path / vocabulary.name
    cache.mkdir()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # a download would fail
    shutil.copyfile(vocabulary, copied)
    assert TokenCounter(vocabulary.stem, copied).count("hello world") == 2
    assert list(cache.iterdir()) == []


def test_a_counter_leaves_tiktoken_as_it_was(vocabulary: Path, tmp_path: Path) -> None:
    copied = tmp_path / vocabulary.name
    shutil.copyfile(vocabulary, copied)
    TokenCounter(vocabulary.stem, copied)
    assert tiktoken_ext.openai_public.load_tiktoken_bpe is tiktoken.load.load_tiktoken_bpe


@pytest.mark.parametrize("name", list(SHA256))
def test_a_changed_vocabulary_is_refused(tmp_path: Path, name: str) -> None:
    changed = tmp_path / f"{name}.tiktoken"
    changed.write_bytes(b"YQ== 0\n")
    with pytest.raises(ModelCorrupt, match="was changed") as caught:
        TokenCounter(name, changed)
    assert caught.value.cure == f"run: omni model pull {name}"


def test_a_missing_vocabulary_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="no vocabulary at") as caught:
        TokenCounter("cl100k_base", tmp_path / "nowhere")
    assert caught.value.cure == "run: omni model pull cl100k_base"


def test_an_unknown_encoding_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="'p50k_base' is unknown") as caught:
        TokenCounter("p50k_base", tmp_path / "p50k_base.tiktoken")
    assert "cl100k_base" in caught.value.cure
