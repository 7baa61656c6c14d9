"""Background index builds: one per table; they outlive their caller, report their state and can be cancelled.

A process takes seconds to start: a test that is not about the process does the work of its job itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from native import lance_vectors
from native.lance_tables import LanceTable
from omni_pipelines import events
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.operations.index_job_records import FINAL, JobEvent, JobRecord, JobState, write_job
from omni_pipelines.operations.index_job_worker import BUILDS, run_job
from omni_pipelines.operations.index_jobs import IndexJob, create_index_background, index_jobs, update_vector_index
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.embeddings import reconcile_embeddings
from omni_pipelines.steps.vector_index import build_vector_index
from tests.integration.line import Line, Original, paragraph, write

ROOT = Path(__file__).parents[3]
WAIT_SECONDS = 120.0


def fill(line: Line, docs: Path) -> None:
    write(docs, {f"{topic}.md": paragraph(topic) for topic in ("apple", "badger")})
    line.add(docs)
    line.run()


@pytest.fixture
def published(original: Original, home: Home) -> Line:
    return original.copy(home)


def unpublished(line: Line, docs: Path) -> None:
    """Add a document with chunks and vectors that no index and no release has yet."""
    write(docs, {"new.md": paragraph("lantern")})
    line.ingest()
    reconcile_chunks(line.context)
    reconcile_embeddings(line.context)


def built(line: Line, table: str, kind: str = "", error: Exception | None = None) -> JobRecord:
    """Do the work of a job in this process; with an error it fails. The final record."""

    def fail(*_: object) -> None:
        assert error is not None
        raise error

    line.home.jobs.mkdir(exist_ok=True)
    record = JobRecord(
        id=uuid.uuid4().hex, table=table, kind=kind, state=JobState.QUEUED, created_at=datetime.now(UTC)
    )
    write_job(line.home, record)
    return run_job(line.home, record.id, {table: fail} if error else BUILDS)


def test_searches_use_the_index_that_a_job_built(published: Line, docs: Path) -> None:
    unpublished(published, docs)
    record = built(published, "chunks")
    assert (record.state, record.progress, record.error) == (JobState.DONE, 1.0, "")
    assert built(published, "embeddings").state == JobState.DONE
    assert published.search("lantern shed")[0].path == "new.md"


def test_a_few_new_vectors_are_indexed_without_a_process(published: Line, docs: Path) -> None:
    with writer_session(published.home, published.settings):
        build_vector_index(published.context, "ivf_flat")
    unpublished(published, docs)
    report = update_vector_index(published.context)
    assert (report.coverage.indexed, report.coverage.deltas) == (report.coverage.rows, 2)
    assert index_jobs(published.home) == []


def test_a_job_that_waits_says_for_whom(published: Line) -> None:
    with writer_session(published.home, published.settings):
        job = create_index_background(published.home, "chunks")
        deadline = time.monotonic() + WAIT_SECONDS
        while not job.record.waits_for and time.monotonic() < deadline:
            time.sleep(0.1)
        assert f"(process {os.getpid()}, since " in job.record.waits_for
        assert job.record.state == JobState.QUEUED
    assert job.wait(WAIT_SECONDS) == JobState.DONE
    assert job.record.waits_for == ""


def test_a_job_outlives_the_process_that_started_it(published: Line) -> None:
    code = (
        "import sys; from pathlib import Path; from omni_pipelines.home import Home\n"
        "from omni_pipelines.operations.index_jobs import create_index_background\n"
        "print(create_index_background(Home(Path(sys.argv[1])), 'embeddings').id)"
    )
    with writer_session(published.home, published.settings):  # it cannot be over before its caller is
        done = subprocess.run(
            [sys.executable, "-c", code, str(published.home.root)], capture_output=True, text=True, check=True
        )
        job = IndexJob(published.home, done.stdout.strip())
        assert job.state in (JobState.QUEUED, JobState.RUNNING)
    assert job.wait(WAIT_SECONDS) == JobState.DONE


def test_a_table_has_one_job_at_a_time_and_a_cancelled_one_changes_nothing(published: Line) -> None:
    before = published.versions()
    with writer_session(published.home, published.settings):
        first = create_index_background(published.home, "embeddings")
        assert create_index_background(published.home, "embeddings") == first
        other = create_index_background(published.home, "chunks")
        assert other != first
        assert published.search("apple shed"), "queries are answered meanwhile"
        assert {job.id for job in index_jobs(published.home)} == {first.id, other.id}
        assert first.wait(0.2) not in FINAL
        assert (first.cancel(), other.cancel()) == (JobState.CANCELLED, JobState.CANCELLED)
    assert first.cancel() == first.wait(0) == JobState.CANCELLED
    assert [event.topic for event in first.events()][-1] == "index_job/cancelled"
    assert published.versions() == before
    assert not published.run().published.new


def test_a_job_whose_process_was_killed_is_marked_failed(published: Line) -> None:
    with writer_session(published.home, published.settings):
        job = create_index_background(published.home, "embeddings")
        deadline = time.monotonic() + WAIT_SECONDS
        while not job.record.pid and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(job.record.pid, signal.SIGKILL)
        assert job.wait(WAIT_SECONDS) == JobState.FAILED
    assert job.record.error == "its process was killed"
    assert built(published, "embeddings").state == JobState.DONE


def test_a_failed_build_records_its_error(published: Line) -> None:
    record = built(published, "embeddings", error=OSError(28, "No space left on device"))
    assert (record.state, "No space left" in record.error) == (JobState.FAILED, True)
    assert IndexJob(published.home, record.id).record == record


def test_a_job_with_an_index_type_builds_an_index_of_a_small_table(published: Line) -> None:
    table = LanceTable(published.home.table("embeddings"))
    assert built(published, "embeddings").state == JobState.DONE
    assert lance_vectors.coverage(table).indexed == 0
    assert built(published, "embeddings", "ivf_flat").state == JobState.DONE
    assert lance_vectors.coverage(table).indexed == table.count()


@pytest.mark.parametrize("table", ["documents", "nothing", ""])
def test_a_table_without_an_index_is_refused(published: Line, table: str) -> None:
    with pytest.raises(ConfigurationError, match="has no index"):
        create_index_background(published.home, table)


@pytest.mark.parametrize(("table", "cure"), [("embeddings", "ivf_hnsw_sq"), ("chunks", "leave out --type")])
def test_an_unsupported_index_type_is_refused(published: Line, table: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be of type 'ivf_hnsw_pq'") as error:
        create_index_background(published.home, table, "ivf_hnsw_pq")
    assert cure in error.value.cure
    assert index_jobs(published.home) == []


def test_waiting_for_a_job_forwards_its_events(published: Line) -> None:
    job = IndexJob(published.home, built(published, "embeddings", "ivf_flat").id)
    with events.using(events.EventBus("test")) as bus, bus.subscribe("index_job/*") as heard:
        assert job.wait(WAIT_SECONDS) == JobState.DONE
    told = [event for event in heard if event.topic != "index_job/progress"]
    assert [event.topic for event in told] == ["index_job/queued", "index_job/running", "index_job/done"]
    last = events.payload_of(told[-1])
    assert isinstance(last, JobEvent)
    assert (last.job, last.release, last.progress) == (job.id, job.record.release, 1.0)
    record = list(job.events())
    assert [event.sequence for event in record] == list(range(1, len(record) + 1))
    assert lance_vectors.coverage(LanceTable(published.home.table("embeddings"))).kind == "ivf_flat"


def test_an_unknown_job_is_an_error(published: Line) -> None:
    with pytest.raises(ConfigurationError, match="omni db index jobs"):
        _ = IndexJob(published.home, "nothing").state


def test_a_job_after_others_that_ended_is_a_new_one_and_the_oldest_is_deleted(published: Line) -> None:
    oldest = built(published, "embeddings", error=OSError("any"))
    kept = built(published, "embeddings")
    job = create_index_background(published.home, "embeddings", "ivf_flat", keep=2)
    assert {each.id for each in index_jobs(published.home)} == {job.id, kept.id}
    assert not list(published.home.jobs.glob(f"{oldest.id}*"))
    assert job.wait(WAIT_SECONDS) == JobState.DONE
