"""The runs of an instance: where they come from, which may be deleted, and how they are stopped."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster_shared.error import SerializableErrorInfo

from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from resources.instance import open_instance
from resources.run_history import cancel_run, deletable_runs, delete_runs, failure_of, find_run, summary_of
from resources.run_launcher import RunLauncher
from resources.runs import HOST_TAG, PID_TAG

S = dg.DagsterRunStatus
JOBS = ["ingest_job"]


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with open_instance(home) as instance:
        yield instance


def add(
    instance: dg.DagsterInstance, job: str = "ingest_job", status: S = S.SUCCESS, tags: dict[str, str] | None = None
) -> str:
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("omni_pipelines"), "__repository__")
    run = dg.DagsterRun(
        job_name=job,
        run_id=str(uuid.uuid4()),
        status=status,
        tags=tags or {},
        remote_job_origin=location.get_job_origin(job),
    )
    instance.add_run(run)
    return run.run_id


def test_reason_of_a_run_that_did_not_start_is_what_the_daemon_met(instance: dg.DagsterInstance) -> None:
    run_id = add(instance, status=S.STARTING)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    error = SerializableErrorInfo("the code server did not answer", [], "DagsterUserCodeUnreachableError")
    instance.report_engine_event("marking the run\nas failed", run, EngineEventData.engine_error(error))
    instance.report_run_failed(run)
    assert failure_of(instance, run_id) == "marking the run as failed"


def make_old(instance: dg.DagsterInstance, run_id: str, days: float) -> None:
    moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(db.update(RunsTable).where(RunsTable.c.run_id == run_id).values(create_timestamp=moment))


@pytest.mark.parametrize(
    ("tags", "origin"),
    [
        ({"dagster/sensor_name": "index_sensor"}, "sensor index_sensor"),
        ({"dagster/schedule_name": "nightly_refresh"}, "schedule nightly_refresh"),
        ({HOST_TAG: "here", PID_TAG: "1"}, "command line"),
        ({}, "page"),
    ],
)
def test_a_run_says_what_started_it(instance: dg.DagsterInstance, tags: dict[str, str], origin: str) -> None:
    run_id = add(instance, tags=tags)
    assert summary_of(find_run(instance, run_id)).origin == origin


def test_a_run_is_found_by_the_beginning_of_its_id(instance: dg.DagsterInstance) -> None:
    run_id = add(instance)
    assert find_run(instance, run_id[:6]).dagster_run.run_id == run_id
    for wrong in ("", "zz", str(uuid.uuid4())):
        with pytest.raises(ConfigurationError, match="no run has the id"):
            find_run(instance, wrong)
    first = run_id[0]
    while not instance.get_runs_count() > 1 or sum(run.run_id[0] == first for run in instance.get_runs()) < 2:
        add(instance)
    with pytest.raises(ConfigurationError, match="runs have an id that begins with"):
        find_run(instance, first)


def test_only_old_finished_runs_of_ours_are_deletable(instance: dg.DagsterInstance) -> None:
    ages = {"fresh": 0.5, "middle": 3.0, "old": 100.0}
    runs = {name: add(instance) for name in reversed(ages)}
    others = [add(instance, "job_of_somebody"), add(instance, status=S.STARTED)]
    for name, run_id in runs.items():
        make_old(instance, run_id, ages[name])
    for run_id in others:
        make_old(instance, run_id, 100)

    def deletable(keep_runs: int, keep_days: float) -> set[str]:
        found = {record.dagster_run.run_id for record in deletable_runs(instance, JOBS, keep_runs, keep_days)}
        return {name for name, run_id in runs.items() if run_id in found} | (found & set(others))

    assert deletable(100, 90) == {"old"}
    assert deletable(100, 2) == {"middle", "old"}
    assert deletable(0, 365) == {"middle", "old"}  # one of the last day stays
    assert deletable(3, 365) == {"old"}  # the one that runs counts as well


@dg.asset
def thing() -> None:
    """Something."""


def test_deleting_leaves_nothing_of_a_run_on_disk_and_the_last_materialization_stays(
    instance: dg.DagsterInstance,
) -> None:
    first, last = (dg.materialize([thing], instance=instance).run_id for _ in range(2))
    for run_id in (first, last):
        make_old(instance, run_id, 100)
    old = deletable_runs(instance, ["__ephemeral_asset_job__"], 0, 1)
    assert [record.dagster_run.run_id for record in old] == [first]
    delete_runs(instance, old)
    assert [run.run_id for run in instance.get_runs()] == [last]
    assert not [path for path in Path(instance.root_directory).rglob("*") if first in path.name]
    assert instance.get_latest_materialization_event(dg.AssetKey("thing")) is not None


def test_a_queued_run_is_cancelled_at_once(instance: dg.DagsterInstance) -> None:
    record = find_run(instance, add(instance, status=S.QUEUED))
    assert cancel_run(instance, record).dagster_run.status is S.CANCELED


@pytest.mark.parametrize(
    ("status", "host", "problem"),
    [
        (S.SUCCESS, socket.gethostname(), "has ended already: success"),
        (S.STARTED, "elsewhere", "runs on elsewhere"),
        (S.STARTED, socket.gethostname(), "was asked to stop, and has not yet"),
    ],
)
def test_a_run_that_cannot_be_stopped_from_here_says_why(
    instance: dg.DagsterInstance, status: S, host: str, problem: str
) -> None:
    record = find_run(instance, add(instance, status=status, tags={HOST_TAG: host, PID_TAG: "1"}))
    with pytest.raises(OmniError, match=problem):
        cancel_run(instance, record, seconds=0.3)


@pytest.fixture
def launcher(instance: dg.DagsterInstance) -> RunLauncher:
    assert isinstance(instance.run_launcher, RunLauncher)
    return instance.run_launcher


@pytest.mark.parametrize("left", ["nothing", "a file"])
def test_a_run_whose_code_server_is_gone_has_failed(
    instance: dg.DagsterInstance, launcher: RunLauncher, tmp_path: Path, left: str
) -> None:
    """As after a power cut. What a server leaves on disk does not answer."""
    address = tmp_path / "code.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()
        run_id = add(instance, status=S.STARTED, tags={GRPC_INFO_TAG: json.dumps({"socket": str(address)})})
        run = find_run(instance, run_id).dagster_run
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    if left == "nothing":
        address.unlink()
    assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED


def test_the_health_of_a_run_elsewhere_is_not_doubted(instance: dg.DagsterInstance, launcher: RunLauncher) -> None:
    there = [{HOST_TAG: "elsewhere", PID_TAG: "1"}, {GRPC_INFO_TAG: json.dumps({"host": "code", "port": 4266})}]
    for tags in there:
        run = find_run(instance, add(instance, status=S.STARTED, tags=tags)).dagster_run
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
