"""Runs whose process died without a word: marked as failed, so that nothing waits for them."""

import os
import socket

import dagster as dg

from omni_pipelines.processes import is_alive

PID_TAG = "omni/pid"
HOST_TAG = "omni/host"
ACTIVE = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Dagster's own list of runs in progress leaves out the first two."""


def tags_of_this_process() -> dict[str, str]:
    """Tags for a run that is executed right here."""
    return {PID_TAG: str(os.getpid()), HOST_TAG: socket.gethostname()}


def fail_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the active runs of this machine whose process is gone, and give their pool slots back. Their ids."""
    filters = dg.RunsFilter(statuses=ACTIVE, tags={HOST_TAG: socket.gethostname()})
    buried = []
    for record in instance.get_run_records(filters):
        run = record.dagster_run
        if is_alive(int(run.tags[PID_TAG])):
            continue
        instance.report_run_failed(run, "its process ended without a word (killed, or the machine went down)")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        buried.append(run.run_id)
    return buried
