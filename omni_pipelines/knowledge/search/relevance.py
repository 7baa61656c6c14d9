"""The score of a hit: the probability that it is relevant, from its evidence and from how the whole query matched.

The ranking sorts by evidence. For one query the probability grows with the evidence, so it never changes the order:
log-odds = base + slope x evidence / best evidence, where the base depends on the query alone. How well the
probabilities agree with judgements is in docs/explanation/search-quality.md.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from omni_pipelines.knowledge.search.fusion import Fused


class Match(NamedTuple):
    """How well a query matched as a whole."""

    words: float | None
    """The best BM25 score as a share of the highest possible one, 0 to 1; None if words were not searched."""
    meaning: float | None
    """The best scaled cosine, times the share of the query that the embedder can read; None without vectors."""
    evidence: float
    """The evidence of the best passage."""


class _Coefficients(NamedTuple):
    constant: float
    evidence: float
    words: float
    meaning: float


_BOTH = _Coefficients(constant=-10.65, evidence=6.35, words=0.84, meaning=3.40)
_WORDS = _Coefficients(constant=-8.48, evidence=5.72, words=5.73, meaning=0.0)
_MEANING = _Coefficients(constant=-10.48, evidence=6.04, words=0.0, meaning=3.38)
"""Logistic regressions; see `benchmarks/score_calibration.py`."""


_MIN_EVIDENCE = 0.05


class LogOdds(NamedTuple):
    """The parts of a log-odds, which add up to it."""

    base: float
    keyword: float
    vector: float
    rerank: float


def log_odds(fused: Fused, match: Match) -> LogOdds:
    """The log-odds that a passage is relevant."""
    chosen = _coefficients(match)
    base = chosen.constant + chosen.words * (match.words or 0.0) + chosen.meaning * (match.meaning or 0.0)
    slope = chosen.evidence / max(match.evidence, _MIN_EVIDENCE)
    return LogOdds(base, slope * fused.keyword_part, slope * fused.vector_part, slope * fused.rerank_part)


def probability(parts: Sequence[float]) -> float:
    """The probability of log-odds, given as the parts that add up to them; between 0 and 1."""
    return 1 / (1 + math.exp(-min(max(sum(parts), -30.0), 30.0)))


def _coefficients(match: Match) -> _Coefficients:
    if match.meaning is None:
        return _WORDS
    return _MEANING if match.words is None else _BOTH
