"""Runs that `omni` executes in its own process: people can terminate them; if the process dies, they have failed."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def terminable(instance: dg.DagsterInstance, run_id: str, seconds: float = 1.0) -> Iterator[threading.Event]:
    """Stop this process's run, as Ctrl+C does, when a person terminates it in the Dagster UI. The event says whether.

    The page writes its wish into the run's record; every `seconds` a thread reads that.
    """
    terminated, ended = threading.Event(), threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):
            run = instance.get_run_by_id(run_id)
            if run is not None and run.status in (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED):
                terminated.set()
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=watch, daemon=True, name="omni-terminable")
    watcher.start()
    try:
        yield terminated
    finally:
        ended.set()
        watcher.join()


def is_orphaned(run: dg.DagsterRun) -> bool:
    """Whether a run was executed in a process of this machine that is gone."""
    return run.tags.get(HOST_TAG) == socket.gethostname() and not is_alive(int(run.tags[PID_TAG]))


def fail_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the active runs of this machine whose process is gone, and give their pool slots back. Their ids."""
    filters = dg.RunsFilter(statuses=ACTIVE, tags={HOST_TAG: socket.gethostname()})
    buried = []
    for record in instance.get_run_records(filters):
        run = record.dagster_run
        if not is_orphaned(run):
            continue
        instance.report_run_failed(run, "its process ended without a word (killed, or the machine went down)")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        buried.append(run.run_id)
    return buried
