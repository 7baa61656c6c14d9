"""Explain why a search did not find a document: check this document at each stage of the search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from native.filters import day_range, folder_prefix
from omni_pipelines.amounts import counted
from omni_pipelines.errors import CitationNotFound
from omni_pipelines.knowledge.search.citation_names import cited_name
from omni_pipelines.knowledge.search.citations import find_document
from omni_pipelines.knowledge.search.options import SearchOptions, check_query
from omni_pipelines.knowledge.search.ranking import POOL, rank
from omni_pipelines.knowledge.search.reranking import RerankScores
from omni_pipelines.knowledge.search.retrieval import find_hits
from omni_pipelines.knowledge.search.unread_names import find_unread
from omni_pipelines.knowledge.search.vectors import Vectors
from omni_pipelines.knowledge.state.snapshot import Snapshot

Stage = Literal["release", "filter", "keyword", "vector", "fused"]


class StageResult(BaseModel, frozen=True):
    """A stage of a search, and whether the document passed it."""

    stage: Stage
    passed: bool
    says: str
    """The result in words."""
    rank: int | None = None
    """Rank of the document's best passage at this stage, from 1; None if it has none."""


class WhyNot(BaseModel, frozen=True):
    """The stages up to the one that lost the document, and the conclusion."""

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
    vectors: Vectors,
    reranker: RerankScores | None = None,
) -> WhyNot:
    """Follow `document`, a path or URI, through a hybrid search for the best `k` passages.

    Raises:
        ConfigurationError: see `check_query`.
    """
    check_query(query, k, options.where)
    return _SearchTrace(snapshot, query, k, max(k, POOL), options, vectors, reranker).follow(document)


@dataclass
class _SearchTrace:
    snapshot: Snapshot
    query: str
    k: int
    pool: int
    options: SearchOptions
    vectors: Vectors
    reranker: RerankScores | None
    results: list[StageResult] = field(default_factory=list)

    def follow(self, document: str) -> WhyNot:
        try:
            found = find_document(self.snapshot, document)
        except CitationNotFound as error:
            file = find_unread(self.snapshot, document)
            if file is not None:
                verdict = f"The file was seen, and it is not read: {file.fate}."
                return self._lost(file.path, "release", file.reason, verdict)
            verdict = f"No single document of the release has this name: {error.cure}"
            return self._lost(document, "release", error.message, verdict)
        rows = self.snapshot.chunks_of(found.doc_id)
        if not rows:
            return self._lost(document, "release", "it has no text", "A document without text cannot be found.")
        self._add("release", f"release {self.snapshot.release.release} holds {counted(len(rows), 'passage')} of it")
        path = cited_name(found.source, found.path, found.uri)
        differences = _filter_differences(rows[0], self.options.where)
        if differences:
            return self._lost(path, "filter", f"its {' and '.join(differences)}", "The filter excludes it.")
        if self.options.where:
            self._add("filter", "it matches")
        return self._rank(path, [row["chunk_id"] for row in rows])

    def _rank(self, path: str, keys: Sequence[str]) -> WhyNot:
        """Rank the document in both lists, without their limits, and in the search itself."""
        where, size = self.options.where, self.snapshot.keyword.size
        keyword = self.snapshot.words(self.query, size, where)
        vector = self.snapshot.nearest(self.vectors.of_query(self.query).values, size, where)
        self._add_list("keyword", _best_rank(keyword, keys), "none of its passages contains a word of the query")
        self._add_list("vector", _best_rank(vector, keys), "it has no vector")
        hits = find_hits(self.snapshot, self.query, self.k, self.options, self.vectors, self.reranker)
        ranks = {key: hit.rank for hit in hits for key in (hit.chunk_id, *(other.chunk_id for other in hit.also_in))}
        best = min((ranks[key] for key in keys if key in ranks), default=None)
        if best is None:
            return self._below_the_hits(path, keys)
        self._add("fused", f"rank {best} of the {self.k} that were requested", best)
        return self._report(path, None, f"It was found: hit {best}.")

    def _below_the_hits(self, path: str, keys: Sequence[str]) -> WhyNot:
        fused = rank(self.snapshot, self.query, self.pool, self.options, self.vectors).fused
        best = _best_rank([(each.key, each.score) for each in fused], keys)
        if best is None:
            verdict = f"Neither list has it among its first {self.pool}: search with words from its text."
            return self._report(path, "vector", verdict)
        message = f"rank {best} of {len(fused)} candidates, and {self.k} were requested"
        return self._lost(path, "fused", message, f"It ranks below the best {self.k}: a larger -k shows it.", best)

    def _add_list(self, stage: Stage, best: int | None, absent: str) -> None:
        passed = best is not None and best <= self.pool
        ranked = f"rank {best}" if passed else f"rank {best}, but only the first {self.pool} are candidates"
        self._add(stage, absent if best is None else ranked, best, passed=passed)

    def _add(self, stage: Stage, message: str, best: int | None = None, *, passed: bool = True) -> None:
        self.results.append(StageResult(stage=stage, passed=passed, says=message, rank=best))

    def _lost(self, path: str, stage: Stage, message: str, verdict: str, best: int | None = None) -> WhyNot:
        self._add(stage, message, best, passed=False)
        return self._report(path, stage, verdict)

    def _report(self, path: str, lost_at: Stage | None, verdict: str) -> WhyNot:
        return WhyNot(
            release=self.snapshot.release.release,
            query=self.query,
            document=path,
            lost_at=lost_at,
            verdict=verdict,
            steps=tuple(self.results),
        )


def _best_rank(ranking: Sequence[tuple[str, float]], keys: Sequence[str]) -> int | None:
    wanted = set(keys)
    return next((rank for rank, (key, _) in enumerate(ranking, 1) if key in wanted), None)


def _filter_differences(row: Mapping[str, object], where: Mapping[str, str]) -> list[str]:
    values = {name: value.date() if isinstance(value, datetime) else value for name, value in row.items()}
    different = {name: wanted for name, wanted in where.items() if not _matches(values[name], wanted)}
    return [f"{name} is {str(values[name])!r}, not {wanted!r}" for name, wanted in different.items()]


def _matches(value: object, wanted: str) -> bool:
    if isinstance(value, date):
        first, last = day_range(wanted)
        return (first or date.min) <= value <= (last or date.max)
    prefix = folder_prefix(wanted)
    return value == wanted if prefix is None else str(value).startswith(prefix)
