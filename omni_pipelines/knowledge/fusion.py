"""Two ranked lists to one: a convex combination of scores on theoretical bounds (TM2C2).

Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (2023). On nine public test sets it
beats reciprocal rank fusion by 0.012 nDCG@10 (0.7276 against 0.7149 on the four held-out ones).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VECTOR_WEIGHT = 0.8
"""Fixed before any result was seen."""


@dataclass(frozen=True)
class Fused:
    """A chunk's score and its two parts, which add up to it; higher is better, at most 1."""

    key: str
    score: float
    keyword_part: float
    vector_part: float


def fuse(bm25: Mapping[str, float], cosine: Mapping[str, float]) -> list[Fused]:
    """All keys of both lists, best first; a key missing in a list counts as that list's lower bound.

    BM25 runs from 0 to its best, the cosine from -1 to its best.
    """
    best_bm25 = max(bm25.values(), default=0.0)
    best_cosine = max(cosine.values(), default=-1.0)
    fused = []
    for key in bm25.keys() | cosine.keys():
        keyword = (1 - VECTOR_WEIGHT) * bm25.get(key, 0.0) / best_bm25 if best_bm25 > 0 else 0.0
        vector = VECTOR_WEIGHT * (cosine.get(key, -1.0) + 1) / (best_cosine + 1) if best_cosine > -1 else 0.0
        fused.append(Fused(key, keyword + vector, keyword, vector))
    return sorted(fused, key=lambda each: (-each.score, each.key))
