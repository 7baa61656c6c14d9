"""Explain why a search did not find a document: check this document at each stage of the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from native.filters import days, folder
from omni_pipelines.errors import CitationNotFound
from omni_pipelines.knowledge.search.citations import find_document
from omni_pipelines.knowledge.search.options import SearchOptions, check_query
from omni_pipelines.knowledge.search.ranking import POOL, EmbedQuery, rank
from omni_pipelines.knowledge.search.reranking import RerankScores
from omni_pipelines.knowledge.search.retrieval import find_hits
from omni_pipelines.knowledge.state.snapshot import Snapshot

Stage = Literal["release", "filter", "keyword", "vector", "fused"]


class StageResult(BaseModel):
    """A stage of a search, and whether the document passed it."""

    model_config = ConfigDict(frozen=True)

    stage: Stage
    passed: bool
    says: str
    """The result in words."""
    rank: int | None = None
    """Rank of the document's best passage at this stage, from 1; None if it has none."""


class WhyNot(BaseModel):
    """The stages up to the one that lost the document, and the conclusion."""

    model_config = ConfigDict(frozen=True)

    release: int
    query: str
    document: str
    lost_at: Stage | None
    """None if the document was found."""
    verdict: str
    steps: tuple[StageResult, ...]


def explain_search(
    snapshot: Snapshot,
    query: str,
    document: str,
    k: int,
    options: SearchOptions,
    embed: EmbedQuery,
    reranker: RerankScores | None = None,
) -> WhyNot:
    """Follow `document`, a path or URI, through a hybrid search for the best `k` passages.

    Raises:
        ConfigurationError: see `check_query`.
    """
    check_query(query, k, options.where)
    return _SearchTrace(snapshot, query, k, options, embed, reranker).follow(document)


class _SearchTrace:
    def __init__(
        self,
        snapshot: Snapshot,
        query: str,
        k: int,
        options: SearchOptions,
        embed: EmbedQuery,
        reranker: RerankScores | None,
    ) -> None:
        self._snapshot, self._query, self._k, self._options = snapshot, query, k, options
        self._embed, self._reranker = embed, reranker
        self._pool = max(k, POOL)
        self._results: list[StageResult] = []

    def follow(self, document: str) -> WhyNot:
        number = self._snapshot.release.release
        try:
            doc_id = find_document(self._snapshot, document)
        except CitationNotFound as error:
            verdict = f"The release does not hold this document; {error.cure}."
            return self._lost(document, "release", error.message, verdict)
        rows = self._snapshot.chunks_of(doc_id)
        if not rows:
            return self._lost(document, "release", "it has no text", "A document without text cannot be found.")
        self._add("release", f"release {number} holds {_counted(len(rows), 'passage')} of it")
        path = rows[0]["path"]
        differences = _filter_differences(rows[0], self._options.where)
        if differences:
            return self._lost(path, "filter", f"its {' and '.join(differences)}", "The filter excludes it.")
        if self._options.where:
            self._add("filter", "it matches")
        return self._rank(path, [row["chunk_id"] for row in rows])

    def _rank(self, path: str, keys: Sequence[str]) -> WhyNot:
        """Rank the document in both lists, without their limits, and in the search itself."""
        where, size = self._options.where, self._snapshot.keyword.size
        keyword = self._snapshot.words(self._query, size, where)
        vector = self._snapshot.nearest(self._embed(self._query).values, size, where)
        self._results += [
            self._candidate("keyword", _best_rank(keyword, keys), "none of its passages contains a word of the query"),
            self._candidate("vector", _best_rank(vector, keys), "it has no vector"),
        ]
        hits = find_hits(self._snapshot, self._query, self._k, self._options, self._embed, self._reranker)
        ranks = {key: hit.rank for hit in hits for key in (hit.chunk_id, *(other.chunk_id for other in hit.also_in))}
        best = min((ranks[key] for key in keys if key in ranks), default=None)
        if best is None:
            return self._below_the_hits(path, keys)
        self._add("fused", f"rank {best} of the {self._k} that were requested", best)
        return self._report(path, None, f"It was found: hit {best}.")

    def _below_the_hits(self, path: str, keys: Sequence[str]) -> WhyNot:
        fused = rank(self._snapshot, self._query, self._pool, self._options, self._embed).fused
        best = _best_rank([(each.key, each.score) for each in fused], keys)
        if best is None:
            verdict = f"Neither list has it among its first {self._pool}: search with words from its text."
            return self._report(path, "vector", verdict)
        says = f"rank {best} of {len(fused)} candidates, and {self._k} were requested"
        return self._lost(path, "fused", says, f"It ranks below the best {self._k}: a larger -k shows it.", best)

    def _candidate(self, stage: Stage, best: int | None, absent: str) -> StageResult:
        if best is None:
            return StageResult(stage=stage, passed=False, says=absent)
        passed = best <= self._pool
        says = f"rank {best}" if passed else f"rank {best}, but only the first {self._pool} are candidates"
        return StageResult(stage=stage, passed=passed, says=says, rank=best)

    def _add(self, stage: Stage, says: str, best: int | None = None, *, passed: bool = True) -> None:
        self._results.append(StageResult(stage=stage, passed=passed, says=says, rank=best))

    def _lost(self, path: str, stage: Stage, says: str, verdict: str, best: int | None = None) -> WhyNot:
        self._add(stage, says, best, passed=False)
        return self._report(path, stage, verdict)

    def _report(self, path: str, lost_at: Stage | None, verdict: str) -> WhyNot:
        return WhyNot(
            release=self._snapshot.release.release,
            query=self._query,
            document=path,
            lost_at=lost_at,
            verdict=verdict,
            steps=tuple(self._results),
        )


def _best_rank(ranking: Sequence[tuple[str, float]], keys: Sequence[str]) -> int | None:
    wanted = set(keys)
    return next((rank for rank, (key, _) in enumerate(ranking, 1) if key in wanted), None)


def _filter_differences(row: Mapping[str, object], where: Mapping[str, str]) -> list[str]:
    different = {field: wanted for field, wanted in where.items() if not _matches(row[field], wanted)}
    return [f"{field} is {_shown(row[field])!r}, not {wanted!r}" for field, wanted in different.items()]


def _shown(value: object) -> str:
    return str(value.date()) if isinstance(value, datetime) else str(value)


def _matches(value: object, wanted: str) -> bool:
    if isinstance(value, datetime):
        first, last = days(wanted)
        return (first or date.min) <= value.date() <= (last or date.max)
    prefix = folder(wanted)
    return value == wanted if prefix is None else str(value).startswith(prefix)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
