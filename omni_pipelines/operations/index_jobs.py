"""Index jobs: indexes built in the background by a process of their own, which survives the caller.

Whoever waits for a job receives its events on the event bus of its own process.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import filelock

from native import lance_vectors
from native.lance_tables import LanceTable
from omni_pipelines import events
from omni_pipelines.configuration import child_environment
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from omni_pipelines.operations.index_job_records import (
    FINAL,
    JobRecord,
    JobState,
    events_file,
    finished,
    job_file,
    process_lock,
    read_job,
    write_job,
)
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import Event
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.vector_index import VectorsReport, build_vector_index

INDEXED = (CHUNKS.name, EMBEDDINGS.name)
"""Tables that have an index."""
KEPT_JOBS = 20
_START_SECONDS = 60.0
"""A process that has not taken its lock by then never will."""
_POLL_SECONDS = 0.05
_START_AGAIN = "start it again: omni db index create"


@dataclass(frozen=True)
class IndexJob:
    """A job, as its callers see it. Everything is read from its file."""

    home: Home
    id: str

    @property
    def record(self) -> JobRecord:
        """The current record.

        Raises:
            ConfigurationError: there is no such job, or its file is damaged.
        """
        try:
            record = read_job(self.home, self.id)
        except OSError as error:
            raise ConfigurationError(
                f"there is no job {self.id}", cure="list the jobs: omni db index jobs"
            ) from error
        except ValueError as error:
            raise ConfigurationError(f"{job_file(self.home, self.id)} is damaged", cure="delete it") from error
        return record if record.state in FINAL or self._is_alive(record) else self._mark_dead()

    @property
    def state(self) -> JobState:
        """queued, running, done, failed or cancelled."""
        return self.record.state

    def wait(self, timeout: float | None = None) -> JobState:
        """Wait until the job has ended, or for `timeout` seconds, and forward its events to the current bus."""
        for event in self.events(timeout):
            if (bus := events.current_bus()) is not None:
                bus.forward(event)
        return self.state

    def events(self, timeout: float | None = 0.0) -> Iterator[Event]:
        """All events so far; then new ones until the job has ended, or for `timeout` seconds."""
        tail = events.Tail(events_file(self.home, self.id))
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            is_over = self.state in FINAL or (deadline is not None and time.monotonic() >= deadline)
            yield from tail.read()
            if is_over:
                return
            time.sleep(_POLL_SECONDS)

    def cancel(self) -> JobState:
        """Stop the job and drop what it had not committed. A job that has ended keeps its state."""
        while (record := self.record).state not in FINAL:
            if record.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, signal.SIGTERM)
                with process_lock(self.home, self.id):  # until the process has ended
                    last = read_job(self.home, self.id)
                    if last.state not in FINAL:
                        write_job(self.home, finished(last, JobState.CANCELLED))
            else:
                time.sleep(_POLL_SECONDS)  # the process is starting: there is nothing to stop yet
        return record.state

    def _is_alive(self, record: JobRecord) -> bool:
        if not record.pid and (datetime.now(UTC) - record.created_at).total_seconds() < _START_SECONDS:
            return True
        try:
            with process_lock(self.home, self.id, timeout=0):
                return False
        except filelock.Timeout:
            return True

    def _mark_dead(self) -> JobRecord:
        """The process holds no lock: it has ended meanwhile, or was killed."""
        with process_lock(self.home, self.id):
            last = read_job(self.home, self.id)
            if last.state not in FINAL:
                last = write_job(self.home, finished(last, JobState.FAILED, "its process was killed"))
        return last


def create_index_background(
    home: Home, table: str, kind: str = "", *, publishes: bool = True, run_id: str = "", keep: int = KEPT_JOBS
) -> IndexJob:
    """Start building the index of `embeddings` or `chunks`. A job of this table that has not ended is returned.

    Args:
        home: the knowledge base.
        table: whose index.
        kind: a key of `lance_vectors.CANDIDATES_PER_ROW`; empty for the existing type of index, or the default.
        publishes: whether the job publishes what it built.
        run_id: the Dagster run that requests the job.
        keep: jobs that are kept; the oldest ones that have ended are deleted.

    Raises:
        ConfigurationError: the table has no index, or not of this type.
    """
    home.check()
    _check(table, kind)
    home.jobs.mkdir(exist_ok=True)
    with filelock.FileLock(home.jobs / "LOCK"):
        for job in index_jobs(home):
            if (record := job.record).table == table and record.state not in FINAL:
                return job
        record = JobRecord(
            id=uuid.uuid4().hex[:12],
            table=table,
            state=JobState.QUEUED,
            created_at=datetime.now(UTC),
            kind=kind,
            publishes=publishes,
            run_id=run_id,
        )
        write_job(home, record)
        _delete_oldest(home, keep)
    _start(home, record.id)
    return IndexJob(home, record.id)


def _check(table: str, kind: str) -> None:
    if table not in INDEXED:
        raise ConfigurationError(f"table {table!r} has no index", cure=f"tables with an index: {', '.join(INDEXED)}")
    kinds = lance_vectors.CANDIDATES_PER_ROW if table == EMBEDDINGS.name else ()
    if kind and kind not in kinds:
        cure = f"types: {', '.join(kinds)}" if kinds else "leave out --type: the keyword index has only one type"
        raise ConfigurationError(f"the index of {table} cannot be of type {kind!r}", cure=cure)


def update_vector_index(run: RunContext) -> VectorsReport:
    """Bring the vector index up to date: in this process if there is little to build, otherwise as a job.

    A job has a process of its own: when the run is terminated, the build ends with it, whatever the engine is doing.

    Raises:
        OmniError: the job failed, or somebody cancelled it.
    """
    home, embeddings = run.home, LanceTable(run.home.table(EMBEDDINGS.name))
    coverage = lance_vectors.coverage(embeddings) if embeddings.exists() else None
    if coverage is None or coverage.complete or coverage.lacks_little:
        with writer_session(home, run.settings):
            return build_vector_index(run)
    job = create_index_background(home, EMBEDDINGS.name, publishes=False, run_id=run.run_id)
    ended = False
    try:
        job.wait()
        ended = True
    finally:
        if not ended and job.record.run_id == run.run_id:  # the run was terminated
            job.cancel()
    if (record := job.record).state != JobState.DONE:
        what = f"index job {record.id} {record.state}: {record.error or 'it was cancelled'}"
        raise OmniError(what, cure=_START_AGAIN)
    return VectorsReport(lance_vectors.coverage(embeddings), str(embeddings.head()))


def index_jobs(home: Home) -> list[IndexJob]:
    """All kept jobs, newest first."""
    files = sorted(home.jobs.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [IndexJob(home, path.stem) for path in files]


def _start(home: Home, job: str) -> None:
    with (home.jobs / f"{job}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "omni_pipelines.operations.index_job_worker", job],
            env=child_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a closed terminal or Ctrl+C ends the caller, but not the job
        )
    threading.Thread(target=process.wait, daemon=True).start()  # otherwise it would stay a zombie of its caller


def _delete_oldest(home: Home, keep: int) -> None:
    """Delete the oldest jobs that have ended. Hold the jobs' lock."""
    for job in index_jobs(home)[keep:]:
        if job.state in FINAL:
            for suffix in (".json", ".log", ".lock", ".events.jsonl"):
                job_file(home, job.id).with_suffix(suffix).unlink(missing_ok=True)
