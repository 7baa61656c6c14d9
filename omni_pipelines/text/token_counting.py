"""The variants that count tokens: tiktoken, which the others are measured by, and faster ones that agree with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from native import toktok_bpe
from native.tiktoken_bpe import TokenCounter
from omni_pipelines.model_store import ModelStore
from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantHealth, VariantStatus
from omni_pipelines.variant_registry import VariantRegistry

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
"""What an engine must count as tiktoken does before it is used: what the encodings treat in ways of their own."""


class CountsTokens(Protocol):
    """An engine that counts the tokens of one encoding."""

    name: str

    def count(self, text: str) -> int:
        """Number of tokens."""

    def truncate(self, text: str, max_tokens: int) -> str:
        """The longest prefix found that has at most `max_tokens` tokens."""


class CountsDiffer(Exception):
    """An engine does not count as tiktoken does."""


def register_counters(registry: VariantRegistry, store: ModelStore, encoding: str) -> None:
    """The variants for an encoding, which is their capability: tiktoken and toktok."""

    def vocabulary_is_here() -> VariantHealth:
        store.vocabulary_file(encoding)
        return VariantHealth()

    def toktok_is_here() -> VariantHealth:
        if not toktok_bpe.installed():
            return VariantHealth(VariantStatus.UNAVAILABLE, "not installed; pip install 'omni-pipelines[fast]'")
        return vocabulary_is_here()

    def tiktoken() -> TokenCounter:
        return TokenCounter(encoding, store.vocabulary_file(encoding))

    def toktok() -> CountsTokens:
        return toktok_bpe.ToktokCounter(encoding, store.vocabulary_file(encoding))

    registry.register_factory(
        COUNT_TOKENS,
        "tiktoken",
        lambda: EngineVariant("tiktoken", tiktoken(), priority=FALLBACK, capabilities={encoding}),
        priority=FALLBACK,
        capabilities={encoding},
        probe=vocabulary_is_here,
    )
    register_fast_counter(registry, "toktok", toktok, tiktoken, encoding, probe=toktok_is_here)


def register_fast_counter(
    registry: VariantRegistry,
    name: str,
    make: Callable[[], CountsTokens],
    reference: Callable[[], CountsTokens],
    encoding: str,
    *,
    probe: Callable[[], VariantHealth] = VariantHealth,
) -> None:
    """An engine that is preferred while it counts as the reference does, which is tried before it is used."""

    def check(engine: CountsTokens) -> None:
        check_counts(engine, reference())

    def variant() -> EngineVariant[CountsTokens]:
        return EngineVariant(name, make(), priority=PREFERRED, capabilities={encoding}, check=check)

    registry.register_factory(COUNT_TOKENS, name, variant, priority=PREFERRED, capabilities={encoding}, probe=probe)


def check_counts(engine: CountsTokens, reference: CountsTokens) -> None:
    """Compare an engine with the reference.

    Raises:
        CountsDiffer: for at least one text of `SELF_CHECK`.
    """
    for text in SELF_CHECK:
        found, expected = engine.count(text), reference.count(text)
        if found != expected:
            raise CountsDiffer(f"it counts {found} tokens where tiktoken counts {expected}: {text[:40]!a}")


class PreferredCounter:
    """Counts with one engine for as long as it works; whatever happens to it, the next one counts."""

    def __init__(self, registry: VariantRegistry, engine: CountsTokens) -> None:
        self.name = engine.name
        self._registry, self._engine = registry, engine

    def count(self, text: str) -> int:
        """Number of tokens. What looks like a special token is text like any other."""
        try:  # past the registry, whose accounts would cost more than counting a chunk does
            return self._engine.count(text)
        except Exception:  # noqa: BLE001  # whatever it is, another engine may do better
            return self._with_another(lambda engine: engine.count(text))

    def truncate(self, text: str, max_tokens: int) -> str:
        """The longest prefix found that has at most `max_tokens` tokens and ends with a whole character."""
        try:
            return self._engine.truncate(text, max_tokens)
        except Exception:  # noqa: BLE001  # as above
            return self._with_another(lambda engine: engine.truncate(text, max_tokens))

    def _with_another(self, use: Callable[[CountsTokens], Value]) -> Value:
        def using(variant: EngineVariant[CountsTokens]) -> Value:
            value = use(variant.engine)
            self._engine = variant.engine
            return value

        return self._registry.call(COUNT_TOKENS, using, require={self.name}).value
