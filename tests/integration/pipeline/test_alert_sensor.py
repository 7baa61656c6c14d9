"""The alert sensor: failed jobs and checks of an instance become messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import dagster as dg
import pytest

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


def test_run_that_somebody_starts_from_the_page_is_told_to_nobody(home: Home, instance: dg.DagsterInstance) -> None:
    end_run(instance, "__ASSET_JOB", S.FAILURE)
    assert tick(home, instance) == "nothing changed since the last message"
