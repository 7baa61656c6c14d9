"""When the sources of a release were last listed, which is how fresh what they hold is."""

from datetime import datetime
from pathlib import Path

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.records import Release, SourceSeen, StepRecord, opened

_RECORD = "documents.json"


def last_run(home: Home) -> StepRecord | None:
    """What the last run found in the sources: a listing without changes makes no release."""
    try:
        return opened((home.step_records / _RECORD).read_bytes(), StepRecord)
    except (OSError, ValueError):
        return None


def last_listed(home: Home, release: Release) -> dict[str, SourceSeen]:
    """The sources of a release, those of the newest one with the time of a later listing that found no change.

    An older release, or a rollback, shows what the sources held when it was read.
    """
    is_newest = release.rollback is None and max(release_numbers(home), default=0) == release.release
    last = last_run(home) if is_newest else None
    seen = last.seen if last is not None else {}
    return {
        name: source.model_copy(update={"seen": max(source.seen, seen.get(name, source.seen))})
        for name, source in release.sources.items()
    }


SeenStamp = tuple[tuple[int, int] | None, ...]


def seen_stamp(home: Home) -> SeenStamp:
    """Changes with what `sources_seen` depends on. A record is replaced as a whole, so it has another inode then."""
    return tuple(map(_stamp, (home.step_records / _RECORD, home.releases)))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def sources_seen(home: Home, release: Release) -> dict[str, datetime]:
    """The time of the last listing of each source of a release."""
    return {name: source.seen for name, source in last_listed(home, release).items()}
