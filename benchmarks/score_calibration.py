"""Fit and check the probabilities of hits: logistic regressions on judged collections, each checked on the others.

Questions of the other collections, which have no answer in a base, are asked as well: their hits are not relevant.

python -m benchmarks.score_calibration FOLDER... --homes FOLDER [--queries 60]
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.search_quality import sample
from omni_pipelines.configuration import load_settings
from omni_pipelines.evaluation.evaluation_home import build_base, document_of
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection, load_collection
from omni_pipelines.knowledge.search.options import Mode, SearchOptions
from omni_pipelines.knowledge.search.ranking import POOL, rank
from omni_pipelines.steps.step import ConfiguredEngines

HITS = 10
BINS = 10
_RIDGE = 1.0


def main() -> None:
    """Print the coefficients of each mode, and the calibration error on collections that were left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--homes", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=60)
    options = parser.parse_args()
    collections = [sample(load_collection(folder), options.queries) for folder in options.folders]
    print("| mode | constant | evidence | words | meaning | ECE, collection left out | mean of the first hits |")
    print("|---|---|---|---|---|---|---|")
    librarians = [opened(collection, options.homes) for collection in collections]
    for mode in Mode:
        examples = [
            hits_of(collection, librarian, mode, [other for other in collections if other is not collection])
            for collection, librarian in zip(collections, librarians, strict=True)
        ]
        weights = fitted(examples)
        held = [(each, fitted([other for other in examples if other is not each])) for each in examples]
        truths = np.concatenate([truth for (_, truth), _ in held])
        chances = np.concatenate([predicted(features, found) for (features, _), found in held])
        shown = " | ".join(f"{weight:.2f}" for weight in weights)
        print(
            f"| {mode} | {shown} | {calibration_error(chances, truths):.3f} | {truths[::HITS].mean():.2f} |",
            flush=True,
        )


def opened(collection: JudgedCollection, homes: Path) -> Librarian:
    """Build the base of a collection and open it."""
    home = Home(homes / collection.name / HOME_NAME)
    settings = load_settings(home)
    build_base(collection, home, settings, ConfiguredEngines(settings))
    return Librarian.open(home)


def hits_of(
    collection: JudgedCollection, librarian: Librarian, mode: Mode, others: Sequence[JudgedCollection]
) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 4) of the first hits of each query, and whether they are relevant (n,).

    As many questions of other collections are asked as the collection has itself.
    """
    features, truths = [], []
    own = [(text, collection.judgements[key]) for key, text in collection.queries.items()]
    foreign: list[tuple[str, Mapping[str, int]]] = [
        (text, {}) for other in others for text in list(other.queries.values())[: len(own) // len(others)]
    ]
    for text, grades in (*own, *foreign):
        ranked = rank(librarian._snapshot, text[:1000], POOL, SearchOptions(mode), librarian._searches.vectors)
        first = ranked.fused[:HITS]
        rows = librarian._snapshot.chunks([each.key for each in first], ["path"])
        words, meaning, best = ((value or 0.0) for value in ranked.match)
        for each in first:
            features.append((1.0, each.score / max(best, 0.05), words, meaning))
            truths.append(grades.get(document_of(collection, rows[each.key]["path"]).key, 0) > 0)
    return np.array(features), np.array(truths)


def fitted(examples: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The weights (4,) of a logistic regression, by Newton's method; every collection counts alike."""
    features = np.concatenate([each for each, _ in examples])
    truths = np.concatenate([truth for _, truth in examples])
    shares = np.concatenate([np.full(len(truth), 1000 / len(truth)) for _, truth in examples])
    weights = np.zeros(features.shape[1])
    used = features.std(axis=0) > 0
    used[0] = True
    matrix = features[:, used]
    for _ in range(30):
        chances = predicted(features, weights)
        gradient = matrix.T @ (shares * (truths - chances)) - _RIDGE * weights[used]
        spread = (matrix * (shares * chances * (1 - chances))[:, None]).T @ matrix
        weights[used] += np.linalg.solve(spread + _RIDGE * np.eye(len(spread)), gradient)
    return weights


def predicted(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The probabilities (n,) of examples."""
    return np.asarray(1 / (1 + np.exp(-np.clip(features @ weights, -30, 30))))


def calibration_error(chances: np.ndarray, truths: np.ndarray) -> float:
    """The expected calibration error: the mean gap between probability and share of relevant hits, by tenths."""
    tenths = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = [
        abs(chances[tenths == number].mean() - truths[tenths == number].mean()) * (tenths == number).mean()
        for number in range(BINS)
        if (tenths == number).any()
    ]
    return float(sum(gaps))


if __name__ == "__main__":
    main()
