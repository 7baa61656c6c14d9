"""Rank the chunks for a query: candidates from each index, scored in both, fused into one list.

Both candidate lists are cut before they are fused. A chunk that only one of them contains is then scored in the other
index as well, because a missing score does not mean a low one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omni_pipelines.knowledge.search import fusion
from omni_pipelines.knowledge.search.fusion import Fused
from omni_pipelines.knowledge.search.options import Fusion, Mode, SearchOptions
from omni_pipelines.knowledge.search.relevance import Match
from omni_pipelines.knowledge.search.vectors import QueryVector, Vectors
from omni_pipelines.knowledge.state.snapshot import Snapshot

POOL = 100
"""Candidates taken from each list before they are fused."""
EMBEDDED_WHEN_ASKED = 10
"""The best chunks by words of an early release, which are embedded for the query if they have no vector yet."""
FEEDBACK_CHUNKS = 3
FEEDBACK_SHARE = 0.4
"""Share of the best chunks' mean vector that is added to the query's."""
CODE_DISCOUNT = 0.6
"""Share by which words weigh less when a query in plain words meets code.

A description and the code that it describes share few words, and those that they share are mostly accidents. A query
with names has no discount.
"""
_CODE_SAMPLE = 10
"""The nearest chunks, whose share of code decides how much of the discount applies."""
_NAME = re.compile(r"[a-z][A-Z]|\w_\w|\w\.\w|::|\(\)|[`\"\u201c]|[A-Z]{2,}|\d")
"""What names in queries look like: identifiers, paths, quotations, abbreviations, numbers."""


@dataclass(frozen=True)
class RankedChunks:
    """All candidates, best first, and their ranks in the lists that contained them, from 1."""

    fused: list[Fused]
    keyword_ranks: Mapping[str, int]
    vector_ranks: Mapping[str, int]
    match: Match


def rank(snapshot: Snapshot, query: str, pool: int, options: SearchOptions, vectors: Vectors) -> RankedChunks:
    """The best chunks, at most `pool` from each list. Filters apply before the lists are cut."""
    keyword = dict(snapshot.words(query, pool, options.where)) if options.mode != Mode.VECTOR else {}
    words = min(_best(keyword) / (snapshot.keyword.highest_score(query) or 1.0), 1.0)
    if options.mode == Mode.KEYWORD:
        return _from_words(keyword, words)
    query_vector = vectors.of_query(query)
    if options.mode == Mode.HYBRID and query_vector.readable == 0:
        return _from_words(keyword, words)
    if options.mode == Mode.VECTOR:
        vector = dict(snapshot.nearest(query_vector.values, pool, options.where))
        fused = fusion.evidence_fusion({}, _evidence(vector, query_vector))
        return RankedChunks(fused, {}, _ranks(vector), Match(None, _meaning(vector, query_vector), _most(fused)))
    return _HybridRanking(snapshot, query, pool, options, vectors).rank(keyword, query_vector, words)


class _HybridRanking:
    def __init__(self, snapshot: Snapshot, query: str, pool: int, options: SearchOptions, vectors: Vectors) -> None:
        self._snapshot, self._query, self._pool = snapshot, query, pool
        self._options, self._vectors = options, vectors

    def rank(self, keyword: dict[str, float], query_vector: QueryVector, words: float) -> RankedChunks:
        best = list(keyword)[:EMBEDDED_WHEN_ASKED]
        vector = self._nearest(query_vector, best)
        keyword_ranks, vector_ranks = _ranks(keyword), _ranks(vector)
        meaning = _meaning(vector, query_vector)
        weight = self._keyword_weight(list(vector)[:_CODE_SAMPLE])
        fused = self._fuse(keyword, vector, query_vector, weight)
        if self._options.feedback and vector:
            moved = self._moved(query_vector, fused)
            vector = self._nearest(moved, best)
            vector_ranks = _ranks(vector)
            fused = self._fuse({key: keyword[key] for key in keyword_ranks}, vector, moved, weight)
        return RankedChunks(fused, keyword_ranks, vector_ranks, Match(words, meaning, _most(fused)))

    def _nearest(self, query_vector: QueryVector, best: Sequence[str]) -> dict[str, float]:
        """The nearest chunks, nearest first; those `best` by words of an early release are compared as well."""
        found = dict(self._snapshot.nearest(query_vector.values, self._pool, self._options.where))
        if not self._snapshot.release.is_early:
            return found
        found |= self._vectors.cosines(query_vector.values, best)
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    def _moved(self, query_vector: QueryVector, fused: list[Fused]) -> QueryVector:
        """One step of Rocchio's relevance feedback (1971), which takes the best fused chunks as relevant."""
        best = self._vectors.mean([each.key for each in fused[:FEEDBACK_CHUNKS]])
        values = query_vector.values + FEEDBACK_SHARE * best
        return QueryVector(values / np.linalg.norm(values), query_vector.readable, query_vector.calibration)

    def _keyword_weight(self, nearest: list[str]) -> float:
        if _NAME.search(self._query) or not nearest:
            return fusion.KEYWORD_WEIGHT
        kinds = [row["kind"] for row in self._snapshot.chunks(nearest, ["kind"]).values()]
        return fusion.KEYWORD_WEIGHT * (1 - CODE_DISCOUNT * kinds.count("code") / max(len(kinds), 1))

    def _fuse(
        self, keyword: dict[str, float], vector: dict[str, float], query_vector: QueryVector, weight: float
    ) -> list[Fused]:
        if self._options.fusion == Fusion.RRF:
            return fusion.plain_rrf(keyword, vector)
        self._score_in_both(keyword, vector, query_vector)
        return fusion.evidence_fusion(fusion.keyword_evidence(keyword, weight), _evidence(vector, query_vector))

    def _score_in_both(self, keyword: dict[str, float], vector: dict[str, float], query_vector: QueryVector) -> None:
        """Add to each list the scores of the chunks that only the other list contains."""
        only_keyword = [key for key in keyword if key not in vector]
        only_vector = [key for key in vector if key not in keyword]
        if only_keyword:
            vector.update(self._snapshot.cosines(query_vector.values, only_keyword))
            unknown = [key for key in keyword if key not in vector]
            if unknown and vector:  # an early release: a chunk without a vector yet is taken for an average one
                scored = [vector[key] for key in keyword if key in vector] or [min(vector.values())]
                vector.update(dict.fromkeys(unknown, sum(scored) / len(scored)))
        if only_vector and keyword:
            keyword.update(self._snapshot.words(self._query, len(only_vector), {}, keys=only_vector))


def _from_words(keyword: Mapping[str, float], words: float) -> RankedChunks:
    fused = fusion.evidence_fusion(fusion.keyword_evidence(keyword, fusion.KEYWORD_WEIGHT), {})
    return RankedChunks(fused, _ranks(keyword), {}, Match(words, None, _most(fused)))


def _evidence(vector: Mapping[str, float], query_vector: QueryVector) -> dict[str, float]:
    return fusion.vector_evidence(vector, query_vector.calibration, query_vector.readable)


def _meaning(vector: Mapping[str, float], query_vector: QueryVector) -> float:
    return query_vector.readable * query_vector.calibration.scaled(_best(vector)) if vector else 0.0


def _most(fused: list[Fused]) -> float:
    return fused[0].score if fused else 0.0


def _best(scores: Mapping[str, float]) -> float:
    return max(scores.values(), default=0.0)


def _ranks(scores: Mapping[str, float]) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(scores, 1)}
