"""Merge the keyword list and the vector list into one, by the evidence of each score or by ranks.

BM25 is a sum of log-odds by its derivation (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009),
so it is added as it is: a query with many rare words gives the keyword list more weight. The cosine is scaled by the
calibration of its embedder, and weighs as much as the embedder found of the query: by the best cosine.

Reciprocal rank fusion knows the ranks only: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms
Condorcet and individual Rank Learning Methods" (2009).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from omni_pipelines.text.calibration import Calibration

KEYWORD_WEIGHT = 0.0325
"""Evidence per unit of BM25. Values from 0.025 to 0.04 differ by less than 0.004 nDCG@10 in the mean of six
collections, and each of them, left out, would be given one of these by the other five."""
RRF_K = 60
"""The constant of the paper."""
_MIN_TRUST = 0.05

ScoredKeys = Mapping[str, float]
"""Key to score, best first; higher is better."""


class Fused(NamedTuple):
    """The evidence for a key and its parts, which add up to it; higher is better."""

    key: str
    score: float
    keyword_part: float
    vector_part: float
    rerank_part: float = 0.0


def keyword_evidence(bm25: ScoredKeys, weight: float) -> dict[str, float]:
    """The evidence of each BM25 score, in the same order."""
    return {key: weight * score for key, score in bm25.items()}


def vector_evidence(cosines: ScoredKeys, calibration: Calibration, readable: float) -> dict[str, float]:
    """The evidence of each cosine, in the same order: scaled, times the scaled best cosine.

    `readable` is the share of the query that the embedder can read.
    """
    if not cosines:
        return {}
    scaled = readable * calibration.scaled_all(np.fromiter(cosines.values(), np.float64, len(cosines)))
    evidence = scaled * max(float(scaled.max()), _MIN_TRUST)
    return dict(zip(cosines, evidence.tolist(), strict=True))


def evidence_fusion(keyword: Mapping[str, float], vector: Mapping[str, float]) -> list[Fused]:
    """All keys of both, each with the sum of its evidence, best first, ties by key."""
    parts = [(key, keyword.get(key, 0.0), vector.get(key, 0.0)) for key in {**keyword, **vector}]
    return ordered(Fused(key, words + meaning, words, meaning) for key, words, meaning in parts)


def plain_rrf(keyword: Iterable[str], vector: Iterable[str], k: int = RRF_K) -> list[Fused]:
    """The sum of 1 / (k + rank) over both lists, best first, ties by key; scaled so that 1 is the first of both."""
    keyword_terms, vector_terms = (
        {key: (k + 1) / 2 / (k + rank) for rank, key in enumerate(keys, 1)} for keys in (keyword, vector)
    )
    return evidence_fusion(keyword_terms, vector_terms)


def ordered(fused: Iterable[Fused]) -> list[Fused]:
    """Best first, ties by key: the same order on every machine."""
    return sorted(fused, key=lambda each: (-each.score, each.key))
