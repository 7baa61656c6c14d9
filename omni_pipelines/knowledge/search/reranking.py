"""A second look at the best passages: whoever reads query and passage together may order them anew. Off by default.

What reads them is a variant behind the provider registry: `words` needs nothing; `http` asks a server that speaks the
protocol of text-embeddings-inference (POST /rerank), and goes nowhere else. If it fails, the order stays as it was.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence, Set
from typing import Protocol

import orjson

from omni_pipelines.errors import NetworkBadResponse
from omni_pipelines.knowledge.search.fusion import Fused, ordered
from omni_pipelines.language_models.http_exchange import exchange
from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantsFailed
from omni_pipelines.settings import Settings
from omni_pipelines.variant_registry import VariantRegistry

RERANK = "rerank"
DEPTH = 50
"""Passages that are looked at again."""
WEIGHT = 0.5
"""What the second look adds at most; the first one gives at most 1."""
_SECONDS = 5.0
_WORD = re.compile(r"\w+")

Score = Callable[[str, Sequence[str]], Sequence[float]]
"""Query and passages to how well each fits, 0 to 1."""


class Reranker(Protocol):
    """Reads a query and passages together."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each passage fits, 0 to 1."""


class WordsReranker:
    """How much of the query stands close together: Tao and Zhai, "An Exploration of Proximity Measures" (2007)."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """The share of the query's words in a passage, more where they stand close to each other."""
        wanted = set(_WORD.findall(query.casefold()))
        return [_closeness(wanted, _WORD.findall(text.casefold())) for text in texts]


class HttpReranker:
    """A cross-encoder behind a server of text-embeddings-inference's kind."""

    def __init__(self, url: str, seconds: float = _SECONDS) -> None:
        self._url, self._seconds = url, seconds

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """As the server says.

        Raises:
            NetworkUnreachable, NetworkTimeout, NetworkBadResponse: it does not answer, or not as it should.
        """
        body = orjson.dumps({"query": query, "texts": list(texts), "raw_scores": False, "truncate": True})
        reply = exchange(self._url, body, {}, self._seconds)
        if reply.status != 200:
            raise NetworkBadResponse(f"the reranker answered {reply.status}", cure="check rerank_url")
        try:
            found = {int(each["index"]): float(each["score"]) for each in orjson.loads(reply.body)}
            return [min(max(found[at], 0.0), 1.0) for at in range(len(texts))]
        except (ValueError, KeyError, TypeError) as error:
            what = "the reranker did not give a score for each passage"
            raise NetworkBadResponse(what, cure="check that rerank_url ends in /rerank") from error


def load_reranker(settings: Settings) -> Score | None:
    """The reranker that the settings name; None without one."""
    if not settings.reranker:
        return None
    registry = VariantRegistry()
    if settings.reranker == "http":
        registry.register(RERANK, EngineVariant("http", HttpReranker(settings.rerank_url), priority=PREFERRED))
    else:
        registry.register(RERANK, EngineVariant("words", WordsReranker(), priority=FALLBACK))

    def scores(query: str, texts: Sequence[str]) -> Sequence[float]:
        found: Sequence[float] = registry.call(RERANK, lambda variant: variant.engine.scores(query, texts)).value
        return found

    return scores


def reranked(query: str, fused: Sequence[Fused], texts: Sequence[str], score: Score) -> list[Fused]:
    """The first passages, whose texts are given, with what the second look adds; the others stay behind them.

    Where no reranker answers, all stay as they were.
    """
    first, rest = fused[: len(texts)], fused[len(texts) :]
    try:
        added = [WEIGHT * each for each in score(query, texts)]
    except VariantsFailed:
        return list(fused)
    again = (
        each._replace(score=each.score + more, rerank_part=more) for each, more in zip(first, added, strict=True)
    )
    return [*ordered(again), *rest]


def _closeness(wanted: Set[str], words: Sequence[str]) -> float:
    places = [(at, word) for at, word in enumerate(words) if word in wanted]
    found = {word for _, word in places}
    if not found:
        return 0.0
    share = len(found) / len(wanted)
    gaps = [b - a for (a, one), (b, other) in itertools.pairwise(places) if one != other]
    near = math.log1p(math.exp(1 - min(gaps))) if gaps else 0.0
    return share * (0.5 + 0.5 * near)
