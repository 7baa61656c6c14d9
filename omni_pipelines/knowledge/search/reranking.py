"""Rerank the best passages with a model that reads query and passage together. Off by default.

Rerankers are variants in the provider registry. `http` calls a server that speaks the protocol of
text-embeddings-inference (POST /rerank), and no other address. If a reranker fails, the order stays.
"""

from collections.abc import Callable, Sequence

import orjson

from omni_pipelines.errors import NetworkBadResponse
from omni_pipelines.knowledge.search.fusion import Fused, ordered
from omni_pipelines.settings import Settings

RERANK = "rerank"
DEPTH = 50
"""Number of passages that are reranked."""
WEIGHT = 1.0
"""The most evidence that a reranker adds, as a share of the best passage's."""

RerankScores = Callable[[str, Sequence[str]], Sequence[float]]
"""Query and passages to how well each passage fits, 0 to 1."""


class HttpReranker:
    """A cross-encoder on a server that speaks the protocol of text-embeddings-inference."""

    def __init__(self, url: str, seconds: float = 5.0) -> None:
        self._url, self._seconds = url, seconds

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """The scores that the server gives.

        Raises:
            NetworkUnreachable, NetworkTimeout, NetworkBadResponse: no answer, or not the expected one.
        """
        from omni_pipelines.language_models.http_exchange import exchange  # most searches ask no server

        body = orjson.dumps({"query": query, "texts": list(texts), "raw_scores": False, "truncate": True})
        reply = exchange(self._url, body, {}, self._seconds)
        if reply.status != 200:
            raise NetworkBadResponse(f"the reranker answered with status {reply.status}", cure="check rerank_url")
        try:
            scores = {int(each["index"]): float(each["score"]) for each in orjson.loads(reply.body)}
            return [min(max(scores[index], 0.0), 1.0) for index in range(len(texts))]
        except (ValueError, KeyError, TypeError) as error:
            problem = "the reranker did not return a score for each passage"
            raise NetworkBadResponse(problem, cure="check that rerank_url ends in /rerank") from error


def load_reranker(settings: Settings) -> RerankScores | None:
    """The reranker that the settings name; None if they name none. It raises VariantsFailed when it fails."""
    if not settings.reranker:
        return None
    from omni_pipelines.providers import PREFERRED, EngineVariant  # most homes have no reranker
    from omni_pipelines.variant_registry import VariantRegistry

    registry = VariantRegistry()
    registry.register(RERANK, EngineVariant("http", HttpReranker(settings.rerank_url), priority=PREFERRED))

    def scores(query: str, texts: Sequence[str]) -> Sequence[float]:
        reply: Sequence[float] = registry.call(RERANK, lambda variant: variant.engine.scores(query, texts)).value
        return reply

    return scores


def reranked(query: str, fused: Sequence[Fused], texts: Sequence[str], reranker: RerankScores) -> list[Fused]:
    """Add the reranker's scores to the first passages, whose texts are given; the others follow in their order.

    If no reranker answers, nothing changes.
    """
    from omni_pipelines.providers import VariantsFailed

    first, rest = fused[: len(texts)], fused[len(texts) :]
    try:
        most = WEIGHT * max((each.score for each in first), default=0.0)
        added = [most * score for score in reranker(query, texts)]
    except VariantsFailed:
        return list(fused)
    pairs = zip(first, added, strict=True)
    return [*ordered(each._replace(score=each.score + more, rerank_part=more) for each, more in pairs), *rest]
