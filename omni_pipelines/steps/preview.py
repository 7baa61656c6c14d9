"""A few rows of what a step built, for the page of its asset. Never the whole of anything."""

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow.compute as pc

from native import lance_vectors
from native.filters import is_in
from native.lance_tables import TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.gate_results import GateResult
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.knowledge.state.seen_sources import last_listed
from omni_pipelines.records import Release
from omni_pipelines.rows import ChunkRow, EmbeddingRow, rows_of
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, FILTERS, QUARANTINE
from omni_pipelines.settings import Settings
from omni_pipelines.tables import open_table

Rows = list[dict[str, object]]
Sections = dict[str, Rows]
"""Title to rows; a section without rows is not shown."""
SAMPLES = 5
MAX_ROWS = 12
BINS = 8
EXCERPT = 60
"""Characters of a passage that are shown."""
BAR = 24
_GROUPED = ("source", "kind", "language")


def documents_preview(home: Home) -> Sections:
    """What was read, by source and language, and what could not be read."""
    rows = open_table(home, DOCUMENTS).read(["source", "kind", "language", "size", "findings", "masked"])
    groups = rows.group_by(_GROUPED).aggregate([([], "count_all"), ("size", "sum")]).to_pylist()
    groups.sort(key=lambda group: (-group["count_all"], *(group[name] for name in _GROUPED)))
    found = rows.filter(pc.not_equal(rows["findings"], "{}")).select(["source", "findings", "masked"]).to_pylist()
    refused = open_table(home, QUARANTINE).read(["source", "path", "code", "detail"]).slice(0, MAX_ROWS).to_pylist()
    return {
        "What was read": [
            {
                **{name: group[name] for name in _GROUPED},
                "documents": group["count_all"],
                "kB": f"{group['size_sum'] / 1000:,.1f}",
            }
            for group in groups[:MAX_ROWS]
        ],
        "Secrets and personal data": _findings(found),
        "What could not be read": refused,
    }


def _findings(documents: Sequence[Mapping[str, Any]]) -> Rows:
    """The findings of each source by kind. They do not say what was found."""
    kinds: dict[str, Counter[str]] = {}
    masked: Counter[str] = Counter()
    for row in documents:
        kinds.setdefault(row["source"], Counter()).update(orjson.loads(row["findings"]))
        masked[row["source"]] += row["masked"]
    return [
        {
            "source": source,
            "found": ", ".join(f"{count:,} {kind}" for kind, count in found.most_common()),
            "masked": masked[source],
        }
        for source, found in sorted(kinds.items())
    ]


def chunks_preview(home: Home, settings: Settings) -> Sections:
    """The lengths of the chunks, and a sample of them."""
    budget = max(settings.of_source(name).chunk_tokens for name in ("", *settings.sources))
    tokens = open_table(home, CHUNKS).read(["token_count"])["token_count"].to_numpy()
    bins = np.bincount(np.minimum((tokens - 1) * BINS // budget, BINS - 1), minlength=BINS).tolist()
    most = max(1, *bins)
    lengths: Rows = [
        {
            "tokens": f"{at * budget // BINS + 1}-{(at + 1) * budget // BINS}",
            "chunks": bins[at],
            "share": "█" * round(BAR * bins[at] / most),
        }
        for at in range(BINS)
    ]
    sample: Rows = [
        {"location": _location(row), "tokens": row["token_count"], "text": _excerpt(row["text"])}
        for row in _sample(home)
    ]
    return {"Lengths": lengths if any(bins) else [], "Sample of chunks": sample}


def embeddings_preview(home: Home) -> Sections:
    """Some chunks, each with the chunk that is nearest in meaning."""
    embeddings = open_table(home, EMBEDDINGS)
    sample = {row["chunk_id"]: row for row in _sample(home)}
    vectors = rows_of(embeddings.read(["chunk_id", "vector"], is_in("chunk_id", list(sample))), EmbeddingRow)
    nearest = {}
    for row in vectors:
        found = lance_vectors.nearest(embeddings, np.array(row["vector"]), 2, key="chunk_id")
        nearest[row["chunk_id"]] = [(key, cosine) for key, cosine in found if key != row["chunk_id"]][:1]
    neighbours = _by_id(home, [key for found in nearest.values() for key, _ in found])
    return {
        "Nearest in meaning": [
            {
                "passage": f"{_location(sample[key])} {_excerpt(sample[key]['text'])}",
                "nearest": f"{_location(neighbours[other])} {_excerpt(neighbours[other]['text'])}",
                "cosine": f"{cosine:.3f}",
            }
            for key, found in nearest.items()
            for other, cosine in found
        ]
    }


def keyword_index_preview(home: Home, generation: str) -> Sections:
    """The first words of some chunks, and the first hit of a search for them."""
    index = KeywordIndex.open(home.keyword / generation, FILTERS)
    searches = [" ".join(re.findall(r"\w+", row["text"])[:6]) for row in _sample(home)]
    found = [(text, *hit) for text in searches for hit in index.search(text, 1)]
    places = _by_id(home, [key for _, key, _ in found])
    return {
        "Sample of searches": [
            {"search": text, "first hit": _location(places[key]), "BM25": f"{score:.2f}"}
            for text, key, score in found
        ]
    }


def vector_index_preview(coverage: lance_vectors.IndexCoverage) -> Sections:
    """How a vector search is served."""
    search = (
        "IVF index, best hits ranked again by exact distance" if coverage.deltas else "exact, every vector compared"
    )
    row = {"vectors": coverage.rows, "indexed": coverage.indexed, "parts": coverage.deltas, "search": search}
    return {"How a search is served": [row]}


def gate_preview(gate: GateResult) -> Sections:
    """What the gate measured."""
    number = "{:.3f}".format
    return {
        f"The gate {'passed' if gate.passed else 'failed'}": [
            {
                "measure": each.measure,
                "passed": "yes" if each.passed else "no",
                "candidate": "" if each.value is None else number(each.value),
                f"release {gate.serving}" if gate.serving else "serving": ""
                if each.before is None
                else number(each.before),
                "why": each.detail,
            }
            for each in gate.measures
        ]
    }


def release_preview(home: Home) -> Sections:
    """What the newest release pins, beside the release before it."""
    release, before = [*list_releases(home), None, None][:2]
    if release is None:
        return {}
    return {
        "What it pins": [*_pinned(release, before)],
        "Sources, the one not seen for longest first": [
            {
                "source": name,
                "location": it.place,
                "documents": it.documents,
                "listed": f"{it.seen:%Y-%m-%d %H:%M} UTC",
            }
            for name, it in sorted(last_listed(home, release).items(), key=lambda each: each[1].seen)
        ],
        "Made with": [
            {"step": step, "fingerprint": mark.replace(",", ", ")} for step, mark in release.fingerprints.items()
        ],
    }


def _pinned(release: Release, before: Release | None) -> Rows:
    rows: Rows = [
        {
            "part": name,
            "rows": release.counts[name],
            "before": before.counts.get(name, 0) if before else "",
            "version": version,
        }
        for name, version in release.tables.items()
    ]
    keyword = {
        "part": "keyword index",
        "rows": release.keyword.entries,
        "before": before.keyword.entries if before else "",
        "version": release.keyword.generation,
    }
    return [*rows, keyword]


def _sample(home: Home) -> list[ChunkRow]:
    """The chunks with the least ids: these are hashes, so the chunks come from anywhere, and most stay the same."""
    return _sample_of(home, open_table(home, CHUNKS).head())


@functools.lru_cache(maxsize=1)
def _sample_of(home: Home, head: TableVersion) -> list[ChunkRow]:
    """The same of a version of the chunks, which three previews of a run show."""
    keys = open_table(home, CHUNKS).read(["chunk_id"], version=head.version)["chunk_id"]
    chosen = pc.select_k_unstable(keys, SAMPLES, [("chunk_id", "ascending")])
    found = _by_id(home, keys.take(chosen).to_pylist())
    return sorted(found.values(), key=lambda row: (row["path"], row["ordinal"]))


def _by_id(home: Home, keys: Sequence[str]) -> dict[str, ChunkRow]:
    columns = ["chunk_id", "ordinal", "path", "start_line", "end_line", "heading", "token_count", "text"]
    rows = rows_of(open_table(home, CHUNKS).read(columns, is_in("chunk_id", keys)), ChunkRow)
    return {row["chunk_id"]: row for row in rows}


def _location(row: ChunkRow) -> str:
    return f"{row['path']}:{row['start_line']}-{row['end_line']}"


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT else f"{flat[:EXCERPT]}…"
