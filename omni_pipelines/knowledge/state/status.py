"""What a home holds, in numbers."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Reader
from omni_pipelines.knowledge.state.recovery_notes import list_set_aside
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import RecoveryNote, SourceSeen, StepRecord


class Coverage(BaseModel):
    """How much of the chunks an index holds."""

    model_config = ConfigDict(frozen=True)

    entries: int
    of: int
    share: float
    """1.0 is complete."""


class Status(BaseModel):
    """The newest release and what is in it."""

    model_config = ConfigDict(frozen=True)

    release: int
    created_at: datetime
    run_id: str
    home: str
    counts: dict[str, int]
    coverage: dict[str, Coverage]
    fingerprints: dict[str, str]
    sources: dict[str, SourceSeen]
    shows: int
    """The release whose state this is: another one than `release` after a rollback."""
    set_aside: list[RecoveryNote]
    """What recovery could not read and moved to `quarantine/`, oldest first."""


def status(home: Home, number: int | None = None, reader: Reader | None = None) -> Status:
    """The state of a home, from one release alone, by default the newest: quick, and right while a writer works.

    A reader is told of the sources that this reader may see, and of nothing else.

    Raises:
        HomeError, ConfigurationError: no home, or no such release in it.
    """
    release = require_release(home, number)
    is_current = number is None and release.rollback is None
    chunks, vectors = release.counts["chunks"], release.counts["embeddings"]
    whole = Status(
        release=release.release,
        created_at=release.created_at,
        run_id=release.run_id,
        home=str(home.root),
        counts=release.counts,
        coverage={
            "keyword": _coverage(release.keyword.entries, chunks),
            # a small table has no vector index: each of its vectors is compared, which misses none
            "vector": _coverage(release.indexed_vectors or vectors, chunks),
        },
        fingerprints=release.fingerprints,
        sources=_seen_since(home, release.sources) if is_current else release.sources,
        shows=release.rollback.to if release.rollback is not None else release.release,
        set_aside=list_set_aside(home),
    )
    return whole if reader is None else _seen_by(Snapshot.open(home, number, reader), whole)


def _seen_by(snapshot: Snapshot, whole: Status) -> Status:
    sources = {name: source for name, source in whole.sources.items() if snapshot.sees(name)}
    return whole.model_copy(update={"counts": snapshot.counts(), "coverage": {}, "sources": sources, "set_aside": []})


def _coverage(entries: int, of: int) -> Coverage:
    return Coverage(entries=entries, of=of, share=round(entries / of, 4) if of else 1.0)


def _seen_since(home: Home, sources: dict[str, SourceSeen]) -> dict[str, SourceSeen]:
    """Sources are listed more often than released: an unchanged one makes no release."""
    try:
        seen = StepRecord.model_validate_json((home.step_records / "documents.json").read_bytes()).seen
    except (OSError, ValueError):
        seen = {}
    return {
        name: source.model_copy(update={"seen": max(source.seen, seen.get(name, source.seen))})
        for name, source in sources.items()
    }
