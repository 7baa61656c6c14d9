"""A query to ranked hits, each with its exact place in the file it came from."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.fusion import Fused, fuse
from omni_pipelines.knowledge.snapshot import Snapshot
from omni_pipelines.schemas import CHUNKS, FILTERS

MOST_CHARACTERS = 1_000
MOST_HITS = 1_000
POOL = 100
"""Candidates taken from each list before they are fused."""

EmbedQuery = Callable[[str], np.ndarray]


class Mode(StrEnum):
    """Which index is asked."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


class Ranks(BaseModel):
    """Where a hit stood in each list, from 1; None where it was not in it."""

    model_config = ConfigDict(frozen=True)

    keyword: int | None
    vector: int | None


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


def check_query(query: str, k: int, mode: Mode | str, where: Mapping[str, str]) -> None:
    """Refuse what cannot be searched for.

    Raises:
        ConfigurationError: an empty or overlong query, a `k` out of range, an unknown mode or filter.
    """
    known_mode(mode)
    if not query.strip():
        raise ConfigurationError("the query is empty", cure="say what to look for")
    if len(query) > MOST_CHARACTERS:
        raise ConfigurationError(
            f"the query has {len(query):,} characters, {MOST_CHARACTERS:,} are allowed", cure="ask in fewer words"
        )
    if not 1 <= k <= MOST_HITS:
        raise ConfigurationError(f"k is {k}, but must be from 1 to {MOST_HITS}")
    for field in where:
        if field not in FILTERS:
            near = difflib.get_close_matches(field, FILTERS, n=1)
            cure = f"did you mean {near[0]}?" if near else f"filters: {', '.join(FILTERS)}"
            raise ConfigurationError(f"cannot filter by {field!r}", cure=cure)


def search(
    snapshot: Snapshot,
    query: str,
    k: int,
    mode: Mode | str,
    where: Mapping[str, str],
    embed: EmbedQuery,
) -> list[Hit]:
    """The best `k` chunks. Filters apply before the top k is taken.

    Raises:
        ConfigurationError: see `check_query`.
    """
    check_query(query, k, mode, where)
    pool = max(k, POOL)
    keyword = dict(snapshot.keyword.search(query, pool, where)) if mode != Mode.VECTOR else {}
    vector = dict(snapshot.nearest(embed(query), pool, where)) if mode != Mode.KEYWORD else {}
    ranks = _ranks(keyword), _ranks(vector)
    if mode == Mode.HYBRID:
        _complete(snapshot, query, keyword, vector, embed)
        best = fuse(keyword, vector)[:k]
    else:
        single = keyword or vector
        best = [Fused(key, score, score, score) for key, score in list(single.items())[:k]]
    return _hits(snapshot, best, *ranks)


def _ranks(scores: Mapping[str, float]) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(scores, 1)}


def _complete(
    snapshot: Snapshot, query: str, keyword: dict[str, float], vector: dict[str, float], embed: EmbedQuery
) -> None:
    """Score in each list what only the other one found: a missing score is not a low one."""
    only_keyword = [key for key in keyword if key not in vector]
    only_vector = [key for key in vector if key not in keyword]
    if only_keyword:
        vector.update(snapshot.cosines(embed(query), only_keyword))
    if only_vector and keyword:
        keyword.update(snapshot.keyword.search(query, len(only_vector), keys=only_vector))


def _hits(
    snapshot: Snapshot, best: Sequence[Fused], keyword: Mapping[str, int], vector: Mapping[str, int]
) -> list[Hit]:
    rows = snapshot.chunks([each.key for each in best], _FETCHED)
    found = [(each, rows[each.key]) for each in best if each.key in rows]
    return [
        _hit(rank, each.score, row, Ranks(keyword=keyword.get(each.key), vector=vector.get(each.key)))
        for rank, (each, row) in enumerate(found, 1)
    ]


def _hit(rank: int, score: float, row: dict[str, Any], ranks: Ranks) -> Hit:
    metadata = orjson.loads(row["metadata"])
    fields = {name: row[name] for name in Hit.model_fields if name in row}
    return Hit(
        rank=rank,
        score=round(score, 6),
        ranks=ranks,
        encoding=metadata["encoding"],
        verbatim=metadata["verbatim"],
        **fields,
    )
