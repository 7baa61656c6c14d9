"""Run requests of the sensors: a run is requested as long as the wanted state differs from the current one.

Missed ticks, restarts, several changes between ticks and runs started by hand all end in the same state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home
from resources.runs import ACTIVE, fail_orphaned_runs

if TYPE_CHECKING:
    from omni_pipelines.pipeline.staleness import Stale

WANT_TAG = "omni/want"
MAX_ATTEMPTS = 3
PAUSE = timedelta(hours=1)
"""Time between two runs for a state for which `MAX_ATTEMPTS` runs have failed."""
BUSY = ("refresh_job", "__ASSET_JOB")
"""Jobs that may build any asset: the refresh job, and what a person materializes in the Dagster UI."""
INTERVAL_SECONDS = 15


def request_run(
    instance: dg.DagsterInstance,
    home: Home,
    job: str,
    stale: Stale,
    *waits_for: str,
    config: Mapping[str, Any] | None = None,
    pause: timedelta = PAUSE,
) -> dg.RunRequest | dg.SkipReason:
    """A run of `job` towards the wanted state, unless another process writes, or a person or failures stopped it.

    After `MAX_ATTEMPTS` failures one more run is requested after each `pause`, so that a cause that has gone, such as
    a full disk, needs no person. A run that only waited too long for another writer counts as no attempt. Dagster
    never repeats a run key, so the key of each attempt is new.
    """
    from omni_pipelines.knowledge.state.writer import read_writer

    fail_orphaned_runs(instance)
    for name in (job, *BUSY, *waits_for):
        if instance.get_run_records(dg.RunsFilter(job_name=name, statuses=ACTIVE), limit=1):
            return dg.SkipReason(f"{name} is active; the sensor compares again when it has ended")
    writer = read_writer(home)
    if writer is not None:
        return dg.SkipReason(f"{writer.name} is writing; the sensor compares again when it has ended")
    tried = instance.get_run_records(dg.RunsFilter(job_name=job, tags={WANT_TAG: stale.wanted_state}))
    if any(record.dagster_run.status == dg.DagsterRunStatus.CANCELED for record in tried):
        return dg.SkipReason("a person cancelled the run for this state; the sensor waits for the next change")
    return _pause_after_failures(instance, tried, pause) or dg.RunRequest(
        run_key=f"{job}:{stale.wanted_state}:{len(tried)}",
        job_name=job,
        run_config=config,
        tags={WANT_TAG: stale.wanted_state},
    )


def _pause_after_failures(
    instance: dg.DagsterInstance, tried: Sequence[dg.RunRecord], pause: timedelta
) -> dg.SkipReason | None:
    """Why no run is due yet; None if one is. `tried` are the runs for a state, the newest first."""
    failures = [
        record
        for record in tried
        if record.dagster_run.status == dg.DagsterRunStatus.FAILURE and not found_home_busy(instance, record)
    ]
    if len(failures) < MAX_ATTEMPTS:
        return None
    due = datetime.fromtimestamp(failures[0].end_time or failures[0].update_timestamp.timestamp(), UTC) + pause
    if due <= datetime.now(UTC):
        return None
    last = failures[0].dagster_run.run_id
    return dg.SkipReason(
        f"{len(failures)} runs for this state failed, the last is {last[:8]}; the next one starts at "
        f"{due.astimezone():%H:%M}, or when something changes"
    )


def found_home_busy(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """Whether a run failed because another process wrote to the home for longer than it may wait."""
    for entry in instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        error = entry.get_dagster_event().step_failure_data.error
        while error is not None:
            if error.cls_name == HomeBusy.__name__:
                return True
            error = error.cause
    return False
