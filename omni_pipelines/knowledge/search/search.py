"""A query to ranked hits, each with its exact place in the file it came from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from native.filters import MAX_FOLDER_LENGTH, MODIFIED, day_range, folder_prefix
from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.knowledge.search.fusion import Fused, Fusion
from omni_pipelines.knowledge.search.ranking import POOL, EmbedQuery, Ranked, Search, rank
from omni_pipelines.knowledge.search.ranking import Mode as Mode
from omni_pipelines.knowledge.search.reranking import DEPTH, Score, reranked
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.metadata import MetadataReader
from omni_pipelines.schemas import CHUNKS, NARROWED
from omni_pipelines.text.embedding import embedded_text
from omni_pipelines.text.near_duplicates import MIN_SIMILARITY, Shingles, resemblance, shingles

MAX_CHARACTERS = 1_000
MAX_HITS = 1_000
_PLACES = 6
"""Decimal places of scores: fewer than float arithmetic differs by from one machine to the next."""


class Ranks(BaseModel):
    """Where a hit stood in each list, from 1; None where it was not in it."""

    model_config = ConfigDict(frozen=True)

    keyword: int | None
    vector: int | None


class Parts(BaseModel):
    """What a score is made of; the parts add up to it."""

    model_config = ConfigDict(frozen=True)

    keyword: float = 0.0
    vector: float = 0.0
    boost: float = 0.0
    """For being named like the query; 0 but in the weighted and adaptive fusion."""
    rerank: float = 0.0
    """What the second look added; 0 without one."""


class Place(BaseModel):
    """Where a passage stands, too."""

    model_config = ConfigDict(frozen=True)

    chunk_id: str
    uri: str
    path: str
    start_line: int
    end_line: int
    page: int | None = None


class Hit(BaseModel):
    """A chunk that was found."""

    model_config = ConfigDict(frozen=True)

    rank: int
    score: float
    """Fused score at most 1, BM25, or cosine, by mode; higher is better."""
    chunk_id: str
    doc_id: str
    uri: str
    title: str
    start_byte: int
    """`source_bytes[start_byte:end_byte]` decodes to `text` where `verbatim`, else of the parsed text as UTF-8."""
    end_byte: int
    start_line: int
    end_line: int
    page: int | None = None
    """From 1, where the document has pages or slides."""
    heading: str
    text: str
    ranks: Ranks
    source: str
    path: str
    encoding: str
    verbatim: bool
    kind: str
    parts: Parts = Parts()
    also_in: tuple[Place, ...] = ()
    """Other places with the same text, or nearly the same where that is folded; they are no hits of their own."""


class ChunkMetadata(BaseModel):
    """The open rest of a chunk."""

    encoding: str = "utf-8"
    """Python's name of the codec of the file."""
    verbatim: bool = False
    """Whether the text is the file's own."""


_FETCHED = [*(name for name in Hit.model_fields if name in CHUNKS.schema.names), "metadata"]


def place(name: str, start_line: int, end_line: int, page: int | None = None) -> str:
    """A place as a person would type it: `guide.md:3-9`, or `guide.pdf, page 3`."""
    if page is not None:
        return f"{name}, page {page}"
    return f"{name}:{start_line}" if start_line == end_line else f"{name}:{start_line}-{end_line}"


def known_mode(name: str) -> Mode:
    """The mode with this name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in list(Mode):
        raise ConfigurationError(f"mode {name!r} is unknown", cure=f"modes: {', '.join(Mode)}")
    return Mode(name)


def known_fusion(name: str) -> Fusion:
    """The fusion with this name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in list(Fusion):
        raise ConfigurationError(f"fusion {name!r} is unknown", cure=f"fusions: {', '.join(Fusion)}")
    return Fusion(name)


def check_query(query: str, k: int, mode: Mode | str, where: Mapping[str, str]) -> None:
    """Refuse what cannot be searched for.

    Raises:
        ConfigurationError: an empty or overlong query, a `k` out of range, an unknown mode or filter.
    """
    known_mode(mode)
    if not query.strip():
        raise ConfigurationError("the query is empty", cure="say what to look for")
    if len(query) > MAX_CHARACTERS:
        raise ConfigurationError(
            f"the query has {len(query):,} characters, {MAX_CHARACTERS:,} are allowed", cure="ask in fewer words"
        )
    if not 1 <= k <= MAX_HITS:
        raise ConfigurationError(f"k is {k}, but must be from 1 to {MAX_HITS}")
    for field, value in where.items():
        if len(folder_prefix(value) or "") > MAX_FOLDER_LENGTH:
            raise ConfigurationError(
                f"the folder to narrow to has more than {MAX_FOLDER_LENGTH} characters", cure="name one further up"
            )
        if field not in NARROWED:
            cure = nearest(field, NARROWED, f"filters: {', '.join(NARROWED)}")
            raise ConfigurationError(f"cannot filter by {field!r}", cure=cure)
        if field == MODIFIED:
            _check_days(value)


def _check_days(value: str) -> None:
    try:
        day_range(value)
    except ValueError as error:
        raise ConfigurationError(
            f"cannot narrow to the days {value!r}: {error}", cure="write modified=2026-01-01..2026-03-31, or one day"
        ) from error


def search(snapshot: Snapshot, query: str, k: int, how: Search, embed: EmbedQuery) -> list[Hit]:
    """The best `k` passages that differ. Filters apply before the top k is taken.

    Raises:
        ConfigurationError: see `check_query`.
    """
    check_query(query, k, how.mode, how.where)
    ranked = rank(snapshot, query, max(k, POOL), how, embed)
    fused = ranked.fused if how.rerank is None else _looked_at_again(snapshot, query, ranked.fused, how.rerank)
    found = itertools.islice(_distinct(snapshot, fused, k, near=how.fold_near), k)
    return [_hit(number, passage, ranked) for number, passage in enumerate(found, 1)]


def _looked_at_again(snapshot: Snapshot, query: str, fused: Sequence[Fused], score: Score) -> list[Fused]:
    rows = snapshot.chunks([each.key for each in fused[:DEPTH]], ["heading", "text"])
    first = [each for each in fused[:DEPTH] if each.key in rows]
    texts = [embedded_text(rows[each.key]["heading"], rows[each.key]["text"]) for each in first]
    return reranked(query, [*first, *fused[DEPTH:]], texts, score)


@dataclass(frozen=True)
class _Passage:
    fused: Fused
    row: dict[str, Any]
    also: list[dict[str, Any]]


def _distinct(snapshot: Snapshot, fused: Sequence[Fused], batch: int, *, near: bool) -> Iterator[_Passage]:
    """Passages in order, each text once; the repeats that stand near it are folded into it."""
    passages = _Distinct(near=near)
    for at in range(0, len(fused), batch):
        rows = snapshot.chunks([each.key for each in fused[at : at + batch]], _FETCHED)
        before = len(passages.kept)
        for each in fused[at : at + batch]:
            if each.key in rows:
                passages.add(each, rows[each.key])
        yield from passages.kept[before:]


class _Distinct:
    """Passages that differ, and what was folded into them."""

    def __init__(self, *, near: bool) -> None:
        self.kept: list[_Passage] = []
        self._near = near
        self._by_text: dict[str, _Passage] = {}
        self._marks: list[Shingles] = []

    def add(self, fused: Fused, row: dict[str, Any]) -> None:
        known = self._by_text.get(row["text"]) or self._like(row["text"])
        if known is not None:
            known.also.append(row)
            return
        passage = self._by_text[row["text"]] = _Passage(fused, row, [])
        self.kept.append(passage)
        if self._near:
            self._marks.append(shingles(row["text"]))

    def _like(self, text: str) -> _Passage | None:
        if not self._near:
            return None
        marks = shingles(text)
        close = (
            passage
            for passage, other in zip(self.kept, self._marks, strict=True)
            if resemblance(marks, other) >= MIN_SIMILARITY
        )
        return next(close, None)


def _hit(number: int, passage: _Passage, ranked: Ranked) -> Hit:
    row, fused = passage.row, passage.fused
    metadata = MetadataReader(ChunkMetadata).read(row["metadata"]) or ChunkMetadata()
    parts = Parts(
        keyword=round(fused.keyword_part, _PLACES),
        vector=round(fused.vector_part, _PLACES),
        boost=round(fused.boost_part, _PLACES),
        rerank=round(fused.rerank_part, _PLACES),
    )
    fields = {name: row[name] for name in Hit.model_fields if name in row}
    return Hit(
        rank=number,
        score=round(parts.keyword + parts.vector + parts.boost + parts.rerank, _PLACES),
        ranks=Ranks(keyword=ranked.keyword_ranks.get(fused.key), vector=ranked.vector_ranks.get(fused.key)),
        parts=parts,
        also_in=tuple(Place(**{name: other[name] for name in Place.model_fields}) for other in passage.also),
        encoding=metadata.encoding,
        verbatim=metadata.verbatim,
        **fields,
    )
