"""One measured process: it does one work of one product, and prints its figures as JSON.

    python -m benchmarks.peers.child PRODUCT WORK GIVEN TARGET

It runs in the environment of the product, so it imports nothing but the standard library, and numpy where it is used.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

CHUNK_TOKENS, OVERLAP_TOKENS, DIMENSIONS, HITS = 256, 32, 384, 10
CHARACTERS_PER_TOKEN = 4
"""Of prose and source code, for products that cut by characters."""
SUFFIXES = (".py", ".md", ".rst", ".txt")
_WARM = 10
"""Queries and texts before the measured ones."""

Embed = Callable[[Sequence[str]], Any]
"""Texts to their vectors: a float32 array (n, 384)."""
Search = Callable[[Any, int], Sequence[int]]
Figures = dict[str, float]


def main() -> None:
    """Do the work that the arguments name, and print its figures."""
    product, work, given, target = sys.argv[1:5]
    module = importlib.import_module(f"benchmarks.peers.products.{product}")
    figures = WORKS[work](module, Path(given), Path(target))
    print(json.dumps({**figures, "peak": peak_megabytes()}))


def _whole(module: ModuleType, corpus: Path, target: Path) -> Figures:
    if hasattr(module, "ingest_whole"):
        return {"chunks": module.ingest_whole(corpus, target)}
    return {"chunks": module.ingest(corpus, target, _embedder_of(module)())}


def _embedder_of(module: ModuleType) -> Callable[[], Embed]:
    """The product's own embedder, or that of most products: sentence-transformers."""
    if hasattr(module, "embedder"):
        return module.embedder
    return importlib.import_module("benchmarks.peers.products.sentence_transformers").embedder


def _ingest(module: ModuleType, corpus: Path, target: Path) -> Figures:
    return {"chunks": module.ingest(corpus, target, random_vectors())}


def _update(module: ModuleType, corpus: Path, target: Path) -> Figures:
    return {"chunks": module.update(corpus, target, random_vectors())}


def random_vectors() -> Embed:
    """An embedder that costs nearly nothing: each text gets a random unit vector."""
    import numpy as np

    random = np.random.default_rng(7)

    def embed(texts: Sequence[str]) -> Any:
        vectors = random.standard_normal((len(texts), DIMENSIONS), dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return embed


def _embedding(module: ModuleType, given: Path, target: Path) -> Figures:
    import numpy as np

    texts = json.loads(given.read_text())["texts"]
    embed = module.embedder()
    embed(texts[:_WARM])
    began = time.process_time()
    vectors = embed(texts)
    seconds = time.process_time() - began
    np.save(target.with_suffix(".npy"), np.asarray(vectors, np.float32))
    queries = [" ".join(text.split()[:8]) for text in texts]
    return {"ms": seconds / len(texts) * 1e3, **_query_costs(lambda query, _: embed([query]), queries)[0]}


def _quality(module: ModuleType, given: Path, target: Path) -> Figures:
    from benchmarks.peers.ndcg import ndcg

    embed = module.embedder()
    return {folder.name: ndcg(folder, embed) for folder in sorted(given.iterdir())}


def _keyword(module: ModuleType, given: Path, target: Path) -> Figures:
    """Each query consists of words of one text, which should be among the hits."""
    work = json.loads(given.read_text())
    began = time.process_time()
    search = module.keyword_index(work["texts"], target)
    figures = {"build": time.process_time() - began}
    costs, found = _query_costs(search, work["queries"])
    right = sum(wanted in hits for wanted, hits in zip(work["wanted"], found, strict=True))
    return {**figures, **costs, "found": right / len(found)}


def _vector(module: ModuleType, given: Path, target: Path) -> Figures:
    """The nearest vectors are known, so the share of them among the hits is the recall."""
    import numpy as np

    work = np.load(given)
    vectors, queries, nearest = work["vectors"], work["queries"], work["nearest"]
    began = time.process_time()
    search = module.vector_index(vectors, target)
    figures = {"build": time.process_time() - began}
    costs, found = _query_costs(search, queries)
    right = [len(set(hits) & set(wanted)) / HITS for hits, wanted in zip(found, nearest.tolist(), strict=True)]
    return {**figures, **costs, "found": sum(right) / len(right)}


def _query_costs(search: Search, queries: Sequence[Any]) -> tuple[Figures, list[list[int]]]:
    """CPU milliseconds of a query in the mean and for 95 of 100, and the hits of each."""
    for query in queries[:_WARM]:
        search(query, HITS)
    costs, found = [], []
    for query in queries:
        began = time.process_time_ns()
        hits = search(query, HITS)
        costs.append((time.process_time_ns() - began) / 1e6)
        found.append([int(hit) for hit in hits] if hits is not None and getattr(hits, "ndim", 1) == 1 else [])
    costs.sort()
    return {"query": sum(costs) / len(costs), "query95": costs[int(len(costs) * 0.95)]}, found


WORKS: dict[str, Callable[[ModuleType, Path, Path], Figures]] = {
    "whole": _whole,
    "ingest": _ingest,
    "unchanged": _update,
    "changed": _update,
    "embedding": _embedding,
    "quality": _quality,
    "keyword": _keyword,
    "vector": _vector,
}


def texts_of(corpus: Path) -> list[tuple[str, str]]:
    """The path and text of every file, for products that read no folders."""
    files = (path for path in sorted(corpus.rglob("*")) if path.suffix in SUFFIXES)
    return [(str(path), path.read_text("utf-8", "replace")) for path in files]


def peak_megabytes() -> float:
    """The peak memory of this process or of its largest child.

    `ru_maxrss` of this process would begin with the peak of the process that started it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


if __name__ == "__main__":
    main()
