"""Find hits: rank the chunks, rerank the best ones, fold duplicates, and read what a hit shows."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from omni_pipelines.batches import batched
from omni_pipelines.knowledge.search.freshness import Freshness
from omni_pipelines.knowledge.search.fusion import Fused
from omni_pipelines.knowledge.search.hits import (
    ChunkLayout,
    Hit,
    HitLocation,
    Ranks,
    ScoreParts,
    chunk_citation,
)
from omni_pipelines.knowledge.search.options import SearchOptions, check_query
from omni_pipelines.knowledge.search.ranking import POOL, RankedChunks, rank
from omni_pipelines.knowledge.search.relevance import log_odds, probability
from omni_pipelines.knowledge.search.reranking import DEPTH, RerankScores, reranked
from omni_pipelines.knowledge.search.vectors import Vectors
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.metadata import MetadataReader
from omni_pipelines.rows import ChunkRow
from omni_pipelines.schemas import CHUNKS
from omni_pipelines.text.embedding import embedded_text
from omni_pipelines.text.near_duplicates import MIN_SIMILARITY, Shingles, resemblance, shingles

_DECIMALS = 6
"""Of scores: fewer than those in which floating point differs from one machine to the next."""


class ChunkMetadata(BaseModel):
    """The fields of the `metadata` column of a chunk that a hit shows."""

    encoding: str = "utf-8"
    """Python's name of the codec of the file."""
    verbatim: bool = False
    """Whether the text of the chunk is a part of the file itself."""
    confidence: float = 1.0
    layout: ChunkLayout = ChunkLayout()


_UNRANKED = {"rank": 1, "score": 1.0, "ranks": Ranks(keyword=None, vector=None)}
_HIT_COLUMNS = [*(name for name in Hit.model_fields if name in CHUNKS.schema.names), "metadata"]


def find_hits(
    snapshot: Snapshot,
    query: str,
    k: int,
    options: SearchOptions,
    vectors: Vectors,
    reranker: RerankScores | None = None,
    *,
    check_files: bool = False,
) -> list[Hit]:
    """The best `k` distinct passages. Filters apply before the best are chosen.

    With `check_files`, the hits say whether they are stale.

    Raises:
        ConfigurationError: see `check_query`.
    """
    check_query(query, k, options.where)
    ranked = rank(snapshot, query, max(k, POOL), options, vectors)
    fused = ranked.fused if reranker is None else _rerank(snapshot, query, ranked.fused, reranker)
    passages = itertools.islice(_distinct(snapshot, fused, k, near=options.fold_near), k)
    freshness = Freshness(snapshot, check_files=check_files)
    return [_hit(number, passage, ranked, freshness) for number, passage in enumerate(passages, 1)]


def _rerank(snapshot: Snapshot, query: str, fused: Sequence[Fused], reranker: RerankScores) -> list[Fused]:
    rows = snapshot.chunks([each.key for each in fused[:DEPTH]], ["heading", "text"])
    first = [each for each in fused[:DEPTH] if each.key in rows]
    texts = [embedded_text(rows[each.key]["heading"], rows[each.key]["text"]) for each in first]
    return reranked(query, [*first, *fused[DEPTH:]], texts, reranker)


@dataclass(frozen=True)
class _DistinctPassage:
    fused: Fused
    row: ChunkRow
    duplicates: list[ChunkRow]


def _distinct(
    snapshot: Snapshot, fused: Sequence[Fused], batch_size: int, *, near: bool
) -> Iterator[_DistinctPassage]:
    """Distinct passages in order; duplicates from the same batch are folded into them."""
    deduplicator = _Deduplicator(near=near)
    for batch in batched(fused, batch_size):
        rows = snapshot.chunks([each.key for each in batch], _HIT_COLUMNS)
        before = len(deduplicator.kept)
        for each in batch:
            if each.key in rows:
                deduplicator.add(each, rows[each.key])
        yield from deduplicator.kept[before:]


class _Deduplicator:
    """Keeps the first passage of each text and folds later ones into it."""

    def __init__(self, *, near: bool) -> None:
        self.kept: list[_DistinctPassage] = []
        self._near = near
        self._by_text: dict[str, _DistinctPassage] = {}
        self._by_shingles: list[tuple[Shingles, _DistinctPassage]] = []

    def add(self, fused: Fused, row: ChunkRow) -> None:
        text = row["text"]
        own: Shingles = shingles(text) if self._near else frozenset()
        similar = (passage for other, passage in self._by_shingles if resemblance(own, other) >= MIN_SIMILARITY)
        known = self._by_text.get(text) or next(similar, None)
        if known is not None:
            known.duplicates.append(row)
            return
        passage = self._by_text[text] = _DistinctPassage(fused, row, [])
        self.kept.append(passage)
        if self._near:
            self._by_shingles.append((own, passage))


def chunk_metadata(row: ChunkRow) -> ChunkMetadata:
    """The metadata of a chunk, as far as hits show it."""
    return MetadataReader(ChunkMetadata).read(row["metadata"]) or ChunkMetadata()


def hit_location(row: ChunkRow) -> HitLocation:
    """The location of a chunk; its text is among the columns of the row."""
    return HitLocation.model_validate({**row, "citation": chunk_citation(row, chunk_metadata(row).layout)})


def _hit(number: int, passage: _DistinctPassage, ranked: RankedChunks, freshness: Freshness) -> Hit:
    fused = passage.fused
    base, keyword, vector, rerank = (round(part, _DECIMALS) for part in log_odds(fused, ranked.match))
    return passage_hit(
        passage.row,
        rank=number,
        score=round(probability((base, keyword, vector, rerank)), _DECIMALS),
        ranks=Ranks(keyword=ranked.keyword_ranks.get(fused.key), vector=ranked.vector_ranks.get(fused.key)),
        parts=ScoreParts(base=base, keyword=keyword, vector=vector, rerank=rerank),
        also_in=tuple(map(hit_location, passage.duplicates)),
        **freshness.fields(passage.row),
    )


def passage_hit(row: ChunkRow, **found: object) -> Hit:
    """A chunk as a hit, and how it was found; without that, as the only hit of a search in no list."""
    metadata = chunk_metadata(row)
    own = {"encoding": metadata.encoding, "verbatim": metadata.verbatim, "confidence": metadata.confidence}
    own["citation"] = chunk_citation(row, metadata.layout)
    return Hit.model_validate({**row, **own, **(found or _UNRANKED)}).laid_out(metadata.layout)
