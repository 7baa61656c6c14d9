"""A Dagster instance in PostgreSQL, with the configuration that people deploy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from omni_pipelines.definitions import defs
from omni_pipelines.erasure.erase import erase, find_traces
from omni_pipelines.erasure.run_history import REDACTED
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.pipeline.writer_session import writer_session
from resources.instance import open_instance
from resources.instance_redaction import redact_instance
from resources.knowledge import KnowledgeHome
from sensors.changes import index_sensor, source_sensor
from tests.postgres_server import ROOT, VARIABLES, instance_folder, postgres_server, use_instance

if TYPE_CHECKING:
    from tests.integration.small_home import SmallHome

KILLED_WHILE_READING = """
import os, signal, sys
from pathlib import Path
from omni_pipelines.cli.dagster_jobs import run_job
from omni_pipelines.home import Home
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS
from omni_pipelines.sources.web.network import SYSTEM_NETWORK
from tests.integration.hooked_session import HookedSession
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
run_job(Home(Path(sys.argv[1])), "refresh_job", {}, HookedSession(kill, None, DEFAULT_LIMITS, SYSTEM_NETWORK))
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with postgres_server() as port:
        yield port


@pytest.fixture
def folder(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What DAGSTER_HOME names."""
    folder = instance_folder(tmp_path / "dagster", port)
    use_instance(folder, monkeypatch)
    return folder


@pytest.fixture
def instance(folder: Path, small: SmallHome) -> Iterator[dg.DagsterInstance]:
    with open_instance(small.home) as instance:
        yield instance


def tick(
    sensor: dg.SensorDefinition, home: Home, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    resources = {"knowledge": KnowledgeHome(path=str(home.root))}
    found = sensor(dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources))
    assert isinstance(found, dg.SensorResult)
    return found


def execute(home: Home, instance: dg.DagsterInstance, asked: dg.SensorResult) -> None:
    (request,) = asked.run_requests or []
    job = defs.resolve_job_def(str(request.job_name))
    resources = {**(defs.resources or {}), "knowledge": KnowledgeHome(path=str(home.root))}
    assert job.execute_in_process(
        request.run_config, instance=instance, tags=dict(request.tags), resources=resources
    ).success


def test_a_killed_run_ends_in_a_release_without_a_hand(
    small: SmallHome, folder: Path, instance: dg.DagsterInstance
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_READING, small.home.root], cwd=ROOT, check=False)
    assert killed.returncode < 0
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.STARTED], "nobody was told"
    first = tick(source_sensor, small.home, instance)
    execute(small.home, instance, tick(source_sensor, small.home, instance, first.cursor))
    execute(small.home, instance, tick(index_sensor, small.home, instance))
    assert release_numbers(small.home) == [1]
    runs = {run.job_name: run.status.value for run in instance.get_runs()}
    assert runs == {"refresh_job": "FAILURE", "ingest_job": "SUCCESS", "index_job": "SUCCESS"}
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".db"}
    assert before.items() <= after.items(), "the folder of the person stays as it was"
    assert not [path for path in (*folder.rglob("*.db"), *small.home.dagster.rglob("*.db"))], "all is in the server"


def test_an_erasure_reaches_the_run_history_in_the_server(small: SmallHome, instance: dg.DagsterInstance) -> None:
    small.ingest()
    small.index()
    for asset in ("documents", "chunks"):
        note = dg.AssetMaterialization(asset, description="The heron stands in cold water at dawn.")
        instance.report_runless_asset_event(note)
    outside = partial(redact_instance, small.home)
    history = ("run history and logs", "values and lines that name or quote it")
    found = find_traces(small.context, "notes/heron.md", outside).places[history]
    assert found >= 2
    with writer_session(small.home, small.context.settings):
        certificate, _ = erase(small.context, "notes/heron.md", outside)
    counts = {(place.place, place.how): (place.before, place.after) for place in certificate.places}
    assert counts[history] == (found, 0)
    event = instance.get_latest_materialization_event(dg.AssetKey("documents"))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.description == REDACTED, "Dagster reads what is left"
    assert "heron" not in _bytes_of_the_server(instance)


def _bytes_of_the_server(instance: dg.DagsterInstance) -> str:
    """The files of the tables, in which a row that was only updated or deleted would still be."""
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.text("CHECKPOINT"))
        names = connection.scalars(sa.text("SELECT relname FROM pg_stat_user_tables")).all()
        reads = sa.text("SELECT encode(pg_read_binary_file(pg_relation_filepath(:name)), 'escape')")
        return "".join(connection.scalar(reads.bindparams(name=name)) or "" for name in names)


def test_an_instance_that_repeats_runs_leaves_ours_to_the_sensors(
    folder: Path, small: SmallHome, request: pytest.FixtureRequest
) -> None:
    with (folder / "dagster.yaml").open("a") as file:
        file.write("run_retries: {enabled: true, max_retries: 3}\n")
    instance = request.getfixturevalue("instance")
    assert instance.run_retries_max_retries == 3
    for job in ("ingest_job", "index_job", "refresh_job", "quality_job", "maintenance_job"):
        definition = defs.resolve_job_def(job)
        run = instance.create_run_for_job(definition, tags=definition.run_tags)
        instance.report_run_failed(run)
        failed = instance.get_run_by_id(run.run_id)
        assert failed is not None
        assert not auto_reexecution_should_retry_run(instance, failed, None), job


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DAGSTER_POSTGRES_DB", "nothing", r'database "nothing" does not exist'),
        ("DAGSTER_POSTGRES_USER", "", r"not set in the environment: DAGSTER_POSTGRES_USER"),
    ],
)
def test_why_an_instance_cannot_be_opened_is_said_without_its_password(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    if value:
        monkeypatch.setenv(variable, value)
    else:
        monkeypatch.delenv(variable)
    with pytest.raises(ConfigurationError, match=said) as refused, open_instance(home):
        pass
    assert VARIABLES["DAGSTER_POSTGRES_PASSWORD"] not in str(refused.value)
