"""The alert sensor: failed jobs and checks of an instance become messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import dagster as dg
import pytest

from omni_pipelines.configuration import trust_settings
from omni_pipelines.definitions import defs
from omni_pipelines.home import Home
from omni_pipelines.operations.alerts import read_ledger
from resources.knowledge import KnowledgeHome
from sensors.alerts import alert_sensor

S = dg.DagsterRunStatus


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(home: Home, instance: dg.DagsterInstance) -> str:
    context = dg.build_sensor_context(
        instance=instance,
        resources={"knowledge": KnowledgeHome(path=str(home.root))},
        repository_def=defs.get_repository_def(),
    )
    result = alert_sensor(context)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def end_run(instance: dg.DagsterInstance, job: str, status: S) -> None:
    instance.add_run(dg.DagsterRun(job_name=job, run_id=str(uuid.uuid4()), status=status))


def make_check(instance: dg.DagsterInstance, name: str, *, passed: bool, is_error: bool = True) -> None:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey("release" if name == "freshness" else "chunks"),
        check_name=name,
        passed=passed,
        metadata={},
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description="as was found",
    )
    instance.report_runless_asset_event(evaluation)


def test_quiet_instance_sends_nothing(home: Home, instance: dg.DagsterInstance) -> None:
    assert tick(home, instance) == "nothing changed since the last message"
    assert not home.alerts.exists()


def test_failed_job_opens_an_alert_that_its_next_success_closes(home: Home, instance: dg.DagsterInstance) -> None:
    end_run(instance, "index_job", S.FAILURE)
    assert tick(home, instance).startswith("[ERROR] index_job failed: run ")
    end_run(instance, "index_job", S.CANCELED)
    end_run(instance, "ingest_job", S.SUCCESS)
    assert tick(home, instance) == "nothing changed since the last message"
    end_run(instance, "index_job", S.SUCCESS)
    assert tick(home, instance) == "[over] index_job failed"


def test_check_that_fails_or_warns_opens_an_alert_until_it_passes(home: Home, instance: dg.DagsterInstance) -> None:
    make_check(instance, "schema", passed=False)
    make_check(instance, "freshness", passed=False, is_error=False)
    said = tick(home, instance)
    assert "[ERROR] check schema of chunks failed: as was found" in said
    assert "[WARN] check freshness of release warns: as was found" in said
    assert set(read_ledger(home).open) == {"check:chunks.schema", "check:release.freshness"}
    make_check(instance, "schema", passed=True)
    assert tick(home, instance) == "[over] check schema of chunks failed"


@pytest.mark.parametrize(
    ("settings", "page"),
    [
        ("", "http://127.0.0.1:3210"),
        ('[alerts]\npage = "https://dagster.example.org/"\n', "https://dagster.example.org"),
    ],
    ids=["omni dev", "a proxy"],
)
def test_alert_links_to_the_run_or_check_on_the_page(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, settings: str, page: str
) -> None:
    home.dagster.mkdir(exist_ok=True)
    home.served_port.write_text('{"port": 3210}')
    home.config.write_text(settings)
    trust_settings(home)
    end_run(instance, "index_job", S.FAILURE)
    make_check(instance, "schema", passed=False)
    tick(home, instance)
    (run,) = instance.get_runs()
    assert {key: alert.link for key, alert in read_ledger(home).open.items()} == {
        "run:index_job": f"{page}/runs/{run.run_id}",
        "check:chunks.schema": f"{page}/assets/chunks?view=checks&checkDetail=schema",
    }


def test_run_that_somebody_starts_from_the_page_is_told_to_nobody(home: Home, instance: dg.DagsterInstance) -> None:
    end_run(instance, "__ASSET_JOB", S.FAILURE)
    assert tick(home, instance) == "nothing changed since the last message"
