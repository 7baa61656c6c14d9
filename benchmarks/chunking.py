"""How well chunks fit the answers to questions: each chunk mode against fixed windows of tokens, on marked answers.

python -m benchmarks.chunking FOLDER [--sizes 256/32 512/50] [--k 5]

FOLDER contains corpus.jsonl, queries.jsonl and qrels/spans.jsonl. Each line of the last is an object with query_id,
corpus_id and spans, which have start_index and end_index. The measures are those of Smith and Troynikov, Evaluating
Chunking Strategies for Retrieval (2024), counted in tokens. The result is written to docs/benchmarks/chunking.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from native.tiktoken_bpe import TokenCounter
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.knowledge.quality.evaluation import permutation_test
from omni_pipelines.settings import ChunkMode
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import HEADING_SEPARATOR, Parsed
from omni_pipelines.text.embedding import Embedder, embedded_text
from omni_pipelines.text.engines import load_counter, load_embedder, vocabulary_file
from omni_pipelines.text.packing import Budget, Span
from omni_pipelines.text.readers import plain

SIZES = ("256/32", "512/50")
K = 5
FIXED = "fixed windows"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "chunking.md"

Passages = list[tuple[str, int, int, str]]
"""Document, first character, last character (exclusive), text as it is embedded."""


@dataclass(frozen=True)
class Spans:
    """A collection with marked answers."""

    texts: Mapping[str, str]
    queries: Mapping[str, str]
    gold: Mapping[str, Mapping[str, list[tuple[int, int]]]]
    """Character ranges by query and document."""


@dataclass(frozen=True)
class Figures:
    """The measures of one query, each between 0 and 1, or their means."""

    recall: float
    """Share of the gold tokens that are in the first k chunks."""
    precision: float
    """Share of the tokens of the first k chunks that are gold."""
    iou: float
    """Found gold tokens divided by the tokens of the chunks and the missed gold tokens."""
    omega: float
    """Precision of all chunks that overlap the gold: that of a perfect search."""


def main() -> int:
    """Measure and write the page. Return 1 if `auto` is not better than fixed windows of the same size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="tokens/overlap")
    parser.add_argument("--k", type=int, default=K, help="number of chunks that count as found")
    options = parser.parse_args()
    settings = load_settings(find_home())
    spans = load_spans(options.folder)
    ruler = Ruler(spans.texts, TokenCounter(settings.encoding, vocabulary_file(settings)))
    embedder, count = load_embedder(settings), load_counter(settings).count
    rows, worse = [], False
    for size in options.sizes:
        budget = Budget(*map(int, size.split("/")))
        ways = {FIXED: windows(spans, ruler, budget)}
        ways |= {mode.value: chunks(spans, Chunker(budget, mode, settings.encoding), count) for mode in ChunkMode}
        found = measured(spans, ruler, ways, embedder, options.k)
        rows += [row(size, way, ways[way], ruler, found) for way in ways]
        worse |= not _better(found[ChunkMode.AUTO.value], found[FIXED])
        print(*rows[-len(ways) :], sep="\n", flush=True)
    PAGE.write_text(page(rows, spans, options.k), "utf-8")
    return int(worse)


def measured(
    spans: Spans, ruler: Ruler, ways: Mapping[str, Passages], embedder: Embedder, k: int
) -> dict[str, list[Figures]]:
    """Measure each way to cut; if two ways give the same chunks, they are measured once."""
    found: dict[str, list[Figures]] = {}
    for way, passages in ways.items():
        same = next((other for other in found if ways[other] == passages), None)
        found[way] = found[same] if same else measure(spans, ruler, passages, embedder, k)
    return found


def _better(ours: Sequence[Figures], theirs: Sequence[Figures]) -> bool:
    return mean(ours, "recall") > mean(theirs, "recall") and mean(ours, "iou") >= mean(theirs, "iou")


def mean(found: Sequence[Figures], measure: str) -> float:
    """Return the mean of one measure over all queries."""
    return float(np.mean([getattr(figures, measure) for figures in found]))


def row(size: str, way: str, passages: Passages, ruler: Ruler, found: Mapping[str, Sequence[Figures]]) -> str:
    """Return a line of the table."""
    lengths = [last - first for first, last in (ruler.tokens(*passage[:3]) for passage in passages)]
    shown = [f"{mean(found[way], measure):.4f}" for measure in ("recall", "precision", "iou", "omega")]
    pairs = ([figures.recall for figures in found[name]] for name in (way, FIXED))
    p = "" if way == FIXED else f"{permutation_test(*pairs):.3f}"
    return f"| {size} | {way} | {len(passages):,} | {np.mean(lengths):.0f} | {' | '.join(shown)} | {p} |"


def page(rows: Sequence[str], spans: Spans, k: int) -> str:
    """Return the text of the page."""
    marked = sum(len(ranges) for by_document in spans.gold.values() for ranges in by_document.values())
    body = "\n".join(rows)
    return f"""# Chunking compared with fixed windows

Whether chunks that end where the text suggests it find more of an answer than windows of a fixed length.

Written by `make chunking SPANS=FOLDER`: {len(spans.texts)} long texts with {len(spans.queries)} questions, whose
answers are marked as {marked} ranges of characters. Each text is read as plain text, so only its paragraphs, lists
and tables can guide the cuts: `ast` finds no symbols and cuts as `auto` does.

- **recall**: share of the marked tokens in the best {k} chunks, by exact search with the default embedder.
- **precision**: share of the tokens of these {k} chunks that are marked.
- **IoU**: found tokens, divided by the tokens of the {k} chunks and the missed tokens.
- **omega**: precision that a perfect search would have: that of all chunks that overlap a marked range.
- **p**: probability that chance alone makes the recall differ this much from that of fixed windows (paired
  randomization test).

| tokens/overlap | cut | chunks | mean tokens | recall@{k} | precision@{k} | IoU@{k} | omega | p |
|---|---|---|---|---|---|---|---|---|
{body}

Fixed windows are exactly as long as the budget. Chunks that end with a paragraph are shorter and nevertheless contain
more of the answers. The embedder reads 256 word pieces and does not see the end of longer chunks.
"""


def load_spans(folder: Path) -> Spans:
    """Read a collection with `qrels/spans.jsonl`."""
    texts = {row["_id"]: row["text"] for row in _rows(folder / "corpus.jsonl")}
    gold: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for row in _rows(folder / "qrels" / "spans.jsonl"):
        ranges = [(span["start_index"], span["end_index"]) for span in row["spans"]]
        gold.setdefault(row["query_id"], {}).setdefault(row["corpus_id"], []).extend(ranges)
    queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl") if row["_id"] in gold}
    return Spans(texts, queries, gold)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip())


class Ruler:
    """The positions of the tokens of each text, because everything is measured in tokens."""

    def __init__(self, texts: Mapping[str, str], counter: TokenCounter) -> None:
        self.starts = {name: np.asarray(counter.token_starts(text)) for name, text in texts.items()}

    def tokens(self, name: str, start: int, end: int) -> tuple[int, int]:
        """Convert a range of characters to the range of tokens that begin in it."""
        first, last = np.searchsorted(self.starts[name], (start, end))
        return int(first), int(last)


def windows(spans: Spans, ruler: Ruler, budget: Budget) -> Passages:
    """Each text in windows of exactly so many tokens."""
    found: Passages = []
    for name, text in spans.texts.items():
        starts = [*ruler.starts[name], len(text)]
        for at in range(0, max(len(starts) - 1 - budget.overlap, 1), budget.tokens - budget.overlap):
            start, end = int(starts[at]), int(starts[min(at + budget.tokens, len(starts) - 1)])
            found.append((name, start, end, text[start:end]))
    return found


def chunks(spans: Spans, chunker: Chunker, count: Callable[[str], int]) -> Passages:
    """Each text as the chunker cuts it."""
    found: Passages = []
    for name, text in spans.texts.items():
        parsed: Parsed = plain.read(text.encode(), f"{name}.txt")
        found += [(name, span.start, span.end, _embedded(text, span)) for span in chunker.cut(parsed, count)]
    return found


def _embedded(text: str, span: Span) -> str:
    heading = HEADING_SEPARATOR.join([*span.heading, *filter(None, [span.context])])
    return embedded_text(heading, text[span.start : span.end])


def measure(spans: Spans, ruler: Ruler, passages: Passages, embedder: Embedder, k: int) -> list[Figures]:
    """Measure each query, by exact search over all passages."""
    vectors = embedder.embed([text for *_, text in passages])  # (n, d)
    places = [(name, *ruler.tokens(name, start, end)) for name, start, end, _ in passages]
    asked = embedder.embed(list(spans.queries.values()))  # (q, d)
    best = np.argsort(-(asked @ vectors.T), axis=1, kind="stable")[:, :k]
    gold = {
        query: {name: _marked(ruler, name, ranges) for name, ranges in by_document.items()}
        for query, by_document in spans.gold.items()
    }
    return [
        figures(gold[query], [places[at] for at in row], places)
        for query, row in zip(spans.queries, best, strict=True)
    ]


def _marked(ruler: Ruler, name: str, ranges: Sequence[tuple[int, int]]) -> set[int]:
    return {at for start, end in ranges for at in range(*ruler.tokens(name, start, end))}


def figures(
    gold: Mapping[str, set[int]], found: Sequence[tuple[str, int, int]], every: Sequence[tuple[str, int, int]]
) -> Figures:
    """Compare the found chunks of a query, and all chunks, with the gold tokens by document.

    A token that is in two found chunks counts twice, as in the paper.
    """
    wanted = sum(map(len, gold.values()))
    hit = {(name, at) for name, first, last in found for at in gold.get(name, set()) & set(range(first, last))}
    size = sum(last - first for _, first, last in found)
    touching = {
        (name, at)
        for name, first, last in every
        if name in gold and not gold[name].isdisjoint(range(first, last))
        for at in range(first, last)
    }
    return Figures(len(hit) / wanted, len(hit) / size, len(hit) / (size + wanted - len(hit)), wanted / len(touching))


if __name__ == "__main__":
    sys.exit(main())
