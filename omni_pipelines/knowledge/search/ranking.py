"""Rank the chunks for a query: candidates from each index, scored in both, fused into one list.

Both candidate lists are cut before they are fused. A chunk that only one of them contains is then scored in the other
index as well, because a missing score does not mean a low one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from omni_pipelines.knowledge.search import fusion
from omni_pipelines.knowledge.search.fusion import Fused
from omni_pipelines.knowledge.search.options import Fusion, Mode, SearchOptions
from omni_pipelines.knowledge.state.snapshot import Snapshot

POOL = 100
"""Candidates taken from each list before they are fused."""
FEEDBACK_CHUNKS = 3
FEEDBACK_SHARE = 0.4
"""Share of the best chunks' mean vector that is added to the query's."""


@dataclass(frozen=True)
class QueryVector:
    """The embedding of a query."""

    values: np.ndarray
    """(d,), unit length."""
    readable: float = 1.0
    """Share of its letters that the embedder knows in whole word pieces, 0 to 1; see `text.embedding`."""


EmbedQuery = Callable[[str], QueryVector]


@dataclass(frozen=True)
class RankedChunks:
    """All candidates, best first, and their ranks in the lists that contained them, from 1."""

    fused: list[Fused]
    keyword_ranks: Mapping[str, int]
    vector_ranks: Mapping[str, int]


def rank(snapshot: Snapshot, query: str, pool: int, options: SearchOptions, embed: EmbedQuery) -> RankedChunks:
    """The best chunks, at most `pool` from each list. Filters apply before the lists are cut."""
    keyword = dict(snapshot.words(query, pool, options.where)) if options.mode != Mode.VECTOR else {}
    if options.mode == Mode.KEYWORD:
        return RankedChunks([Fused(key, score, score, 0.0) for key, score in keyword.items()], _ranks(keyword), {})
    query_vector = embed(query)
    uses_vectors = options.mode == Mode.VECTOR or query_vector.readable > 0
    vector = dict(snapshot.nearest(query_vector.values, pool, options.where)) if uses_vectors else {}
    if options.mode == Mode.VECTOR:
        return RankedChunks([Fused(key, score, 0.0, score) for key, score in vector.items()], {}, _ranks(vector))
    return _HybridRanking(snapshot, query, pool, options).rank(keyword, vector, query_vector)


class _HybridRanking:
    def __init__(self, snapshot: Snapshot, query: str, pool: int, options: SearchOptions) -> None:
        self._snapshot, self._query, self._pool, self._options = snapshot, query, pool, options

    def rank(self, keyword: dict[str, float], vector: dict[str, float], query_vector: QueryVector) -> RankedChunks:
        keyword_ranks, vector_ranks = _ranks(keyword), _ranks(vector)
        fused = self._fuse(keyword, vector, query_vector)
        if self._options.feedback and vector:
            moved = self._moved(query_vector, fused)
            vector = dict(self._snapshot.nearest(moved.values, self._pool, self._options.where))
            vector_ranks = _ranks(vector)
            fused = self._fuse({key: keyword[key] for key in keyword_ranks}, vector, moved)
        return RankedChunks(fused, keyword_ranks, vector_ranks)

    def _moved(self, query_vector: QueryVector, fused: list[Fused]) -> QueryVector:
        """One step of Rocchio's relevance feedback (1971), which takes the best fused chunks as relevant."""
        best = self._snapshot.vectors([each.key for each in fused[:FEEDBACK_CHUNKS]])
        values = query_vector.values + FEEDBACK_SHARE * best.astype(np.float32).mean(axis=0)
        return QueryVector(values / np.linalg.norm(values), query_vector.readable)

    def _fuse(self, keyword: dict[str, float], vector: dict[str, float], query_vector: QueryVector) -> list[Fused]:
        if self._options.fusion == Fusion.CONVEX:
            self._score_in_both(keyword, vector, query_vector)
            return fusion.convex_fusion(keyword, vector, fusion.VECTOR_WEIGHT * query_vector.readable)
        if self._options.fusion == Fusion.RRF:
            return fusion.plain_rrf(keyword, vector)
        by_name = fusion.weighted_rrf if self._options.fusion == Fusion.WEIGHTED_RRF else fusion.adaptive_rrf
        return by_name(self._query, keyword, vector, self._named_items(keyword.keys() | vector.keys()))

    def _score_in_both(self, keyword: dict[str, float], vector: dict[str, float], query_vector: QueryVector) -> None:
        """Add to each list the scores of the chunks that only the other list contains."""
        only_keyword = [key for key in keyword if key not in vector]
        only_vector = [key for key in vector if key not in keyword]
        if only_keyword and query_vector.readable > 0:
            vector.update(self._snapshot.cosines(query_vector.values, only_keyword))
        if only_vector and keyword:
            keyword.update(self._snapshot.words(self._query, len(only_vector), {}, keys=only_vector))

    def _named_items(self, keys: set[str]) -> dict[str, fusion.NamedItem]:
        rows = self._snapshot.chunks(sorted(keys), ["chunk_id", "path", "heading", "title", "kind"])
        names = {key: f"{row['path']} {row['heading']}" for key, row in rows.items()}
        return {key: fusion.NamedItem(names[key], row["title"], row["kind"]) for key, row in rows.items()}


def _ranks(scores: Mapping[str, float]) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(scores, 1)}
