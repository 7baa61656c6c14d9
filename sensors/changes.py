"""The two sensors: sources that changed, and tables that no release shows yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from resources.knowledge import KnowledgeHome
from sensors.due_sources import due_sources
from sensors.jobs import index_job, ingest_job
from sensors.run_requests import INTERVAL_SECONDS, request_run

if TYPE_CHECKING:
    from omni_pipelines.pipeline.staleness import Stale


@dg.sensor(
    job=ingest_job,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts ingest_job when a source on this machine, a reader, the chunker or the embedder has changed "
    "and stays the same for two ticks, and when a source with an interval of its own is due.",
)
def source_sensor(context: dg.SensorEvaluationContext, knowledge: KnowledgeHome) -> dg.SensorResult:
    """Starts `ingest_job` when a source differs from what was ingested, and looks the same on two ticks.

    The cursor is the state seen at the last tick: while files are still being written, it keeps changing. Sources on
    the network, and those with an interval of their own, are left alone until they are due: nobody asks a stranger's
    server four times a minute.
    """
    from omni_pipelines.pipeline.staleness import list_sources, stale_ingest

    try:
        run = knowledge.run()
        due = due_sources(context.instance, run)
        requested = _request(context.instance, run.home, *due) if due is not None else None
        if isinstance(requested, dg.RunRequest):
            return _result(requested, context.cursor)
        listings = list_sources(run, remote=False)
        stale = stale_ingest(run, listings)
    except OmniError as error:
        return dg.SensorResult(skip_reason=str(error), cursor="")
    if not any(listings):
        return dg.SensorResult(skip_reason="no source is on this machine", cursor="")
    if stale is None:
        return dg.SensorResult(skip_reason="every source is as it was ingested", cursor="")
    if stale.wanted_state != context.cursor:
        return dg.SensorResult(
            skip_reason=f"{stale.reason}; waiting until it stops changing", cursor=stale.wanted_state
        )
    names = [*(listing.source.name for listing in listings.listed), *listings.missing]
    return _result(_request(context.instance, run.home, names, stale), stale.wanted_state)


@dg.sensor(
    job=index_job,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts index_job when the tables are newer than the newest release.",
)
def index_sensor(context: dg.SensorEvaluationContext, knowledge: KnowledgeHome) -> dg.SensorResult:
    """Starts `index_job` when the tables are newer than the newest release, and no ingest is running."""
    from omni_pipelines.pipeline.staleness import stale_index

    run = knowledge.run()
    stale = stale_index(run)
    if stale is None:
        return dg.SensorResult(skip_reason="the newest release shows all that was ingested")
    return _result(request_run(context.instance, run.home, index_job.name, stale, ingest_job.name), None)


def _request(
    instance: dg.DagsterInstance, home: Home, sources: Sequence[str], stale: Stale
) -> dg.RunRequest | dg.SkipReason:
    """A run that reads only these sources."""
    config = {"ops": {"documents": {"config": {"sources": list(sources)}}}}
    return request_run(instance, home, ingest_job.name, stale, config=config)


def _result(outcome: dg.RunRequest | dg.SkipReason, cursor: str | None) -> dg.SensorResult:
    if isinstance(outcome, dg.SkipReason):
        return dg.SensorResult(skip_reason=outcome, cursor=cursor)
    return dg.SensorResult(run_requests=[outcome], cursor=cursor)


SENSORS = [source_sensor, index_sensor]
