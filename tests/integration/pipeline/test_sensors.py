"""The two sensors against a real home: what starts a run, what does not, and what a run's key says."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import lance
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from assets.documents import documents
from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.pipeline.staleness import Stale
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.processes import running
from omni_pipelines.settings import Settings
from omni_pipelines.sources.session import SourceSession
from omni_pipelines.steps.step_records import amend_step_record, read_step_record, reset_steps
from resources.knowledge import KnowledgeHome
from resources.runs import HOST_TAG, PID_TAG
from sensors.changes import index_sensor, source_sensor
from sensors.due_sources import interval_start
from sensors.run_requests import MAX_ATTEMPTS, WANT_TAG, request_run

if TYPE_CHECKING:
    from tests.integration.small_home import SmallHome

S = dg.DagsterRunStatus
INGEST_OF_DOCUMENTS = dg.define_asset_job("ingest_job", selection=["documents"])
ACTIVE = [S.NOT_STARTED, S.STARTING, S.STARTED, S.CANCELING]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def shown(small: SmallHome) -> SmallHome:
    """Everything is ingested, and a release shows it."""
    small.ingest()
    small.index()
    return small


def tick(
    sensor: dg.SensorDefinition, home: Home, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"knowledge": KnowledgeHome(path=str(home.root))}
    )
    found = sensor(context)
    assert isinstance(found, dg.SensorResult)
    return found


def second_tick(home: Home, instance: dg.DagsterInstance) -> dg.SensorResult:
    """Of the source sensor, which waits for a state to hold still."""
    return tick(source_sensor, home, instance, tick(source_sensor, home, instance).cursor)


def reason(result: dg.SensorResult) -> str:
    assert not result.run_requests
    skipped = result.skip_reason
    return (skipped.skip_message or "") if isinstance(skipped, dg.SkipReason) else str(skipped)


def request(result: dg.SensorResult) -> dg.RunRequest:
    (found,) = result.run_requests or []
    return found


def add_run(instance: dg.DagsterInstance, job: str, status: S, **tags: str) -> None:
    instance.add_run(dg.DagsterRun(job_name=job, run_id=str(uuid.uuid4()), status=status, tags=tags))


def add_runs_for(instance: dg.DagsterInstance, asked: dg.RunRequest, status: S, count: int = 1) -> None:
    for _ in range(count):
        add_run(instance, str(asked.job_name), status, **asked.tags)


# --- source_sensor


def test_sources_that_did_not_change_start_nothing(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    assert reason(tick(source_sensor, shown.home, instance)) == "every source is as it was ingested"


def test_a_home_without_sources_starts_nothing(home: Home, instance: dg.DagsterInstance) -> None:
    assert reason(second_tick(home, instance)) == "no source is on this machine"


def test_a_change_starts_one_run_when_it_was_seen_twice(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "# Otter\n\nA romp is a group of otters.\n")
    first = tick(source_sensor, shown.home, instance)
    assert "source notes changed; waiting until it stops changing" in reason(first)
    asked = request(tick(source_sensor, shown.home, instance, first.cursor))
    assert asked.job_name == "ingest_job"
    assert asked.run_key == f"ingest_job:{asked.tags[WANT_TAG]}:0"
    assert asked.run_config == {"ops": {"documents": {"config": {"sources": ["notes"]}}}}


def test_while_it_goes_on_changing_nothing_starts(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    cursor = None
    for text in ("one", "two ..", "three ...."):
        shown.write("otter.md", text)
        result = tick(source_sensor, shown.home, instance, cursor)
        assert "stops changing" in reason(result)
        assert result.cursor != cursor
        cursor = result.cursor


def test_several_changes_are_one_run(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "A romp.")
    shown.write("crane.md", "A crane dances.")
    (shown.notes / "heron.md").unlink()
    asked = request(second_tick(shown.home, instance))
    assert request(second_tick(shown.home, instance)).run_key == asked.run_key


@pytest.mark.parametrize("status", ACTIVE)
def test_a_run_at_work_is_waited_for(shown: SmallHome, instance: dg.DagsterInstance, status: S) -> None:
    shown.write("otter.md", "A romp.")
    add_run(instance, "ingest_job", status)
    assert "ingest_job is active" in reason(second_tick(shown.home, instance))


def test_so_is_a_run_in_the_queue(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    """Dagster's own list of runs in progress leaves it out."""
    shown.write("otter.md", "A romp.")
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("omni_pipelines"), "__repository__")
    run = dg.DagsterRun("ingest_job", status=S.QUEUED, remote_job_origin=place.get_job_origin("ingest_job"))
    instance.add_run(run)
    assert "ingest_job is active" in reason(second_tick(shown.home, instance))


@pytest.mark.parametrize("job", ["refresh_job", "__ASSET_JOB"])
def test_so_is_a_run_that_a_person_started(shown: SmallHome, instance: dg.DagsterInstance, job: str) -> None:
    shown.write("otter.md", "A romp.")
    add_run(instance, job, S.STARTED)
    assert f"{job} is active" in reason(second_tick(shown.home, instance))


def test_an_index_build_is_not_waited_for(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "A romp.")
    add_run(instance, "index_job", S.STARTED)
    assert request(second_tick(shown.home, instance)).job_name == "ingest_job"


def test_what_a_person_cancelled_is_not_started_again(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "A romp.")
    add_runs_for(instance, request(second_tick(shown.home, instance)), S.CANCELED)
    assert "a person cancelled" in reason(second_tick(shown.home, instance))
    shown.write("otter.md", "A romp, again.")  # another state, another run
    assert request(second_tick(shown.home, instance)).run_key


@pytest.mark.parametrize("failed", range(MAX_ATTEMPTS))
def test_a_failed_run_is_tried_again_under_a_new_key(
    shown: SmallHome, instance: dg.DagsterInstance, failed: int
) -> None:
    shown.write("otter.md", "A romp.")
    asked = request(second_tick(shown.home, instance))
    add_runs_for(instance, asked, S.FAILURE, failed)
    assert request(second_tick(shown.home, instance)).run_key == f"ingest_job:{asked.tags[WANT_TAG]}:{failed}"


def test_after_three_failures_the_next_run_starts_in_an_hour(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "A romp.")
    asked = request(second_tick(shown.home, instance))
    add_runs_for(instance, asked, S.FAILURE, MAX_ATTEMPTS)
    assert "3 runs for this state failed" in reason(second_tick(shown.home, instance))
    stale = Stale(asked.tags[WANT_TAG], "the sources changed")
    due = request_run(instance, shown.home, "ingest_job", stale, pause=timedelta(0))
    assert isinstance(due, dg.RunRequest)
    assert due.run_key == f"ingest_job:{stale.wanted_state}:3"


def test_a_change_starts_a_run_at_once_whatever_failed_before(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "A romp.")
    add_runs_for(instance, request(second_tick(shown.home, instance)), S.FAILURE, MAX_ATTEMPTS)
    shown.write("otter.md", "A romp of otters.")
    assert str(request(second_tick(shown.home, instance)).run_key).endswith(":0")


def test_no_run_starts_while_another_process_writes(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.write("otter.md", "A romp.")
    first = tick(source_sensor, shown.home, instance)
    with running("omni db compact"), writer_session(shown.home, Settings()):
        assert "omni db compact (process" in reason(tick(source_sensor, shown.home, instance, first.cursor))
    assert request(tick(source_sensor, shown.home, instance, first.cursor)).job_name == "ingest_job"


def test_a_run_that_only_waited_for_another_writer_is_no_attempt(
    shown: SmallHome, instance: dg.DagsterInstance
) -> None:
    shown.write("otter.md", "A romp.")
    asked = request(second_tick(shown.home, instance))
    with writer_session(shown.home, Settings()):
        for _ in range(MAX_ATTEMPTS):
            hasty = {
                "knowledge": KnowledgeHome(path=str(shown.home.root), lock_seconds=0),
                "session": SourceSession(),
            }
            job = dg.Definitions(assets=[documents], jobs=[INGEST_OF_DOCUMENTS], resources=hasty).resolve_job_def(
                "ingest_job"
            )
            assert not job.execute_in_process(instance=instance, tags=asked.tags, raise_on_error=False).success
    assert request(second_tick(shown.home, instance)).run_key == f"ingest_job:{asked.tags[WANT_TAG]}:{MAX_ATTEMPTS}"


def test_a_run_whose_process_died_holds_up_nothing(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    add_run(instance, "refresh_job", S.STARTED, **{HOST_TAG: socket.gethostname(), PID_TAG: str(process.pid)})
    shown.write("otter.md", "A romp.")
    assert request(second_tick(shown.home, instance)).job_name == "ingest_job"
    assert [record.dagster_run.status for record in instance.get_run_records()] == [S.FAILURE]


def test_a_source_that_is_gone_starts_one_run_that_records_it(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    shown.notes.rename(shown.notes.with_name("away"))
    assert request(second_tick(shown.home, instance)).run_config == {
        "ops": {"documents": {"config": {"sources": ["notes"]}}}
    }
    shown.ingest()
    assert reason(second_tick(shown.home, instance)) == "every source is as it was ingested"
    shown.notes.with_name("away").rename(shown.notes)
    assert request(second_tick(shown.home, instance)).job_name == "ingest_job"


# --- index_sensor


def test_tables_that_a_release_shows_start_nothing(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    assert reason(tick(index_sensor, shown.home, instance)) == "the newest release shows all that was ingested"


def test_an_ingest_is_followed_by_an_index_run(small: SmallHome, instance: dg.DagsterInstance) -> None:
    assert reason(tick(index_sensor, small.home, instance))  # nothing ingested, nothing to index
    small.ingest()
    asked = request(tick(index_sensor, small.home, instance))
    assert asked.job_name == "index_job"
    assert asked.run_key == f"index_job:{asked.tags[WANT_TAG]}:0"
    small.index()
    assert reason(tick(index_sensor, small.home, instance))


@pytest.mark.parametrize("job", ["ingest_job", "index_job", "refresh_job", "__ASSET_JOB"])
def test_it_waits_for_whoever_is_at_the_tables(small: SmallHome, instance: dg.DagsterInstance, job: str) -> None:
    small.ingest()
    add_run(instance, job, S.STARTED)
    assert f"{job} is active" in reason(tick(index_sensor, small.home, instance))


def test_two_ingests_are_one_index_run_for_the_newest_state(shown: SmallHome, instance: dg.DagsterInstance) -> None:
    wanted = []
    for text in ("A romp.", "A raft."):
        shown.write("otter.md", text)
        shown.ingest()
        wanted.append(request(tick(index_sensor, shown.home, instance)).tags[WANT_TAG])
    assert wanted[0] != wanted[1]
    add_run(instance, "index_job", S.SUCCESS, **{WANT_TAG: wanted[0]})
    assert request(tick(index_sensor, shown.home, instance)).run_key == f"index_job:{wanted[1]}:0"


def test_a_table_that_was_made_anew_is_due_at_the_same_version_number(
    shown: SmallHome, instance: dg.DagsterInstance
) -> None:
    before = LanceTable(shown.home.table("chunks")).head()
    shutil.rmtree(shown.home.tables)
    reset_steps(shown.home)
    shown.ingest()
    after = LanceTable(shown.home.table("chunks")).head()
    assert (after.version, after.uuid == before.uuid) == (before.version, False)
    assert request(tick(index_sensor, shown.home, instance)).job_name == "index_job"


def test_a_run_that_failed_after_it_moved_a_table_wants_the_same_state(
    small: SmallHome, instance: dg.DagsterInstance
) -> None:
    small.ingest()
    asked = request(tick(index_sensor, small.home, instance))
    lance.dataset(str(small.home.table("embeddings"))).create_scalar_index(
        "chunk_id", "BTREE"
    )  # as an index build does
    add_runs_for(instance, asked, S.FAILURE)
    assert request(tick(index_sensor, small.home, instance)).tags == asked.tags
    add_runs_for(instance, asked, S.CANCELED)
    assert "a person cancelled" in reason(tick(index_sensor, small.home, instance))


def test_other_golden_questions_are_another_state(small: SmallHome, instance: dg.DagsterInstance) -> None:
    small.ingest()
    asked = request(tick(index_sensor, small.home, instance))
    add_runs_for(instance, asked, S.FAILURE, MAX_ATTEMPTS)
    small.home.golden.parent.mkdir(parents=True, exist_ok=True)
    small.home.golden.write_text('{"question": "q"}\n')
    assert request(tick(index_sensor, small.home, instance)).tags != asked.tags


def test_failed_index_runs_count_as_well(small: SmallHome, instance: dg.DagsterInstance) -> None:
    small.ingest()
    asked = request(tick(index_sensor, small.home, instance))
    add_runs_for(instance, asked, S.FAILURE, MAX_ATTEMPTS)
    assert "failed" in reason(tick(index_sensor, small.home, instance))


# --- sources with an interval of their own


@pytest.mark.parametrize(
    ("every", "now", "start"),
    [
        ("15m", "10:29", "10:15"),
        ("15m", "10:30", "10:30"),
        ("6h", "10:29", "06:00"),
        ("1d", "10:29", "00:00"),
        ("0 6 * * *", "10:29", "06:00"),
        ("*/20 * * * *", "10:40", "10:40"),
    ],
)
def test_interval_starts_at_a_fixed_time(every: str, now: str, start: str) -> None:
    def today(time: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-02T{time}:00+00:00")

    assert interval_start(every, today(now)) == today(start)


def test_source_with_an_interval_is_read_when_it_is_due_and_once(
    shown: SmallHome, instance: dg.DagsterInstance
) -> None:
    shown.home.config.write_text('[sources.notes]\nevery = "1h"\n')
    shown.write("otter.md", "# Otter\n\nA romp is a group of otters.\n")
    assert reason(second_tick(shown.home, instance)) == "no source is on this machine"  # not due: just ingested
    see_notes_at(shown.home, datetime.now(UTC) - timedelta(hours=2))
    asked = request(tick(source_sensor, shown.home, instance))
    assert asked.run_config == {"ops": {"documents": {"config": {"sources": ["notes"]}}}}
    add_runs_for(instance, asked, S.SUCCESS)  # it did not find the source
    assert reason(second_tick(shown.home, instance)) == "no source is on this machine"


def test_source_whose_reading_failed_is_tried_again_with_a_new_key(
    shown: SmallHome, instance: dg.DagsterInstance
) -> None:
    shown.home.config.write_text('[sources.notes]\nevery = "1h"\n')
    see_notes_at(shown.home, datetime.now(UTC) - timedelta(hours=2))
    asked = request(tick(source_sensor, shown.home, instance))
    add_runs_for(instance, asked, S.FAILURE)
    again = request(tick(source_sensor, shown.home, instance))
    assert (again.tags, again.run_key != asked.run_key) == (asked.tags, True)


def see_notes_at(home: Home, moment: datetime) -> None:
    record = read_step_record(home, "documents")
    assert record is not None
    amend_step_record(home, record, seen={"notes": moment})
