"""The record of an index job: its state, progress and error in `<home>/jobs/<id>.json`, its events beside it.

The process of a job holds a lock beside the record while it lives, which the system releases however it ends:
a job that is marked running while its lock is free has died, and is then marked failed.
"""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import filelock

from native.durable import write_whole
from omni_pipelines import events
from omni_pipelines.home import Home
from omni_pipelines.records import Event, Record, opened, sealed


class JobState(StrEnum):
    """The state of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class JobRecord(Record):
    """A job as its file describes it."""

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
    """The release that contains the index; None while an ingest was half done."""
    kind: str = ""
    """The requested type of index; empty for the existing type, or the default."""
    publishes: bool = True
    """Whether the job publishes what it built; in a Dagster run another step does."""
    run_id: str = ""
    """The Dagster run that requested the job."""
    waits_for: str = ""
    """Who writes to the home meanwhile, and how far that process is; "" while the job does not wait."""


class JobEvent(events.Payload, topics=tuple(f"index_job/{each}" for each in (*JobState, "progress"))):
    """A change of a job: of its state, or of its progress."""

    job: str
    table: str
    state: JobState
    progress: float = 0.0
    error: str = ""
    release: int | None = None
    waits_for: str = ""
    told: bool = True
    """Whether the state changed; otherwise only the progress did."""

    @property
    def topic(self) -> str:
        """`index_job/STATE` for a new state, `index_job/progress` in between."""
        return f"index_job/{self.state if self.told else 'progress'}"


def read_job(home: Home, job: str) -> JobRecord:
    """The record of a job, as its file describes it.

    Raises:
        OSError, ValueError: there is no such job, or its file is damaged.
    """
    return opened(job_file(home, job).read_bytes(), JobRecord)


def write_job(home: Home, record: JobRecord, *, state_changed: bool = True) -> JobRecord:
    """Append an event, then write the record: who sees that a job has ended can already read all of its events."""
    fields = record.model_dump(include={"table", "state", "progress", "error", "release", "waits_for"})
    payload = JobEvent(job=record.id, told=state_changed, **fields)
    path = events_file(home, record.id)
    number = len(path.read_bytes().splitlines()) if path.exists() else 0
    event = Event(
        source="index_job",
        topic=payload.topic,
        payload=payload.model_dump(mode="json"),
        sequence=number + 1,
        run_id=record.run_id or record.id,
        span_id=record.id,
    )
    events.append(path, event)
    write_whole(job_file(home, record.id), sealed(record))
    return record


def finished(record: JobRecord, state: JobState, error: str = "") -> JobRecord:
    """The record of a job that has ended."""
    return record.model_copy(update={"state": state, "error": error, "finished_at": datetime.now(UTC)})


def events_file(home: Home, job: str) -> Path:
    """Where the events of a job are written, one JSON document per line."""
    return home.jobs / f"{job}.events.jsonl"


def job_file(home: Home, job: str) -> Path:
    """Where the record of a job is."""
    return home.jobs / f"{job}.json"


def process_lock(home: Home, job: str, timeout: float = -1) -> filelock.BaseFileLock:
    """The lock that the process of a job holds while it lives; -1 waits without end."""
    return filelock.FileLock(home.jobs / f"{job}.lock", timeout=timeout)
