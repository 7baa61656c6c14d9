"""A query to a ranked list of chunks: candidates from each index, scored in both, fused.

Both lists are cut before they are fused. What only one of them found is then scored in the other as well: a missing
score is not a low one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from omni_pipelines.knowledge.search import rank_fusion
from omni_pipelines.knowledge.search.fusion import VECTOR_WEIGHT, Fused, Fusion, fuse
from omni_pipelines.knowledge.search.rank_fusion import Named
from omni_pipelines.knowledge.state.snapshot import Snapshot

POOL = 100
"""Candidates taken from each list before they are fused."""
FEEDBACK_CHUNKS = 3
FEEDBACK_SHARE = 0.4
"""How much of the best chunks' mean vector is added to the query's."""


class Mode(StrEnum):
    """Which index is asked."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


@dataclass(frozen=True)
class QueryVector:
    """A query as the embedder sees it."""

    values: np.ndarray
    """(d,), unit length."""
    readable: float = 1.0
    """The share of its letters that the embedder knows in whole pieces, 0 to 1; see `text.embedding`."""


EmbedQuery = Callable[[str], QueryVector]


@dataclass(frozen=True)
class Search:
    """How to rank: by which index, within what, fused how."""

    mode: Mode = Mode.HYBRID
    where: Mapping[str, str] = field(default_factory=dict)
    fusion: Fusion = Fusion.CONVEX
    feedback: bool = False
    """Ask the vector index once more, with the query moved towards what was found first."""
    rerank: Callable[[str, Sequence[str]], Sequence[float]] | None = None
    """A second look at the best passages; see `reranking`."""
    fold_near: bool = False
    """Fold a passage that is nearly the same as a better one into it, and not only one that is the same."""


@dataclass(frozen=True)
class Ranked:
    """All candidates, best first, and where each stood in the lists it was in, from 1."""

    fused: list[Fused]
    keyword_ranks: Mapping[str, int]
    vector_ranks: Mapping[str, int]


def rank(snapshot: Snapshot, query: str, pool: int, search: Search, embed: EmbedQuery) -> Ranked:
    """The best chunks, at most `pool` from each list. Filters apply before the lists are cut."""
    keyword = dict(snapshot.words(query, pool, search.where)) if search.mode != Mode.VECTOR else {}
    if search.mode == Mode.KEYWORD:
        return Ranked([Fused(key, score, score, 0.0) for key, score in keyword.items()], _ranks(keyword), {})
    asked = embed(query)
    vector: dict[str, float] = {}
    if search.mode == Mode.VECTOR or asked.readable > 0:
        vector = dict(snapshot.nearest(asked.values, pool, search.where))
    if search.mode == Mode.VECTOR:
        return Ranked([Fused(key, score, 0.0, score) for key, score in vector.items()], {}, _ranks(vector))
    return _Hybrid(snapshot, query, pool, search).rank(keyword, vector, asked)


class _Hybrid:
    def __init__(self, snapshot: Snapshot, query: str, pool: int, search: Search) -> None:
        self._snapshot, self._query, self._pool, self._search = snapshot, query, pool, search

    def rank(self, keyword: dict[str, float], vector: dict[str, float], asked: QueryVector) -> Ranked:
        ranks = _ranks(keyword), _ranks(vector)
        fused = self._fuse(keyword, vector, asked)
        if self._search.feedback and vector:
            moved = self._moved(asked, fused)
            vector = dict(self._snapshot.nearest(moved.values, self._pool, self._search.where))
            ranks = ranks[0], _ranks(vector)
            fused = self._fuse({key: keyword[key] for key in ranks[0]}, vector, moved)
        return Ranked(fused, *ranks)

    def _moved(self, asked: QueryVector, fused: list[Fused]) -> QueryVector:
        """One step of Rocchio's relevance feedback (1971), with the best fused chunks taken for relevant."""
        best = self._snapshot.vectors([each.key for each in fused[:FEEDBACK_CHUNKS]])
        values = asked.values + FEEDBACK_SHARE * best.astype(np.float32).mean(axis=0)
        return QueryVector(values / np.linalg.norm(values), asked.readable)

    def _fuse(self, keyword: dict[str, float], vector: dict[str, float], asked: QueryVector) -> list[Fused]:
        if self._search.fusion == Fusion.CONVEX:
            self._complete(keyword, vector, asked)
            return fuse(keyword, vector, VECTOR_WEIGHT * asked.readable)
        if self._search.fusion == Fusion.RRF:
            return rank_fusion.plain_rrf(keyword, vector)
        by_rank = {Fusion.WEIGHTED_RRF: rank_fusion.weighted_rrf, Fusion.ADAPTIVE_RRF: rank_fusion.adaptive_rrf}
        names = self._names(keyword.keys() | vector.keys())
        return by_rank[self._search.fusion](self._query, keyword, vector, names)

    def _complete(self, keyword: dict[str, float], vector: dict[str, float], asked: QueryVector) -> None:
        only_keyword = [key for key in keyword if key not in vector]
        only_vector = [key for key in vector if key not in keyword]
        if only_keyword and asked.readable > 0:
            vector.update(self._snapshot.cosines(asked.values, only_keyword))
        if only_vector and keyword:
            keyword.update(self._snapshot.words(self._query, len(only_vector), {}, keys=only_vector))

    def _names(self, keys: set[str]) -> dict[str, Named]:
        rows = self._snapshot.chunks(sorted(keys), ["chunk_id", "path", "heading", "title", "kind"])
        return {key: Named(f"{row['path']} {row['heading']}", row["title"], row["kind"]) for key, row in rows.items()}


def _ranks(scores: Mapping[str, float]) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(scores, 1)}
