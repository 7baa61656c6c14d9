"""Rank tools and commands by reciprocal rank fusion, with a boost for names that resemble the query.

Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods"
(2009). These forms trust the vectors more when few keywords match. Passages have no names: searches do not use them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SHORT_LIST_K = 10
"""The constant of the paper is 60; this one is for short lists."""
SURE_HITS = 5
"""Number of keyword hits from which the adaptive form trusts them fully."""
WORD_IN_NAME, QUERY_IN_NAME, FINDS_FILES = 0.3, 0.5, 0.25
WORD_IN_CATEGORY, WORD_IN_DESCRIPTION, MAX_ALIGNMENT = 0.05, 0.03, 0.45
_MIN_WORD_LENGTH = 3
_FILES = re.compile(r"\b(?:find|list|files?|director(?:y|ies)|folders?|paths?|glob|extensions?)\b|\*\.|\.py\b|\.rs\b")

ScoredKeys = Mapping[str, float]
"""Key to score, best first; higher is better."""


class RankedName(NamedTuple):
    """The score of a key and its parts, which add up to it; higher is better."""

    key: str
    score: float
    keyword_part: float
    vector_part: float
    boost_part: float = 0.0


def _ordered(fused: Iterable[RankedName]) -> list[RankedName]:
    """Best first, ties by key: the same order on every machine."""
    return sorted(fused, key=lambda each: (-each.score, each.key))


class NamedItem(NamedTuple):
    """The name, description and category of an item in the lists."""

    name: str
    description: str = ""
    category: str = ""


class _Weights(NamedTuple):
    vector: float
    keyword: float
    cosine: float = 0.0
    """Share of the cosine that is added to the vector's rank term."""
    keyword_only: float = 1.0
    """Factor for items that are in the keyword list alone."""


_MANY_KEYWORDS = _Weights(vector=1.0, keyword=1.5)
_FEW_KEYWORDS = _Weights(vector=2.0, keyword=0.1, cosine=0.3)


def _rank_term(rank: int) -> float:
    """The score of a rank, from 0."""
    return 1 / (SHORT_LIST_K + rank + 1)


def weighted_rrf(
    query: str, keyword: ScoredKeys, vector: ScoredKeys, items: Mapping[str, NamedItem]
) -> list[RankedName]:
    """Keywords count 1.5 times; with fewer than two keyword hits, the vectors and their cosines decide.

    Items that resemble the query, by name, description or category, are boosted.
    """
    boosts = {
        key: _name_boost(query, item)
        + _files_boost(query, item)
        + (_alignment(query, item) if key in keyword else 0.0)
        for key, item in items.items()
    }
    return _fuse(keyword, vector, _FEW_KEYWORDS if len(keyword) < 2 else _MANY_KEYWORDS, boosts)


def adaptive_rrf(
    query: str, keyword: ScoredKeys, vector: ScoredKeys, items: Mapping[str, NamedItem]
) -> list[RankedName]:
    """The fewer keyword hits there are, below five, the more the vectors count. Keyword-only items count half."""
    confidence = min(len(keyword) / SURE_HITS, 1.0)
    cosine = 0.4 if confidence < 0.5 else 0.0
    weights = _Weights(vector=2 - confidence, keyword=1.5 * confidence, cosine=cosine, keyword_only=0.5)
    boosts = {key: _name_boost(query, item) for key, item in items.items()}
    return _fuse(keyword, vector, weights, boosts)


def _fuse(
    keyword: ScoredKeys, vector: ScoredKeys, weights: _Weights, boosts: Mapping[str, float]
) -> list[RankedName]:
    keyword_ranks, vector_ranks = ({key: rank for rank, key in enumerate(scores)} for scores in (keyword, vector))
    fused = []
    for key in keyword.keys() | vector.keys():
        by_keyword = by_vector = 0.0
        if key in keyword_ranks:
            alone = 1.0 if key in vector else weights.keyword_only
            by_keyword = alone * weights.keyword * _rank_term(keyword_ranks[key])
        if key in vector_ranks:
            by_vector = weights.vector * _rank_term(vector_ranks[key]) + weights.cosine * vector[key]
        boost = boosts.get(key, 0.0)
        fused.append(RankedName(key, by_keyword + by_vector + boost, by_keyword, by_vector, boost))
    return _ordered(fused)


def _words(query: str) -> set[str]:
    return {word for word in query.lower().split() if len(word) >= _MIN_WORD_LENGTH}


def _name_boost(query: str, item: NamedItem) -> float:
    name = item.name.lower()
    whole = QUERY_IN_NAME if query.strip().lower() in name else 0.0
    return WORD_IN_NAME * sum(word in name for word in _words(query)) + whole


def _files_boost(query: str, item: NamedItem) -> float:
    about_files = all(_FILES.search(text.lower()) for text in (query, f"{item.name} {item.description}"))
    return FINDS_FILES if about_files else 0.0


def _alignment(query: str, item: NamedItem) -> float:
    fields = ((WORD_IN_CATEGORY, item.category.lower()), (WORD_IN_DESCRIPTION, item.description.lower()))
    total = sum(boost for word in _words(query) for boost, text in fields if word in text)
    return min(total, MAX_ALIGNMENT)
