"""Reciprocal rank fusion, plain, weighted and adaptive: for lists whose scores cannot be compared.

Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods"
(2009). The weighted and the adaptive form trust the vectors more where few keywords match, and lift what is named
like the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from omni_pipelines.knowledge.search.fusion import Fused, Scores, ordered

PLAIN_K = 60
"""The paper's constant; the weighted forms use 10, for short lists."""
K = 10
VECTOR_WEIGHT, KEYWORD_WEIGHT = 1.0, 1.5
FEW_HITS = 2
FEW_VECTOR_WEIGHT, FEW_KEYWORD_WEIGHT, FEW_SCORE_SHARE = 2.0, 0.1, 0.3
"""Instead of the weights above where fewer than two keywords hit; so much of the cosine is added then."""
SURE_HITS = 5
"""Keyword hits from which the adaptive form trusts them fully."""
UNSURE, UNSURE_SCORE_SHARE = 0.5, 0.4
WORD_IN_NAME, QUERY_IN_NAME, FINDS_FILES = 0.3, 0.5, 0.25
IN_ROUTING, IN_INTENTS, IN_CATEGORY, IN_DESCRIPTION, MAX_ALIGNMENT = 0.08, 0.09, 0.05, 0.03, 0.45
_MIN_WORD_LENGTH = 3
_FILES = re.compile(r"\b(?:find|list|files?|director(?:y|ies)|folders?|paths?|glob|extensions?)\b|\*\.|\.py\b|\.rs\b")


@dataclass(frozen=True)
class Named:
    """What a thing that was found is called, and what is said of it."""

    name: str
    description: str = ""
    category: str = ""
    routing_keywords: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Weights:
    vector: float
    keyword: float
    score_share: float
    """How much of the cosine itself is added."""
    keyword_only: float = 1.0
    """What the term of an item counts that no vector found."""


def rank_term(rank: int, k: int = K) -> float:
    """What a rank, from 0, is worth."""
    return 1 / (k + rank + 1)


def plain_rrf(keyword: Scores, vector: Scores, k: int = PLAIN_K) -> list[Fused]:
    """The sum of both lists' rank terms, best first, ties by key."""
    return _fuse(keyword, vector, _Weights(1.0, 1.0, 0.0), k, {})


def weighted_rrf(query: str, keyword: Scores, vector: Scores, names: Mapping[str, Named]) -> list[Fused]:
    """Keywords count 1.5 times; where they hardly hit, the vectors and their cosines decide. Then names are heard."""
    few = len(keyword) < FEW_HITS
    weights = (
        _Weights(FEW_VECTOR_WEIGHT, FEW_KEYWORD_WEIGHT, FEW_SCORE_SHARE)
        if few
        else _Weights(VECTOR_WEIGHT, KEYWORD_WEIGHT, 0.0)
    )
    boosts = {
        key: _name_boost(query, names[key])
        + _files_boost(query, names[key])
        + (_alignment(query, names[key]) if key in keyword else 0.0)
        for key in names
    }
    return _fuse(keyword, vector, weights, K, boosts)


def adaptive_rrf(query: str, keyword: Scores, vector: Scores, names: Mapping[str, Named]) -> list[Fused]:
    """The fewer keywords hit, up to five, the more the vectors count. What only a keyword found counts half."""
    confidence = min(len(keyword) / SURE_HITS, 1.0)
    share = UNSURE_SCORE_SHARE if confidence < UNSURE else 0.0
    weights = _Weights(VECTOR_WEIGHT * (2 - confidence), KEYWORD_WEIGHT * confidence, share, keyword_only=0.5)
    return _fuse(keyword, vector, weights, K, {key: _name_boost(query, named) for key, named in names.items()})


def _fuse(keyword: Scores, vector: Scores, weights: _Weights, k: int, boosts: Mapping[str, float]) -> list[Fused]:
    keyword_ranks = {key: rank for rank, key in enumerate(keyword)}
    vector_ranks = {key: rank for rank, key in enumerate(vector)}
    fused = []
    for key in keyword.keys() | vector.keys():
        by_keyword = by_vector = 0.0
        if key in keyword_ranks:
            alone = 1.0 if key in vector else weights.keyword_only
            by_keyword = alone * weights.keyword * rank_term(keyword_ranks[key], k)
        if key in vector_ranks:
            by_vector = weights.vector * rank_term(vector_ranks[key], k) + weights.score_share * vector[key]
        boost = boosts.get(key, 0.0)
        fused.append(Fused(key, by_keyword + by_vector + boost, by_keyword, by_vector, boost))
    return ordered(fused)


def _words(query: str) -> set[str]:
    return {word for word in query.lower().split() if len(word) >= _MIN_WORD_LENGTH}


def _name_boost(query: str, named: Named) -> float:
    name = named.name.lower()
    whole = QUERY_IN_NAME if query.strip().lower() in name else 0.0
    return WORD_IN_NAME * sum(word in name for word in _words(query)) + whole


def _files_boost(query: str, named: Named) -> float:
    both = all(_FILES.search(text.lower()) for text in (query, f"{named.name} {named.description}"))
    return FINDS_FILES if both else 0.0


def _alignment(query: str, named: Named) -> float:
    fields = (
        (IN_ROUTING, " ".join(named.routing_keywords)),
        (IN_INTENTS, " ".join(named.intents)),
        (IN_CATEGORY, named.category),
        (IN_DESCRIPTION, named.description),
    )
    found = sum(worth for word in _words(query) for worth, text in fields if word in text.lower())
    return min(found, MAX_ALIGNMENT)
