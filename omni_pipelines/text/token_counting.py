"""Count tokens: the port, and the engines behind it.

tiktoken is the reference. A faster engine is preferred, but used only while it counts as tiktoken does.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from native import toktok_bpe
from native.errors import EngineError
from native.tiktoken_bpe import TokenCounter
from omni_pipelines.model_store import ModelStore
from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantHealth, VariantStatus
from omni_pipelines.variant_registry import VariantRegistry

CountTokens = Callable[[str], int]
"""The number of tokens of a text."""
Value = TypeVar("Value")
COUNT_TOKENS = "count_tokens"
SELF_CHECK = (
    "",
    " ",
    "hello world",
    "It's 1234567 words,  said Ms. O'Neil;\n\n\tshe'd SEEN'VE naïve façades — 東京タワー 🙂.\r\n",
    "def f(x: int) -> dict[str, Any]:\n    return {'a': x ** 2, \"b\": 0xFF_FF}  # ok\n",
    "   leading blanks, trailing blanks   \n\n\n   \t\t \r\n  ",
    "<|endoftext|><|fim_prefix|> looks special and is text",
    "https://example.org/a/b?c=d&e=%20f#L1-L9 user@example.org 2026-11-25T02:08:01Z 3.14159e-10",
    "𓂀𓂀 👩🏽‍💻 é e\u0301 \u0301 \u200b\u00a0\u2028\x85\x00 Ελληνικά русский עברית العربية हिन्दी ไทย 한국어",
    "camelCaseAndPascalCase_snake_case SCREAMING_CASE x1y2z3 ²½ⅷ ١٢٣",
    "a lone surrogate \ud83d and another \ude00",
    "ab" * 3000 + " " * 3000 + "\n" * 300 + "!?" * 300 + "語" * 300 + "9" * 300,
)
"""Texts that an engine must count as tiktoken does before it is used: each is a special case of the encodings."""
KNOWN_COUNTS = {
    "cl100k_base": (0, 1, 2, 37, 34, 11, 18, 43, 67, 31, 7, 4035),
    "o200k_base": (0, 1, 2, 33, 36, 11, 17, 43, 36, 28, 7, 2096),
}
"""What tiktoken counts for them. To load its vocabulary takes longer than a run that changes one file."""


_FAILURES = (EngineError, RuntimeError, ValueError)
"""What engines in C and Rust raise."""


class TokenEngine(Protocol):
    """An engine that counts the tokens of one encoding."""

    name: str

    def count(self, text: str) -> int:
        """Number of tokens."""

    def truncate(self, text: str, max_tokens: int) -> str:
        """A prefix of at most `max_tokens` tokens, and nearly always the longest one."""


class CountsDiffer(Exception):
    """An engine does not count as tiktoken does."""


def register_counters(
    registry: VariantRegistry,
    store: ModelStore,
    encoding: str,
    *,
    is_toktok_installed: Callable[[], bool] = toktok_bpe.installed,
) -> None:
    """Register tiktoken and toktok for an encoding. The encoding is their capability."""

    def check_vocabulary() -> VariantHealth:
        store.vocabulary_file(encoding)
        return VariantHealth()

    def check_toktok() -> VariantHealth:
        if not is_toktok_installed():
            return VariantHealth(VariantStatus.UNAVAILABLE, "not installed; pip install 'omni-pipelines[fast]'")
        return check_vocabulary()

    def toktok() -> TokenEngine:
        return toktok_bpe.ToktokCounter(encoding, store.vocabulary_file(encoding))

    registry.register_factory(
        COUNT_TOKENS,
        "tiktoken",
        lambda: EngineVariant(
            "tiktoken",
            TokenCounter(encoding, store.vocabulary_file(encoding)),
            priority=FALLBACK,
            capabilities={encoding},
        ),
        priority=FALLBACK,
        capabilities={encoding},
        probe=check_vocabulary,
    )
    register_fast_counter(registry, "toktok", toktok, encoding, probe=check_toktok)


def register_fast_counter(
    registry: VariantRegistry,
    name: str,
    make: Callable[[], TokenEngine],
    encoding: str,
    *,
    probe: Callable[[], VariantHealth] = VariantHealth,
) -> None:
    """Register an engine that is preferred while it counts as tiktoken does."""

    def variant() -> EngineVariant[TokenEngine]:
        return EngineVariant(name, make(), priority=PREFERRED, capabilities={encoding}, check=check_counts)

    registry.register_factory(COUNT_TOKENS, name, variant, priority=PREFERRED, capabilities={encoding}, probe=probe)


def check_counts(engine: TokenEngine) -> None:
    """Compare an engine with the counts of tiktoken.

    Raises:
        CountsDiffer: the counts of a text of `SELF_CHECK` differ.
    """
    for text, expected in zip(SELF_CHECK, KNOWN_COUNTS[engine.name], strict=True):
        count = engine.count(text)
        if count != expected:
            raise CountsDiffer(f"it counts {count} tokens where tiktoken counts {expected}: {text[:40]!a}")


class PreferredCounter:
    """Counts with one engine as long as it works, and after a failure with the next one."""

    def __init__(self, registry: VariantRegistry, engine: TokenEngine) -> None:
        self.name = engine.name
        self._registry, self._engine = registry, engine

    def count(self, text: str) -> int:
        """Number of tokens. A special token such as <|endoftext|> counts as plain text."""
        try:  # without a function around the call: a chunk takes about ten counts of a few microseconds
            return self._engine.count(text)
        except _FAILURES:
            return self._call_next(lambda engine: engine.count(text))

    def truncate(self, text: str, max_tokens: int) -> str:
        """A prefix of whole characters with at most `max_tokens` tokens, and nearly always the longest one."""
        return self._call(lambda engine: engine.truncate(text, max_tokens))

    def _call(self, use: Callable[[TokenEngine], Value]) -> Value:
        try:  # without the registry: its bookkeeping takes longer than counting a chunk
            return use(self._engine)
        except _FAILURES:
            return self._call_next(use)

    def _call_next(self, use: Callable[[TokenEngine], Value]) -> Value:
        def call(variant: EngineVariant[TokenEngine]) -> Value:
            value = use(variant.engine)
            self._engine = variant.engine
            return value

        return self._registry.call(COUNT_TOKENS, call, require={self.name}).value
