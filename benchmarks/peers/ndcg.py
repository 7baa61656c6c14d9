"""nDCG@10 of an embedder alone, on collections with judged queries in BEIR's layout, with exact cosines."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.child import HITS, Embed


def ndcg(folder: Path, embed: Embed) -> float:
    """The mean over the judged queries of a collection."""
    import numpy as np

    documents, queries = _texts(folder / "corpus.jsonl"), _texts(folder / "queries.jsonl")
    judged = _judgements(folder / "qrels" / "test.tsv")
    keys = list(documents)
    asked = [key for key in queries if key in judged]
    products = np.asarray(embed([queries[key] for key in asked])) @ np.asarray(embed(list(documents.values()))).T
    ranked = np.argsort(-products, axis=1)[:, :HITS]
    scores = [_ndcg_of([keys[at] for at in row], judged[query]) for query, row in zip(asked, ranked, strict=True)]
    return sum(scores) / len(scores)


def _texts(path: Path) -> dict[str, str]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {row["_id"]: f"{row.get('title', '')}\n{row['text']}".strip() for row in rows}


def _judgements(path: Path) -> dict[str, dict[str, float]]:
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if float(row["score"]) > 0:
                judged[row["query-id"]][row["corpus-id"]] = float(row["score"])
    return judged


def _ndcg_of(keys: Sequence[str], judged: Mapping[str, float]) -> float:
    gained = sum(judged.get(key, 0.0) / math.log2(place + 2) for place, key in enumerate(keys))
    best = sorted(judged.values(), reverse=True)[:HITS]
    return gained / sum(gain / math.log2(place + 2) for place, gain in enumerate(best))
