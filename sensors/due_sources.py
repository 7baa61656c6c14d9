"""Sources with an interval of their own, `every` in `[sources.NAME]`: which are due now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from dagster._utils.schedules import is_valid_cron_string, reverse_cron_string_iterator

from omni_pipelines import ids
from omni_pipelines.errors import ConfigurationError
from sensors.jobs import ingest_job
from sensors.run_requests import WANT_TAG

if TYPE_CHECKING:
    from omni_pipelines.pipeline.staleness import Stale
    from omni_pipelines.steps.step import RunContext

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_EARLY = timedelta(seconds=1)


def due_sources(
    instance: dg.DagsterInstance, run: RunContext, now: datetime | None = None
) -> tuple[list[str], Stale] | None:
    """The names of the sources that were not listed in their interval, and the state that a run would bring about.

    None if there is none, or if a run has tried already: a source that is missing is tried once in its interval.

    Raises:
        ConfigurationError: an interval is no cron expression.
    """
    from omni_pipelines.pipeline.staleness import Stale, has_interval
    from omni_pipelines.sources.registry import current_sources, reads
    from omni_pipelines.steps.step_records import read_step_record

    moment = now or datetime.now(UTC)
    record = read_step_record(run.home, "documents")
    seen = record.seen if record is not None else {}
    starts = {
        source.name: interval_start(run.settings.sources[source.name].every, moment)
        for source in filter(reads(run.home), current_sources(run.home, run.settings))
        if has_interval(run.settings, source.name)
    }
    due = {name: start for name, start in starts.items() if name not in seen or seen[name] < start}
    left = sorted((start, name) for name, start in due.items() if not _is_done(instance, _state(name, start)))
    if not left:
        return None
    start, name = left[0]  # one at a time: each has attempts of its own
    return [name], Stale(_state(name, start), f"source {name} is due since {start:%H:%M} UTC")


def interval_start(every: str, now: datetime) -> datetime:
    """The beginning of the interval in which `now` is.

    Raises:
        ConfigurationError: it is no cron expression.
    """
    if every[-1] in _UNITS and every[:-1].isdigit():
        seconds = int(every[:-1]) * _UNITS[every[-1]]
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
    if not is_valid_cron_string(every):
        raise ConfigurationError(f"every = {every!r} is no cron expression", cure="correct it in omni.toml")
    return next(iter(reverse_cron_string_iterator((now + _EARLY).timestamp(), every, "UTC"))).astimezone(UTC)


def _state(name: str, start: datetime) -> str:
    return ids.text_hash("due", name, start.isoformat())


def _is_done(instance: dg.DagsterInstance, state: str) -> bool:
    """Whether a run for this state has succeeded; it may not have found the source."""
    filters = dg.RunsFilter(job_name=ingest_job.name, tags={WANT_TAG: state}, statuses=[dg.DagsterRunStatus.SUCCESS])
    return bool(instance.get_run_records(filters, limit=1))
