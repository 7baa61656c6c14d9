"""When the sources of a release were last listed, which is how fresh what they hold is."""

from datetime import datetime

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.records import Release, SourceSeen, StepRecord


def last_run(home: Home) -> StepRecord | None:
    """What the last run found in the sources: a listing without changes makes no release."""
    try:
        return StepRecord.model_validate_json((home.step_records / "documents.json").read_bytes())
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


def sources_seen(home: Home, release: Release) -> dict[str, datetime]:
    """The time of the last listing of each source of a release."""
    return {name: source.seen for name, source in last_listed(home, release).items()}
