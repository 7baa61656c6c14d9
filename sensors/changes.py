"""The two sensors: sources that changed, and tables that no release shows yet."""

import dagster as dg

from omni_pipelines.errors import OmniError
from omni_pipelines.pipeline.staleness import list_sources, stale_index, stale_ingest
from resources.knowledge import KnowledgeHome
from sensors.jobs import index_job, ingest_job
from sensors.run_requests import INTERVAL_SECONDS, request_run


@dg.sensor(
    job=ingest_job,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts ingest_job when a source on this machine, a reader, the chunker or the embedder changed and "
    "holds still. What is on the network is looked at by omni ingest, and by the schedule.",
)
def source_sensor(context: dg.SensorEvaluationContext, knowledge: KnowledgeHome) -> dg.SensorResult:
    """Starts `ingest_job` when a source differs from what was ingested, and looks the same on two ticks.

    The cursor is the state seen at the last tick: while files are still being written, it keeps changing. Sources on
    the network are left alone, and the run is told so: nobody asks a stranger's server four times a minute.
    """
    try:
        run = knowledge.run()
        listings = list_sources(run, remote=False)
        stale = stale_ingest(run, listings)
    except OmniError as error:
        return dg.SensorResult(skip_reason=str(error), cursor="")
    if not any(listings):
        return dg.SensorResult(skip_reason="no source is on this machine", cursor="")
    if stale is None:
        return dg.SensorResult(skip_reason="every source is as it was ingested", cursor="")
    if stale.wanted_state != context.cursor:
        return dg.SensorResult(skip_reason=f"{stale.reason}; waiting until it holds still", cursor=stale.wanted_state)
    names = [*(listing.source.name for listing in listings.listed), *listings.missing]
    config = {"ops": {"documents": {"config": {"sources": names}}}}
    return _result(request_run(context.instance, run.home, ingest_job.name, stale, config=config), stale.wanted_state)


@dg.sensor(
    job=index_job,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts index_job when the tables hold something that the newest release does not show.",
)
def index_sensor(context: dg.SensorEvaluationContext, knowledge: KnowledgeHome) -> dg.SensorResult:
    """Starts `index_job` when the tables are ahead of the newest release, and no ingest is at work on them."""
    run = knowledge.run()
    stale = stale_index(run)
    if stale is None:
        return dg.SensorResult(skip_reason="the newest release shows all that was ingested")
    return _result(request_run(context.instance, run.home, index_job.name, stale, ingest_job.name), None)


def _result(outcome: dg.RunRequest | dg.SkipReason, cursor: str | None) -> dg.SensorResult:
    if isinstance(outcome, dg.SkipReason):
        return dg.SensorResult(skip_reason=outcome, cursor=cursor)
    return dg.SensorResult(run_requests=[outcome], cursor=cursor)


SENSORS = [source_sensor, index_sensor]
