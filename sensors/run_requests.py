"""Run requests of the sensors: a run is requested as long as the wanted state differs from the current one.

Missed ticks, restarts, several changes between ticks and runs started by hand all end in the same state.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from omni_pipelines.pipeline.staleness import Stale
from resources.runs import ACTIVE, fail_orphaned_runs

WANT_TAG = "omni/want"
MAX_ATTEMPTS = 3
BUSY = ("refresh_job", "__ASSET_JOB")
"""Jobs that may build any asset: the refresh job, and what a person materializes from the page."""
INTERVAL_SECONDS = 15


def request_run(
    instance: dg.DagsterInstance, job: str, stale: Stale, *waits_for: str, config: Mapping[str, Any] | None = None
) -> dg.RunRequest | dg.SkipReason:
    """A run of `job` towards the wanted state, unless one is active, was cancelled by a person, or keeps failing.

    Dagster never repeats a run key, so the key of each attempt is new.
    """
    fail_orphaned_runs(instance)
    for name in (job, *BUSY, *waits_for):
        if instance.get_run_records(dg.RunsFilter(job_name=name, statuses=ACTIVE), limit=1):
            return dg.SkipReason(f"{name} is active; the sensor compares again when it has ended")
    tried = instance.get_run_records(
        dg.RunsFilter(job_name=job, tags={WANT_TAG: stale.wanted_state}), limit=MAX_ATTEMPTS + 1
    )
    states = [record.dagster_run.status for record in tried]
    if dg.DagsterRunStatus.CANCELED in states:
        return dg.SkipReason("a person cancelled the run for this state; start it by hand")
    failures = states.count(dg.DagsterRunStatus.FAILURE)
    if failures >= MAX_ATTEMPTS:
        return dg.SkipReason(f"{failures} runs for this state failed; look at them, then start it by hand")
    return dg.RunRequest(
        run_key=f"{job}:{stale.wanted_state}:{len(states)}",
        job_name=job,
        run_config=config,
        tags={WANT_TAG: stale.wanted_state},
    )
