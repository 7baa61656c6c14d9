"""The preferred engine counts as tiktoken does, or it is not used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.tiktoken_bpe import PIECE, SHA256, TokenCounter
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStore
from omni_pipelines.settings import Settings
from omni_pipelines.text import engines
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers.markup import markdown
from omni_pipelines.text.token_counting import (
    COUNT_TOKENS,
    KNOWN_COUNTS,
    SELF_CHECK,
    CountsDiffer,
    PreferredCounter,
    check_counts,
    register_counters,
    register_fast_counter,
)
from omni_pipelines.variant_registry import VariantRegistry

toktok_bpe = pytest.importorskip("native.toktok_bpe")
if not toktok_bpe.installed():
    pytest.skip("toktok is not installed: pip install 'omni-pipelines[fast]'", allow_module_level=True)

anything = st.text(st.characters(codec=None, categories=None), max_size=200)  # lone surrogates, too
texts = st.one_of(anything, st.text("aA 1\n'.é\ud83d🙂<|>", max_size=200))


@pytest.fixture(scope="module", params=list(SHA256))
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(load_settings(find_home()).cache)


@pytest.fixture(scope="module")
def reference(store: ModelStore, encoding: str) -> TokenCounter:
    try:
        return TokenCounter(encoding, store.vocabulary_file(encoding))
    except ModelMissing:
        pytest.skip(f"run: omni model pull {encoding}")


@pytest.fixture(scope="module")
def toktok(store: ModelStore, reference: TokenCounter) -> TokenCounter:
    counter: TokenCounter = toktok_bpe.ToktokCounter(reference.name, store.vocabulary_file(reference.name))
    counter.count("this loads the vocabulary now, outside the time limit of a test")
    return counter


@pytest.fixture
def registry(store: ModelStore, reference: TokenCounter) -> VariantRegistry:
    registry = VariantRegistry()
    register_counters(registry, store, reference.name)
    return registry


class WrongCounter:
    """Counts one token too many for the texts that `is_wrong` selects."""

    def __init__(self, reference: TokenCounter, is_wrong: Callable[[str], bool]) -> None:
        self.name = reference.name
        self._reference, self._is_wrong = reference, is_wrong

    def count(self, text: str) -> int:
        return self._reference.count(text) + self._is_wrong(text)

    def truncate(self, text: str, max_tokens: int) -> str:
        return self._reference.truncate(text, max_tokens)


def chosen(registry: VariantRegistry) -> str:
    return registry.call(COUNT_TOKENS, lambda variant: str(variant.name)).value


def reason(registry: VariantRegistry, name: str) -> str:
    return next(info.reason for info in registry.list_variants(COUNT_TOKENS) if info.name == name)


# --- toktok


@given(text=texts)
def test_toktok_counts_any_text_as_tiktoken_does(toktok: TokenCounter, reference: TokenCounter, text: str) -> None:
    assert toktok.count(text) == reference.count(text)


@given(text=texts, most=st.integers(0, 40))
def test_toktok_truncates_any_text_as_tiktoken_does(
    toktok: TokenCounter, reference: TokenCounter, text: str, most: int
) -> None:
    assert toktok.truncate(text, most) == reference.truncate(text, most)


@pytest.mark.parametrize("text", [" " * 1_200_000, "identifier" * (PIECE // 3), "It's 12345\n" * (PIECE // 4)])
def test_toktok_counts_long_texts_as_tiktoken_does(toktok: TokenCounter, reference: TokenCounter, text: str) -> None:
    assert toktok.count(text) == reference.count(text)


def test_toktok_needs_no_download(store: ModelStore, reference: TokenCounter, tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from native.toktok_bpe import ToktokCounter\n"
        "print(ToktokCounter(sys.argv[2], Path(sys.argv[3])).count('hello world'))\n"
    )
    vocabulary = store.vocabulary_file(reference.name)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parents[3]), reference.name, str(vocabulary)],
        capture_output=True,
        text=True,
        check=False,
        env={"TIKTOKEN_CACHE_DIR": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"},  # a download would fail
    )
    assert ran.stdout == "2\n", ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_known_counts_are_those_of_tiktoken(reference: TokenCounter) -> None:
    assert tuple(map(reference.count, SELF_CHECK)) == KNOWN_COUNTS[reference.name]


def test_toktok_counts_without_the_vocabulary_of_tiktoken(tmp_path: Path, reference: TokenCounter) -> None:
    assert toktok_bpe.ToktokCounter(reference.name, tmp_path / "missing").count("hello world") == 2


# --- the choice


def test_toktok_is_preferred_if_it_is_installed(registry: VariantRegistry) -> None:
    assert chosen(registry) == "toktok"


def test_tiktoken_counts_if_toktok_is_not_installed(store: ModelStore, reference: TokenCounter) -> None:
    registry = VariantRegistry()
    register_counters(registry, store, reference.name, is_toktok_installed=lambda: False)
    assert chosen(registry) == "tiktoken"
    assert "pip install" in reason(registry, "toktok")


@pytest.mark.parametrize("text", SELF_CHECK, ids=range(len(SELF_CHECK)))
def test_engine_with_one_wrong_count_in_the_self_check_is_rejected(
    registry: VariantRegistry, reference: TokenCounter, text: str
) -> None:
    wrong = WrongCounter(reference, lambda counted: counted == text)
    register_fast_counter(registry, "toktok", lambda: wrong, reference.name)
    assert chosen(registry) == "tiktoken"
    assert "where tiktoken counts" in reason(registry, "toktok")


@pytest.mark.parametrize(
    "kind",
    [str.isspace, str.isdigit, str.isupper, lambda char: char == "'", lambda char: ord(char) > 0xFFFF,
     lambda char: "\u4e00" <= char <= "\u9fff", lambda char: "\ud800" <= char <= "\udfff", lambda char: char == "\r"],
)  # fmt: skip
def test_engine_with_wrong_counts_for_one_kind_of_character_is_rejected(
    reference: TokenCounter, kind: Callable[[str], bool]
) -> None:
    with pytest.raises(CountsDiffer):
        check_counts(WrongCounter(reference, lambda text: any(map(kind, text))))


def test_engine_with_right_counts_is_preferred(registry: VariantRegistry, reference: TokenCounter) -> None:
    register_fast_counter(registry, "toktok", lambda: WrongCounter(reference, lambda _: False), reference.name)
    assert chosen(registry) == "toktok"


# --- failures while counting


class FailsLater(WrongCounter):
    """Counts in the self-check, and raises afterwards."""

    def __init__(self, reference: TokenCounter) -> None:
        super().__init__(reference, lambda _: False)
        self.left = len(SELF_CHECK)

    def count(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of order")
        return super().count(text)

    def truncate(self, text: str, max_tokens: int) -> str:
        raise RuntimeError("out of order")


@pytest.fixture
def counter(registry: VariantRegistry, reference: TokenCounter) -> PreferredCounter:
    failing = FailsLater(reference)
    register_fast_counter(registry, "toktok", lambda: failing, reference.name)
    assert chosen(registry) == "toktok"
    return PreferredCounter(registry, failing)


def test_engine_that_fails_while_counting_is_replaced(counter: PreferredCounter, reference: TokenCounter) -> None:
    assert [counter.count(text) for text in SELF_CHECK] == [reference.count(text) for text in SELF_CHECK]


def test_engine_that_fails_while_truncating_is_replaced(counter: PreferredCounter, reference: TokenCounter) -> None:
    assert counter.truncate("one two three four", 2) == reference.truncate("one two three four", 2)


def test_chunks_are_the_same_with_every_engine(toktok: TokenCounter, reference: TokenCounter) -> None:
    words = "Naïve façades, 東京タワー, 🙂 and it's 1234567 words said Ms. O'Neil. "
    raw = "".join(f"## Part {number}\n\n{words * (number % 9 + 1)}\n\n" for number in range(60)).encode()
    parsed: Parsed = markdown.read(raw, "a.md")
    chunker = Chunker(Budget(64, 8))
    assert chunker.cut(parsed, toktok.count) == chunker.cut(parsed, reference.count)


# --- loading by the settings


def test_load_counter_gives_the_preferred_engine(reference: TokenCounter) -> None:
    settings = load_settings(find_home()).model_copy(update={"encoding": reference.name})
    counter = engines.load_counter(settings)
    assert (counter.name, counter.count("hello world")) == (reference.name, 2)


def test_load_counter_without_a_vocabulary_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    settings = Settings.model_validate({"cache": tmp_path})
    with pytest.raises(ModelMissing) as caught:
        engines.load_counter(settings)
    assert caught.value.cure == "fetch it once: omni model pull cl100k_base"
