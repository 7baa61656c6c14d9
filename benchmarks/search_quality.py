"""The quality of the search: every ranking method on judged collections in BEIR layout, as a Markdown table.

python -m benchmarks.search_quality FOLDER... [--homes FOLDER] [--queries 300]
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.plain_bm25 import plain_bm25
from omni_pipelines.configuration import load_settings
from omni_pipelines.evaluation.evaluation_home import build_base, finder
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.evaluation import ModeReport, Scores, evaluate, permutation_test
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection, load_collection
from omni_pipelines.knowledge.search.options import Fusion, Mode
from omni_pipelines.steps.step import ConfiguredEngines

WAYS: dict[str, tuple[Mode, Fusion, bool]] = {
    "keyword": (Mode.KEYWORD, Fusion.EVIDENCE, False),
    "vector": (Mode.VECTOR, Fusion.EVIDENCE, False),
    "rrf": (Mode.HYBRID, Fusion.RRF, False),
    "hybrid": (Mode.HYBRID, Fusion.EVIDENCE, False),
    "with feedback": (Mode.HYBRID, Fusion.EVIDENCE, True),
}


def main() -> None:
    """Print a row for each collection."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--homes", type=Path, help="keep the knowledge bases in this folder for the next run")
    parser.add_argument("--queries", type=int, default=300, help="maximum number of queries, drawn with a fixed seed")
    options = parser.parse_args()
    print(f"| nDCG@10 | queries | plain BM25 | {' | '.join(WAYS)} | hybrid over rrf, p |")
    print("|---|" + "---|" * (len(WAYS) + 3))
    with tempfile.TemporaryDirectory(prefix="omni-quality-") as scratch:
        for folder in options.folders:
            collection = sample(load_collection(folder), options.queries)
            home = Home((options.homes or Path(scratch)) / collection.name / HOME_NAME)
            print("| " + " | ".join(row(collection, home)) + " |", flush=True)


def sample(collection: JudgedCollection, most: int, seed: int = 0) -> JudgedCollection:
    """Reduce a collection to at most `most` queries, always the same ones."""
    keys = list(collection.queries)
    if len(keys) <= most:
        return collection
    chosen = sorted(np.random.default_rng(seed).choice(len(keys), most, replace=False))
    return dataclasses.replace(
        collection, queries={keys[number]: collection.queries[keys[number]] for number in chosen}
    )


def row(collection: JudgedCollection, home: Home) -> Iterator[str]:
    """Yield name, number of queries, nDCG@10 of every method, and how hybrid differs from rrf with its p value."""
    settings = load_settings(home)
    build_base(collection, home, settings, ConfiguredEngines(settings))
    librarian = Librarian.open(home)
    librarian.search("warm up", 1)
    yield collection.name
    yield f"{len(collection.queries):,}"
    yield f"{evaluate(collection, 'bm25', plain_bm25(collection))[0].ndcg_10:.4f}"
    results = {name: measured(collection, librarian, name) for name in WAYS}
    for means, _ in results.values():
        yield f"{means.ndcg_10:.4f} ({means.cpu_ms_per_query:.0f} ms)"
    hybrid, rrf = ([scores.ndcg_10 for scores in results[name][1].values()] for name in ("hybrid", "rrf"))
    yield f"{np.mean(hybrid) - np.mean(rrf):+.4f}, {permutation_test(hybrid, rrf):.3f}"


def measured(collection: JudgedCollection, librarian: Librarian, way: str) -> tuple[ModeReport, dict[str, Scores]]:
    """Measure one ranking method."""
    mode, fusion, feedback = WAYS[way]
    return evaluate(collection, way, finder(collection, librarian, mode, fusion, feedback))


if __name__ == "__main__":
    main()
