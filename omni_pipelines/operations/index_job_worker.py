"""The process of an index job: `python -m omni_pipelines.operations.index_job_worker ID`."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping

from omni_pipelines import progress
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.operations.index_job_records import (
    JobRecord,
    JobState,
    finished,
    process_lock,
    read_job,
    write_job,
)
from omni_pipelines.operations.maintenance import publish_if_consistent
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS
from omni_pipelines.steps.keyword_index import build_keyword_index
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.steps.vector_index import build_vector_index
from omni_pipelines.steps.writer_lock import WAITING

Build = Callable[[RunContext, str], object]
BUILDS: Mapping[str, Build] = {
    EMBEDDINGS.name: build_vector_index,
    CHUNKS.name: lambda run, _kind: build_keyword_index(run),
}
"""Table to the function that builds its index."""
_LOCK_SECONDS = 24 * 3600.0
"""How long a job waits for other writers of the home."""
_PROGRESS_SECONDS = 0.5
"""Progress is written at most this often."""
_NICE = 19


def run_job(home: Home, job: str, builds: Mapping[str, Build] = BUILDS) -> JobRecord:
    """Build the index of a job in this process. The final record."""
    with process_lock(home, job):
        record = read_job(home, job).model_copy(update={"pid": os.getpid()})
        write_job(home, record, state_changed=False)
        reporter = _Reporter(home, record)
        try:
            settings = load_settings(home).model_copy(update={"lock_seconds": _LOCK_SECONDS})
            with progress.reporting_to(reporter), writer_session(home, settings):
                reporter.update(state=JobState.RUNNING, waits_for="")
                builds[record.table](new_run(home, settings), record.kind)
                published = publish_if_consistent(home, settings, f"job {job}") if record.publishes else None
            release = published.release.release if published else None
            done = reporter.record.model_copy(update={"progress": 1.0, "release": release})
            return write_job(home, finished(done, JobState.DONE))
        except Exception as error:  # noqa: BLE001  # nothing is above this process: the record must name any error
            message = str(error) if isinstance(error, OmniError) else f"{type(error).__name__}: {error}"
            return write_job(home, finished(reporter.record, JobState.FAILED, message))


class _Reporter:
    """Writes progress to the record of a job, not more often than a person can read it."""

    def __init__(self, home: Home, record: JobRecord) -> None:
        self.record = record
        self._home, self._written, self._lock = home, 0.0, threading.Lock()

    def __call__(self, report: progress.Report) -> None:
        if report.step.startswith(WAITING):
            self.update(waits_for=report.step.removeprefix(WAITING))
        elif report.total and time.monotonic() - self._written > _PROGRESS_SECONDS:
            self._written = time.monotonic()
            self.update(progress=round(report.done / report.total, 3))

    def update(self, **fields: object) -> None:
        with self._lock:  # reports come from another thread
            changed = self.record.state != fields.get("state", self.record.state)
            self.record = write_job(self._home, self.record.model_copy(update=fields), state_changed=changed)


def main() -> None:
    """Build the index of the job named on the command line."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent process may ignore it
    os.nice(_NICE)
    record = run_job(find_home(), sys.argv[1])
    sys.exit(record.state != JobState.DONE)


if __name__ == "__main__":
    main()
