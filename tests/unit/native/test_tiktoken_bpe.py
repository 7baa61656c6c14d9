"""Token counts equal tiktoken's for any text, and need only a verified vocabulary file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiktoken
import tiktoken.load
import tiktoken_ext.openai_public  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from native.errors import ModelCorrupt
from native.tiktoken_bpe import PIECE, SHA256, TokenCounter
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStore

PUBLISHED = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
PROSE = "It's 1234567 words,  said Ms. O'Neil;\n\n\tshe'd seen naïve façades — 東京タワー 🙂.\r\n"
"""All that the encodings split at: contractions, digits, runs of blanks, line breaks, other scripts."""

anything = st.text(st.characters(codec=None, categories=None), max_size=200)  # including lone surrogates
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
    """tiktoken's own encoding. Its cache is filled first, so that it downloads nothing."""
    cache = tmp_path_factory.mktemp("tiktoken")
    address = PUBLISHED.format(vocabulary.stem)
    shutil.copyfile(vocabulary, cache / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        return tiktoken.get_encoding(vocabulary.stem)


# --- counts


@pytest.mark.parametrize("text", ["", " ", "a", PROSE, PROSE * 50, "def f(x):\n    return x\n", "\0\x85\u2028"])
def test_count_equals_tiktokens(counter: TokenCounter, reference: tiktoken.Encoding, text: str) -> None:
    assert counter.count(text) == len(reference.encode_ordinary(text))


@given(text=texts)
def test_count_of_any_text_equals_tiktokens(counter: TokenCounter, reference: tiktoken.Encoding, text: str) -> None:
    assert counter.count(text) == len(reference.encode_ordinary(text))


def test_special_token_in_text_counts_as_text(counter: TokenCounter) -> None:
    assert counter.count("<|endoftext|>") > 1


def test_lone_surrogate_counts_as_the_replacement_character(counter: TokenCounter) -> None:
    assert counter.count("broken \ud83d text") == counter.count("broken \ufffd text")


@pytest.mark.parametrize(
    "repeated",
    [
        pytest.param(PROSE, id="prose"),
        pytest.param("word" + " " * 19, id="runs of blanks"),
        pytest.param("identifier,1234567\n", id="only line breaks"),
    ],
)
def test_count_of_long_text_with_places_to_split_is_exact(
    counter: TokenCounter, reference: tiktoken.Encoding, repeated: str
) -> None:
    text = repeated * (9 * PIECE // len(repeated))
    assert counter.count(text) == len(reference.encode_ordinary(text))


def test_count_of_long_text_without_a_place_to_split_is_at_most_one_too_high_per_piece(
    counter: TokenCounter, reference: tiktoken.Encoding
) -> None:
    text = "ab" * (3 * PIECE // 2)
    exact = len(reference.encode_ordinary(text))
    assert exact <= counter.count(text) <= exact + 3


@pytest.mark.parametrize("character", [" ", "\t", "\n", "\u00a0"])
def test_count_of_a_blank_repeated_does_not_panic(counter: TokenCounter, character: str) -> None:
    assert 0 < counter.count(character * 1_200_000 + "x")  # tiktoken alone panics at a million blanks


@pytest.mark.parametrize("character", ["a", "!", "語", "\u0301", "\ud800"])
def test_count_of_a_character_repeated_beyond_a_piece_does_not_panic(counter: TokenCounter, character: str) -> None:
    assert 0 < counter.count(character * (PIECE + 1_000) + "x")


# --- prefixes


@given(text=texts, most=st.integers(0, 40))
def test_truncated_text_is_a_prefix_within_the_budget(counter: TokenCounter, text: str, most: int) -> None:
    cut = counter.truncate(text, most)
    assert text.startswith(cut)
    assert counter.count(cut) <= most


@given(text=texts, most=st.integers(0, 40))
def test_truncate_keeps_a_text_within_the_budget(counter: TokenCounter, text: str, most: int) -> None:
    if counter.count(text) <= most:
        assert counter.truncate(text, most) == text


@settings(max_examples=20)
@given(most=st.integers(1, 500))
def test_truncate_of_prose_uses_the_budget(counter: TokenCounter, most: int) -> None:
    assert most - counter.count(counter.truncate(PROSE * 100, most)) <= 2  # the last word may have three tokens


def test_truncated_text_ends_with_a_complete_character(counter: TokenCounter) -> None:
    assert {counter.truncate("𓂀" * 9, most).strip("𓂀") for most in range(30)} == {""}


@pytest.mark.parametrize("text", ["a" * 3_000_000, " " * 3_000_000, "x " * 1_500_000])
def test_truncate_of_a_very_long_text_uses_the_budget(counter: TokenCounter, text: str) -> None:
    cut = counter.truncate(text, 100)
    assert 98 <= counter.count(cut) <= 100


# --- where the vocabulary comes from


def test_counter_needs_neither_network_nor_tiktokens_cache(vocabulary: Path, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from native.tiktoken_bpe import TokenCounter; "
    code += "path = Path(sys.argv[1]); print(TokenCounter(path.stem, path).count('hello world'))"
    unreachable = {"TIKTOKEN_CACHE_DIR": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = [sys.executable, "-c", code, str(vocabulary)]
    environment = {**os.environ, **unreachable, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert list(tmp_path.iterdir()) == []


def test_counter_does_not_change_tiktoken(vocabulary: Path, tmp_path: Path) -> None:
    copied = tmp_path / vocabulary.name
    shutil.copyfile(vocabulary, copied)
    TokenCounter(vocabulary.stem, copied)
    assert tiktoken_ext.openai_public.load_tiktoken_bpe is tiktoken.load.load_tiktoken_bpe


@pytest.mark.parametrize("name", list(SHA256))
def test_changed_vocabulary_raises_with_the_download_command(tmp_path: Path, name: str) -> None:
    changed = tmp_path / f"{name}.tiktoken"
    changed.write_bytes(b"YQ== 0\n")
    with pytest.raises(ModelCorrupt, match="does not have the published sha256") as caught:
        TokenCounter(name, changed)
    assert caught.value.cure == f"run: omni model pull {name}"


def test_missing_vocabulary_raises_with_the_download_command(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="no vocabulary at") as caught:
        TokenCounter("cl100k_base", tmp_path / "nowhere")
    assert caught.value.cure == "run: omni model pull cl100k_base"


def test_unknown_encoding_raises_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="unknown encoding 'p50k_base'") as caught:
        TokenCounter("p50k_base", tmp_path / "p50k_base.tiktoken")
    assert "cl100k_base" in caught.value.cure
