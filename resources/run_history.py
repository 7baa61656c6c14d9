"""All runs of an instance: found by the beginning of an id, listed, cancelled and deleted."""

import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from omni_pipelines.errors import ConfigurationError, OmniError
from resources.runs import ACTIVE, HOST_TAG

RELEASE_TAG = "omni/release"
"""The number of the release that a run published."""
MIN_AGE = timedelta(days=1)
"""Younger runs are never deleted: sensors count attempts in them."""
MAX_REASON_LENGTH = 500
_BATCH = 200
_ID_LENGTH = 36


@dataclass(frozen=True)
class RunSummary:
    """One run."""

    run_id: str
    job: str
    status: str
    """In lower case, as Dagster names it: queued, started, success, failure, canceled …"""
    origin: str
    """What started it: `sensor index_sensor`, `schedule nightly_refresh`, `command line`, or `page`."""
    created_at: datetime
    seconds: float | None
    """How long it ran; None before it started."""
    release: int | None
    """The release that it published."""
    tags: Mapping[str, str]


def summary_of(record: dg.RunRecord) -> RunSummary:
    """What a person wants to know of a run."""
    run = record.dagster_run
    seconds = None
    if record.start_time is not None:
        seconds = round((record.end_time or time.time()) - record.start_time, 1)
    release = run.tags.get(RELEASE_TAG)
    return RunSummary(
        run_id=run.run_id,
        job="(assets)" if run.job_name.startswith("__") else run.job_name,
        status=run.status.value.lower(),
        origin=_origin(run.tags),
        created_at=record.create_timestamp.replace(tzinfo=UTC),
        seconds=seconds,
        release=int(release) if release is not None else None,
        tags={name: value for name, value in run.tags.items() if not name.startswith((".dagster", "dagster/"))},
    )


def _origin(tags: Mapping[str, str]) -> str:
    for kind in ("sensor", "schedule"):
        if name := tags.get(f"dagster/{kind}_name"):
            return f"{kind} {name}"
    return "command line" if HOST_TAG in tags else "page"


def find_run(instance: dg.DagsterInstance, beginning: str) -> dg.RunRecord:
    """The run whose id begins like this.

    Raises:
        ConfigurationError: there is none, or there are several.
    """
    if len(beginning) == _ID_LENGTH:
        matching = list(instance.get_run_records(dg.RunsFilter(run_ids=[beginning])))
    else:
        runs = _every_run(instance) if beginning else ()
        matching = [record for record in runs if record.dagster_run.run_id.startswith(beginning)]
    if len(matching) == 1:
        return matching[0]
    problem = f"{len(matching)} runs have an id that begins with" if matching else "no run has the id"
    raise ConfigurationError(f"{problem} {beginning!r}", cure="list the runs: omni runs list")


def _every_run(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    """All runs, the newest first, in pages: there may be many."""
    cursor: str | None = None
    while page := instance.get_run_records(limit=_BATCH, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id


def failure_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed, in one line: the first error of a step, without those that Dagster puts around it."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        error = entry.get_dagster_event().step_failure_data.error
        while error is not None and error.cause is not None and str(error.cls_name).startswith("Dagster"):
            error = error.cause
        if error is not None:
            return f"{entry.step_key}: {' '.join(error.message.split())}"[:MAX_REASON_LENGTH]
    said = [entry.user_message for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)]
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):  # why a run did not start
        event = entry.get_dagster_event()
        if event.engine_event_data.error is not None:
            said.append(str(event.message))
    return " ".join(next(filter(None, said), "it left no reason").split())[:MAX_REASON_LENGTH]


def cancel_run(instance: dg.DagsterInstance, record: dg.RunRecord, seconds: float = 20.0) -> dg.RunRecord:
    """Ask a run to stop, and wait until it has.

    Raises:
        OmniError: it has ended already, runs on another machine, or does not stop in time.
    """
    run = record.dagster_run
    if run.is_finished:
        raise OmniError(f"run {run.run_id[:8]} has ended already: {run.status.value.lower()}")
    host = run.tags.get(HOST_TAG, socket.gethostname())
    if host != socket.gethostname():
        raise OmniError(f"run {run.run_id[:8]} runs on {host}", cure="cancel it on that machine")
    assert instance.run_coordinator is not None
    instance.run_coordinator.cancel_run(run.run_id)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        if record.dagster_run.is_finished:
            return record
        time.sleep(0.2)
    raise OmniError(
        f"run {run.run_id[:8]} was asked to stop, and has not yet", cure="see how it goes on: omni runs list"
    )


def deletable_runs(
    instance: dg.DagsterInstance, jobs: Sequence[str], keep_runs: int, keep_days: float
) -> list[dg.RunRecord]:
    """The finished runs of these jobs that are older than `keep_days`, or not among the newest `keep_runs`.

    Runs of the last day stay, and so do those in which an asset was last made: the page of the asset shows them.
    """
    keys = instance.get_asset_keys()
    events = [instance.get_latest_materialization_event(key) for key in keys]
    shown = {event.run_id for event in events if event is not None}
    youngest = datetime.now(UTC) - max(timedelta(days=keep_days), MIN_AGE)
    ours = [record for record in _every_run(instance) if record.dagster_run.job_name in jobs]
    return [
        record
        for number, record in enumerate(ours)
        if (number >= keep_runs or record.create_timestamp.replace(tzinfo=UTC) < youngest)
        and record.create_timestamp.replace(tzinfo=UTC) < datetime.now(UTC) - MIN_AGE
        and record.dagster_run.status not in ACTIVE
        and record.dagster_run.run_id not in shown
    ]


def delete_runs(instance: dg.DagsterInstance, records: Sequence[dg.RunRecord]) -> None:
    """Delete runs with their events, and what Dagster leaves of them on disk."""
    for record in records:
        run_id = record.dagster_run.run_id
        instance.delete_run(run_id)
        root = Path(instance.root_directory)
        for path in (root / "history" / "runs").glob(f"{run_id}.db*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(root / "storage" / run_id, ignore_errors=True)
