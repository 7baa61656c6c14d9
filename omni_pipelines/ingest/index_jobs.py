"""Indexes built in the background: a job of its own process, at low priority, that survives whoever asked for it.

A job is a file, `<home>/jobs/<id>.json`. Its process holds a lock beside it for as long as it lives, which the system
gives back however it ends: a job that says "running" and holds no lock has died, and is told so.
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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import filelock
from pydantic import ValidationError

from native.durable import write_whole
from omni_pipelines import progress
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.ingest.indexes import build_keyword_index, build_vector_index
from omni_pipelines.ingest.maintenance import publish_if_whole
from omni_pipelines.ingest.writing import writing
from omni_pipelines.records import Record
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS
from omni_pipelines.settings import Home, child_environment, load_settings

BUILDS: dict[str, Callable[[Home], object]] = {
    EMBEDDINGS.name: build_vector_index,
    CHUNKS.name: build_keyword_index,
}
"""Table to what builds its index."""
KEPT_JOBS = 20
_STARTING_SECONDS = 60.0
"""A process that has not taken its lock by then never will."""
_WRITER_SECONDS = 24 * 3600.0
"""How long a job waits for other writers of the home."""
_POLL_SECONDS, _TOLD_SECONDS = 0.05, 0.5
_NICE = 19


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
        """Wait until it is over, or for `timeout` seconds. The state then."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (state := self.state) not in FINAL and (deadline is None or time.monotonic() < deadline):
            time.sleep(_POLL_SECONDS)
        return state

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


def create_index_background(home: Home, table: str) -> IndexJob:
    """Start building the index of `embeddings` or `chunks`; the job of this table that is not over, if there is one.

    Raises:
        ConfigurationError: the table has no index.
    """
    home.check()
    if table not in BUILDS:
        raise ConfigurationError(
            f"table {table!r} has no index", cure=f"tables with one: {', '.join(sorted(BUILDS))}"
        )
    home.jobs.mkdir(exist_ok=True)
    with filelock.FileLock(home.jobs / "LOCK"):
        for job in index_jobs(home):
            if (record := job.record).table == table and record.state not in FINAL:
                return job
        record = JobRecord(id=uuid.uuid4().hex[:12], table=table, state=JobState.QUEUED, created_at=datetime.now(UTC))
        _write(home, record)
        _drop_old(home)
    _start(home, record.id)
    return IndexJob(home, record.id)


def index_jobs(home: Home) -> list[IndexJob]:
    """All kept jobs, newest first."""
    found = sorted(home.jobs.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [IndexJob(home, path.stem) for path in found]


def _start(home: Home, job: str) -> None:
    with (home.jobs / f"{job}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "omni_pipelines.ingest.index_jobs", job],
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
        _write(home, record)
        teller = _Teller(home, record)
        try:
            settings = load_settings(home).model_copy(update={"lock_seconds": _WRITER_SECONDS})
            with progress.listening(teller), writing(home, settings):
                teller.set(state=JobState.RUNNING)
                BUILDS[record.table](home)
                published = publish_if_whole(home, settings, f"job {job}")
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
        self._home, self._told = home, 0.0

    def __call__(self, report: progress.Report) -> None:
        if report.total and time.monotonic() - self._told > _TOLD_SECONDS:
            self._told = time.monotonic()
            self.set(progress=round(report.done / report.total, 3))

    def set(self, **fields: object) -> None:
        self.record = _write(self._home, self.record.model_copy(update=fields))


def _finished(record: JobRecord, state: JobState, error: str = "") -> JobRecord:
    return record.model_copy(update={"state": state, "error": error, "finished_at": datetime.now(UTC)})


def _write(home: Home, record: JobRecord) -> JobRecord:
    write_whole(_file(home, record.id), record.model_dump_json(indent=2).encode())
    return record


def _file(home: Home, job: str) -> Path:
    return home.jobs / f"{job}.json"


def _alive(home: Home, job: str, timeout: float = -1) -> filelock.BaseFileLock:
    return filelock.FileLock(home.jobs / f"{job}.lock", timeout=timeout)


def _drop_old(home: Home) -> None:
    """Called under the lock: the oldest jobs that are over go."""
    for job in index_jobs(home)[KEPT_JOBS:]:
        if job.state in FINAL:
            for suffix in (".json", ".log", ".lock"):
                _file(home, job.id).with_suffix(suffix).unlink(missing_ok=True)


def main() -> None:
    """The process of a job: `python -m omni_pipelines.ingest.index_jobs ID`."""
    from omni_pipelines.settings import find_home

    os.nice(_NICE)
    record = run_job(find_home(), sys.argv[1])
    sys.exit(record.state != JobState.DONE)


if __name__ == "__main__":
    main()
