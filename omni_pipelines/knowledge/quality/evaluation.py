"""Measure the quality of a search: the usual measures over judged queries, and whether two runs really differ.

Gains are linear, as in trec_eval: DCG = sum of grade / log2(rank + 1). Means are over judged queries.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

import numpy as np
from pydantic import BaseModel, Field

from omni_pipelines import progress
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection

DEPTH = 100
"""Documents requested per query."""

Grades = Mapping[str, int]
"""Document key to grade; a grade above 0 is relevant."""
FindDocuments = Callable[[str, int], Sequence[str]]
"""A query and a depth to document keys, best first."""


class Scores(BaseModel, frozen=True, populate_by_name=True):
    """Measures of one query, or their means; all between 0 and 1, higher is better."""

    ndcg_10: float = Field(serialization_alias="ndcg@10")
    recall_10: float = Field(serialization_alias="recall@10")
    recall_100: float = Field(serialization_alias="recall@100")
    mrr_10: float = Field(serialization_alias="mrr@10")
    judged_10: float = Field(serialization_alias="judged@10")
    """Share of the first ten that are judged; if it is low, the other figures mean little."""


class ModeReport(Scores):
    """The means of a search mode, and the cost of a query."""

    cpu_ms_per_query: float
    queries_per_second: float
    """In wall-clock time, one query after the other."""


def ndcg(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Normalized discounted cumulative gain of the first `k`."""
    ideal = _dcg(sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k])
    return _dcg([grades.get(key, 0) for key in ranking[:k]]) / ideal if ideal else 0.0


def _dcg(gains: Iterable[int]) -> float:
    return sum(max(gain, 0) / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def recall(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Share of the relevant documents that are among the first `k`."""
    relevant = {key for key, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """1 / rank of the first relevant document; 0 if none is among the first `k`."""
    return next((1 / rank for rank, key in enumerate(ranking[:k], 1) if grades.get(key, 0) > 0), 0.0)


def judged(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Share of the first `k` that are judged."""
    first = ranking[:k]
    return sum(key in grades for key in first) / len(first) if first else 0.0


def score(ranking: Sequence[str], grades: Grades) -> Scores:
    """All measures of one ranking; a repeated document counts once, at its best rank."""
    unique = list(dict.fromkeys(ranking))
    return Scores(
        ndcg_10=ndcg(unique, grades, 10),
        recall_10=recall(unique, grades, 10),
        recall_100=recall(unique, grades, 100),
        mrr_10=reciprocal_rank(unique, grades, 10),
        judged_10=judged(unique, grades, 10),
    )


def evaluate(collection: JudgedCollection, mode: str, find: FindDocuments) -> tuple[ModeReport, dict[str, Scores]]:
    """Run every judged query; returns the means, and the scores of each query."""
    began, cpu = time.monotonic(), time.process_time()
    rankings = {}
    for done, (key, text) in enumerate(collection.queries.items()):
        progress.report(f"asking, {mode}", done, len(collection.queries), "queries")
        rankings[key] = find(text, DEPTH)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    progress.report(f"asking, {mode}", len(rankings), len(rankings), "queries")
    scores = {key: score(ranking, collection.judgements[key]) for key, ranking in rankings.items()}
    means = {name: round(fmean(getattr(each, name) for each in scores.values()), 5) for name in Scores.model_fields}
    report = ModeReport(
        **means,
        cpu_ms_per_query=round(1000 * cpu / len(scores), 2),
        queries_per_second=round(len(scores) / max(seconds, 1e-9), 1),
    )
    return report, scores


def permutation_test(
    first: Sequence[float], second: Sequence[float], *, rounds: int = 20_000, seed: int = 0
) -> float:
    """Two-sided p of a paired randomization test: how often chance alone gives as large a difference of means.

    Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for Information Retrieval
    Evaluation" (2007).

    Raises:
        ValueError: the runs have different lengths, or are empty.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"paired runs must have the same queries, not {len(first)} and {len(second)}")
    differences = np.asarray(first) - np.asarray(second)  # (n,)
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(rounds, len(differences)))
    as_large = np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12
    return float((as_large.sum() + 1) / (rounds + 1))
