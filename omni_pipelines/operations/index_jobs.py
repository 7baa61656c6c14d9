"""Indexes built in the background: a job of its own process, at low priority, that survives whoever asked for it.

A job is a file, `<home>/jobs/<id>.json`. Its process holds a lock beside it for as long as it lives, which the system
gives back however it ends: a job that says "running" and holds no lock has died, and is told so. What becomes of it
is told as events, too, in `<home>/jobs/<id>.events.jsonl`: who waits for a job hears them on the bus of its process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import filelock
from pydantic import ValidationError

from native import lance_vectors
from native.durable import write_whole
from native.lance_tables import LanceTable
from omni_pipelines import events, progress
from omni_pipelines.configuration import child_environment, load_settings
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from omni_pipelines.operations.maintenance import publish_if_consistent
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import Event, Record
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS
from omni_pipelines.steps.keyword_index import build_keyword_index
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.steps.vector_index import VectorsReport, build_vector_index

BUILDS: dict[str, Callable[[RunContext, str], object]] = {
    EMBEDDINGS.name: build_vector_index,
    CHUNKS.name: lambda run, _kind: build_keyword_index(run),
}
"""Table to what builds its index."""
KEPT_JOBS = 20
_STARTING_SECONDS = 60.0
"""A process that has not taken its lock by then never will."""
_WRITER_SECONDS = 24 * 3600.0
"""How long a job waits for other writers of the home."""
_POLL_SECONDS, _TOLD_SECONDS = 0.05, 0.5
_NICE = 19
_AGAIN = "start it again: omni db index create"


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class JobRecord(Record):
    """A job as it stands in its file."""

    id: str
    table: str
    state: JobState
    progress: float = 0.0
    """From 0 to 1, of rows."""
    error: str = ""
    pid: int = 0
    created_at: datetime
    finished_at: datetime | None = None
    release: int | None = None
    """The release that shows what was built; none where the line was half done."""
    kind: str = ""
    """The kind of index that was asked for; "" for the one there is, or the default."""
    publishes: bool = True
    """Whether it publishes what it built; in a Dagster run other steps do."""
    run_id: str = ""
    """The Dagster run that asked for it."""


class JobEvent(events.Payload, topics=tuple(f"index_job/{each}" for each in (*JobState, "progress"))):
    """What became of a job: a new state, or progress."""

    job: str
    table: str
    state: JobState
    progress: float = 0.0
    error: str = ""
    release: int | None = None
    told: bool = True
    """Whether the state is news; else the progress is."""

    @property
    def topic(self) -> str:
        """By state: `index_job/running`; `index_job/progress` in between."""
        return f"index_job/{self.state if self.told else 'progress'}"


@dataclass(frozen=True)
class IndexJob:
    """A job, by whoever asked for it or looks at it later. Everything is read from its file."""

    home: Home
    id: str

    @property
    def record(self) -> JobRecord:
        """How it stands now.

        Raises:
            ConfigurationError: there is no such job.
        """
        try:
            found = JobRecord.model_validate_json(_file(self.home, self.id).read_bytes())
        except (OSError, ValidationError) as error:
            raise ConfigurationError(f"there is no job {self.id}", cure="see: omni db index jobs") from error
        return found if found.state in FINAL or self._lives(found) else self._died()

    @property
    def state(self) -> JobState:
        """queued, running, done, failed or cancelled."""
        return self.record.state

    def wait(self, timeout: float | None = None) -> JobState:
        """Wait until it is over, or for `timeout` seconds. The state then.

        What it tells meanwhile, and told before, is told on the bus of whoever waits.
        """
        for event in self.events(timeout):
            if (bus := events.current_bus()) is not None:
                bus.forward(event)
        return self.state

    def events(self, timeout: float | None = 0.0) -> Iterator[Event]:
        """All that it told so far; then, until it is over or for `timeout` seconds, what it tells."""
        tail = events.Tail(_events(self.home, self.id))
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            over = self.state in FINAL or (deadline is not None and time.monotonic() >= deadline)
            yield from tail.read()
            if over:
                return
            time.sleep(_POLL_SECONDS)

    def cancel(self) -> JobState:
        """Stop it. What it had not committed is dropped; a job that was over stays what it was."""
        while (record := self.record).state not in FINAL:
            if record.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, signal.SIGTERM)
                with _alive(self.home, self.id):  # until it has let go
                    last = JobRecord.model_validate_json(_file(self.home, self.id).read_bytes())
                    if last.state not in FINAL:
                        _write(self.home, _finished(last, JobState.CANCELLED))
            else:
                time.sleep(_POLL_SECONDS)  # it is just starting: there is nothing to stop yet
        return record.state

    def _lives(self, record: JobRecord) -> bool:
        if not record.pid and (datetime.now(UTC) - record.created_at).total_seconds() < _STARTING_SECONDS:
            return True
        try:
            with _alive(self.home, self.id, timeout=0):
                return False
        except filelock.Timeout:
            return True

    def _died(self) -> JobRecord:
        """Its process holds no lock: it is over, or was killed."""
        with _alive(self.home, self.id):
            last = JobRecord.model_validate_json(_file(self.home, self.id).read_bytes())
            if last.state not in FINAL:
                last = _finished(last, JobState.FAILED, "its process was killed")
                _write(self.home, last)
        return last


def create_index_background(
    home: Home, table: str, kind: str = "", *, publishes: bool = True, run_id: str = ""
) -> IndexJob:
    """Start building the index of `embeddings` or `chunks`; the job of this table that is not over, if there is one.

    Args:
        home: where.
        table: whose index.
        kind: a key of `lance_vectors.REFINES`; "" for the kind there is, or the default.
        publishes: whether it publishes what it built.
        run_id: the Dagster run that asks for it.

    Raises:
        ConfigurationError: the table has no index, or not of this kind.
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
        _write(home, record)
        _drop_old(home)
    _start(home, record.id)
    return IndexJob(home, record.id)


def _check(table: str, kind: str) -> None:
    if table not in BUILDS:
        raise ConfigurationError(
            f"table {table!r} has no index", cure=f"tables with one: {', '.join(sorted(BUILDS))}"
        )
    kinds = lance_vectors.REFINES if table == EMBEDDINGS.name else ()
    if kind and kind not in kinds:
        cure = f"types: {', '.join(kinds)}" if kinds else "leave --type out: words have one type of index"
        raise ConfigurationError(f"the index of {table} cannot be of type {kind!r}", cure=cure)


def update_vector_index(run: RunContext) -> VectorsReport:
    """Bring the vector index up to date: in this process if there is nothing to build, otherwise as a job.

    A job has a process of its own: when the run is terminated, the build ends with it, whatever the engine is doing.

    Raises:
        OmniError: the job failed, or somebody cancelled it.
    """
    home, embeddings = run.home, LanceTable(run.home.table(EMBEDDINGS.name))
    if not embeddings.exists() or lance_vectors.coverage(embeddings).complete:
        with writer_session(home, run.settings):
            return build_vector_index(run)
    job = create_index_background(home, EMBEDDINGS.name, publishes=False, run_id=run.run_id)
    try:
        job.wait()
    except BaseException:  # Dagster terminates a run by raising something that is no Exception
        if job.record.run_id == run.run_id:
            job.cancel()
        raise
    if (record := job.record).state != JobState.DONE:
        raise OmniError(f"index job {record.id} {record.state}: {record.error or 'it was cancelled'}", cure=_AGAIN)
    return VectorsReport(lance_vectors.coverage(embeddings), str(embeddings.head()))


def index_jobs(home: Home) -> list[IndexJob]:
    """All kept jobs, newest first."""
    found = sorted(home.jobs.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [IndexJob(home, path.stem) for path in found]


def _start(home: Home, job: str) -> None:
    with (home.jobs / f"{job}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "omni_pipelines.operations.index_jobs", job],
            env=child_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a closed terminal or Ctrl+C ends the caller and not the job
        )
    threading.Thread(target=process.wait, daemon=True).start()  # or it would stay a zombie of a long-lived caller


def run_job(home: Home, job: str) -> JobRecord:
    """Do the work, in this process."""
    with _alive(home, job):
        record = JobRecord.model_validate_json(_file(home, job).read_bytes())
        record = record.model_copy(update={"pid": os.getpid()})
        _write(home, record, told=False)
        teller = _Teller(home, record)
        try:
            settings = load_settings(home).model_copy(update={"lock_seconds": _WRITER_SECONDS})
            with progress.listening(teller), writer_session(home, settings):
                teller.set(state=JobState.RUNNING)
                BUILDS[record.table](new_run(home, settings), record.kind)
                published = publish_if_consistent(home, settings, f"job {job}") if record.publishes else None
            release = published.release.release if published else None
            done = teller.record.model_copy(update={"progress": 1.0, "release": release})
            return _write(home, _finished(done, JobState.DONE))
        except Exception as error:  # noqa: BLE001  # nobody stands above: what happened goes into the record
            told = f"{type(error).__name__}: {error}" if not isinstance(error, OmniError) else str(error)
            return _write(home, _finished(teller.record, JobState.FAILED, told))


class _Teller:
    """Writes progress to the job's file, not more often than a person can read it."""

    def __init__(self, home: Home, record: JobRecord) -> None:
        self.record = record
        self._home, self._told, self._lock = home, 0.0, threading.Lock()

    def __call__(self, report: progress.Report) -> None:
        if report.total and time.monotonic() - self._told > _TOLD_SECONDS:
            self._told = time.monotonic()
            self.set(progress=round(report.done / report.total, 3))

    def set(self, **fields: object) -> None:
        with self._lock:  # reports come from the thread that listens
            told = self.record.state != fields.get("state", self.record.state)
            self.record = _write(self._home, self.record.model_copy(update=fields), told=told)


def _finished(record: JobRecord, state: JobState, error: str = "") -> JobRecord:
    return record.model_copy(update={"state": state, "error": error, "finished_at": datetime.now(UTC)})


def _write(home: Home, record: JobRecord, *, told: bool = True) -> JobRecord:
    """Write how it stands, and tell it; `told` where the state is news, and not only the progress."""
    said = record.model_dump(include={"table", "state", "progress", "error", "release"})
    payload = JobEvent(job=record.id, told=told, **said)
    path = _events(home, record.id)
    number = len(path.read_bytes().splitlines()) if path.exists() else 0
    event = Event(
        source="index_job",
        topic=payload.topic,
        payload=payload.model_dump(mode="json"),
        sequence=number + 1,
        run_id=record.run_id or record.id,
        span_id=record.id,
    )
    events.append(path, event)  # before the state: who sees that it is over has heard everything
    write_whole(_file(home, record.id), record.model_dump_json(indent=2).encode())
    return record


def _events(home: Home, job: str) -> Path:
    return home.jobs / f"{job}.events.jsonl"


def _file(home: Home, job: str) -> Path:
    return home.jobs / f"{job}.json"


def _alive(home: Home, job: str, timeout: float = -1) -> filelock.BaseFileLock:
    return filelock.FileLock(home.jobs / f"{job}.lock", timeout=timeout)


def _drop_old(home: Home) -> None:
    """Called under the lock: the oldest jobs that are over go."""
    for job in index_jobs(home)[KEPT_JOBS:]:
        if job.state in FINAL:
            for suffix in (".json", ".log", ".lock", ".events.jsonl"):
                _file(home, job.id).with_suffix(suffix).unlink(missing_ok=True)


def main() -> None:
    """The process of a job: `python -m omni_pipelines.operations.index_jobs ID`."""
    from omni_pipelines.configuration import find_home

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever started it may ignore it
    os.nice(_NICE)
    record = run_job(find_home(), sys.argv[1])
    sys.exit(record.state != JobState.DONE)


if __name__ == "__main__":
    main()
