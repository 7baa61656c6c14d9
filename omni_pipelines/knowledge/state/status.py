"""What a home holds, in numbers."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel

from native.errors import EngineError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.foreign_languages import foreign_languages
from omni_pipelines.knowledge.state.recovery_notes import RecoveryNote, list_recovery_notes
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.scans import Recognizable, recognizable
from omni_pipelines.knowledge.state.seen_sources import last_listed, last_run
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.writer import Writer, read_writer
from omni_pipelines.records import MissingSource, Release, SourceSeen


class ChunkCoverage(BaseModel, frozen=True):
    """How many of the chunks an index covers."""

    entries: int
    of: int
    share: float
    """1.0 is complete."""


class Status(BaseModel, frozen=True):
    """The state of a home: a release and what it holds."""

    release: int
    created_at: datetime
    run_id: str
    home: str
    counts: dict[str, int]
    coverage: dict[str, ChunkCoverage]
    fingerprints: dict[str, str]
    sources: dict[str, SourceSeen]
    oldest_seen: datetime | None = None
    """The earliest of the times at which its sources were last listed."""
    missing: dict[str, MissingSource] = {}
    """The sources that the last run could not list, by name; what is stored of them stays."""
    shows: int
    """The release whose state this is: an older one than `release` after a rollback."""
    foreign_languages: dict[str, int] = {}
    """Language to the number of its documents, where the embedder does not know it; see `foreign_languages`."""
    recognizable: Recognizable = Recognizable(0, 0)
    """Scans and pictures that text recognition could read."""
    set_aside: list[RecoveryNote]
    """Damaged files that recovery moved to `quarantine/`, oldest first."""
    writer: Writer | None
    """The process that writes to the home at the moment, and how far it is."""


def status(home: Home, number: int | None = None, viewer: Viewer | None = None) -> Status:
    """The state of a home from one release record, by default the newest: quick, and correct while a writer works.

    For a viewer it counts only the sources that this viewer may see.

    Raises:
        HomeError: there is no home.
        ConfigurationError: there is no such release.
    """
    release = require_release(home, number)
    last = last_run(home) if number is None and release.rollback is None else None
    sources = last_listed(home, release)
    chunks, vectors = release.counts["chunks"], release.counts["embeddings"]
    whole = Status(
        release=release.release,
        created_at=release.created_at,
        run_id=release.run_id,
        home=str(home.root),
        counts=release.counts,
        coverage={
            "keyword": _coverage(release.keyword.entries, chunks),
            # a small table has no vector index: a search compares every vector
            "vector": _coverage(release.indexed_vectors or vectors, chunks),
        },
        fingerprints=release.fingerprints,
        sources=sources,
        oldest_seen=_oldest(sources),
        missing=last.missing if last is not None else {},
        shows=release.rollback.to if release.rollback is not None else release.release,
        set_aside=list_recovery_notes(home),
        writer=read_writer(home),
    )
    if viewer is None:
        return whole.model_copy(update=_hints(home, release))
    snapshot = Snapshot.open(home, number, viewer)
    sources = {name: source for name, source in whole.sources.items() if snapshot.sees(name)}
    missing = {name: each for name, each in whole.missing.items() if name in sources}
    hidden: dict[str, object] = {"coverage": {}, "set_aside": [], "writer": None}
    return whole.model_copy(
        update={
            "counts": snapshot.counts(),
            "sources": sources,
            "oldest_seen": _oldest(sources),
            "missing": missing,
            **hidden,
        }
    )


def _oldest(sources: Mapping[str, SourceSeen]) -> datetime | None:
    return min((source.seen for source in sources.values()), default=None)


def _coverage(entries: int, of: int) -> ChunkCoverage:
    return ChunkCoverage(entries=entries, of=of, share=round(entries / of, 4) if of else 1.0)


def _hints(home: Home, release: Release) -> dict[str, object]:
    try:
        return {"foreign_languages": foreign_languages(home, release), "recognizable": recognizable(home, release)}
    except EngineError:  # the state of a home with a damaged table can be read as well
        return {}
