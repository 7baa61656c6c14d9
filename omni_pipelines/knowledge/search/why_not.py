"""Why a search did not find a document: the stages of a search one by one, each asked about this document alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from native.filters import day_range, folder_prefix
from omni_pipelines.errors import CitationNotFound
from omni_pipelines.knowledge.search.citations import find_document
from omni_pipelines.knowledge.search.ranking import POOL, EmbedQuery, Search, rank
from omni_pipelines.knowledge.search.search import check_query, search
from omni_pipelines.knowledge.state.snapshot import Snapshot

Stage = Literal["release", "filter", "keyword", "vector", "fused"]


class Step(BaseModel):
    """A stage of a search, and whether the document came through."""

    model_config = ConfigDict(frozen=True)

    stage: Stage
    passed: bool
    says: str
    rank: int | None = None
    """Of the document's best passage at this stage, from 1; None where it has none."""


class WhyNot(BaseModel):
    """The stages up to the one at which the document was lost, and what that means."""

    model_config = ConfigDict(frozen=True)

    release: int
    query: str
    document: str
    lost_at: Stage | None
    """None where the document was found."""
    verdict: str
    steps: tuple[Step, ...]


def why_not(snapshot: Snapshot, query: str, document: str, k: int, how: Search, embed: EmbedQuery) -> WhyNot:
    """What became of `document`, a path or URI, in a hybrid search for the best `k` passages.

    Raises:
        ConfigurationError: see `check_query`.
    """
    check_query(query, k, how.mode, how.where)
    return _Trace(snapshot, query, k, how, embed).of(document)


class _Trace:
    def __init__(self, snapshot: Snapshot, query: str, k: int, how: Search, embed: EmbedQuery) -> None:
        self._snapshot, self._query, self._k, self._how, self._embed = snapshot, query, k, how, embed
        self._pool = max(k, POOL)
        self._steps: list[Step] = []

    def of(self, document: str) -> WhyNot:
        number = self._snapshot.release.release
        try:
            found = find_document(self._snapshot, document)
        except CitationNotFound as error:
            return self._lost(document, "release", error.message, f"It is not there to be found; {error.cure}.")
        rows = self._snapshot.chunks_of(found)
        if not rows:
            return self._lost(document, "release", "it holds no text", "A document without text cannot be found.")
        self._pass("release", f"release {number} holds it, in {_counted(len(rows), 'passage')}")
        name = rows[0]["path"]
        misfits = _misfits(rows[0], self._how.where)
        if misfits:
            return self._lost(name, "filter", f"its {' and '.join(misfits)}", "The filter left it out.")
        if self._how.where:
            self._pass("filter", "it fits")
        return self._ranked(name, [row["chunk_id"] for row in rows])

    def _ranked(self, name: str, keys: Sequence[str]) -> WhyNot:
        """The lists, asked as deep as they are, and what came of them."""
        where, deep = self._how.where, self._snapshot.keyword.size
        words = self._snapshot.words(self._query, deep, where)
        meaning = self._snapshot.nearest(self._embed(self._query).values, deep, where)
        self._steps += [
            self._candidate("keyword", _best_rank(words, keys), "none of the words stands in it or beside it"),
            self._candidate("vector", _best_rank(meaning, keys), "it has no vector"),
        ]
        hits = search(self._snapshot, self._query, self._k, self._how, self._embed)
        shown = {key: hit.rank for hit in hits for key in (hit.chunk_id, *(place.chunk_id for place in hit.also_in))}
        best = min((shown[key] for key in keys if key in shown), default=None)
        if best is not None:
            self._pass("fused", f"rank {best} of the {self._k} that were asked for", best)
            return self._report(name, None, f"It was found: hit {best}.")
        return self._below(name, keys)

    def _below(self, name: str, keys: Sequence[str]) -> WhyNot:
        fused = rank(self._snapshot, self._query, self._pool, self._how, self._embed).fused
        place = _best_rank([(each.key, each.score) for each in fused], keys)
        if place is None:
            verdict = f"Neither list had it among its first {self._pool}: ask with words that stand in it."
            return self._report(name, "vector", verdict)
        says = f"rank {place} of {len(fused)} candidates, and {self._k} were asked for"
        return self._lost(name, "fused", says, f"It ranks below the best {self._k}: a larger -k shows it.", place)

    def _candidate(self, stage: Stage, place: int | None, absent: str) -> Step:
        if place is None:
            return Step(stage=stage, passed=False, says=absent)
        passed = place <= self._pool
        says = f"rank {place}" if passed else f"rank {place}, and the first {self._pool} are candidates"
        return Step(stage=stage, passed=passed, says=says, rank=place)

    def _pass(self, stage: Stage, says: str, place: int | None = None) -> None:
        self._steps.append(Step(stage=stage, passed=True, says=says, rank=place))

    def _lost(
        self,
        name: str,
        stage: Stage,
        says: str,
        verdict: str,
        place: int | None = None,
    ) -> WhyNot:
        self._steps.append(Step(stage=stage, passed=False, says=says, rank=place))
        return self._report(name, stage, verdict)

    def _report(self, name: str, lost_at: Stage | None, verdict: str) -> WhyNot:
        return WhyNot(
            release=self._snapshot.release.release,
            query=self._query,
            document=name,
            lost_at=lost_at,
            verdict=verdict,
            steps=tuple(self._steps),
        )


def _best_rank(ranking: Sequence[tuple[str, float]], keys: Sequence[str]) -> int | None:
    wanted = set(keys)
    return next((place for place, (key, _) in enumerate(ranking, 1) if key in wanted), None)


def _misfits(row: Mapping[str, Any], where: Mapping[str, str]) -> list[str]:
    misfits = {field: value for field, value in where.items() if not _fits(row[field], value)}
    return [f"{field} is {_told(row[field])!r}, not {value!r}" for field, value in misfits.items()]


def _told(value: object) -> object:
    return str(value.date()) if isinstance(value, datetime) else value


def _fits(value: str | datetime, wanted: str) -> bool:
    if isinstance(value, datetime):
        first, last = day_range(wanted)
        return (first or date.min) <= value.date() <= (last or date.max)
    below = folder_prefix(wanted)
    return value == wanted if below is None else value.startswith(below)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
