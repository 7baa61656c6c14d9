"""The knowledge base a run works on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:  # every process of the code location imports this module; few of them open the home
    from omni_pipelines.home import Home
    from omni_pipelines.progress import Report
    from omni_pipelines.records import Event
    from omni_pipelines.settings import Settings
    from omni_pipelines.sources.session import SourceSession
    from omni_pipelines.steps.step import RunContext

LOG_SECONDS = 10.0
"""Progress of a step is logged at most this often; its end always is."""


class KnowledgeHome(dg.ConfigurableResource):
    """Where the knowledge base lives, its settings, and its writer session."""

    path: str = ""
    """The home folder; empty for OMNI_HOME, or the nearest .omni folder."""
    lock_seconds: float | None = None
    """Maximum time to wait for another writer in seconds; empty for the setting `lock_seconds`."""

    @property
    def home(self) -> Home:
        """The home."""
        from omni_pipelines.configuration import find_home

        return find_home(Path(self.path) if self.path else None)

    @property
    def settings(self) -> Settings:
        """Settings of the home."""
        from omni_pipelines.configuration import load_settings

        settings = load_settings(self.home)
        wait = settings.lock_seconds if self.lock_seconds is None else self.lock_seconds
        return settings.model_copy(update={"lock_seconds": wait})

    def run(
        self,
        run_id: str = "",
        *,
        sources: Sequence[str] = (),
        allow_delete: bool = False,
        session: SourceSession | None = None,
    ) -> RunContext:
        """What the steps of a run work with. Engines are loaded when a step first uses them."""
        from omni_pipelines.publishing.early_releases import EarlyReleases
        from omni_pipelines.steps.step_table import new_run

        run = new_run(self.home, self.settings, run_id=run_id, sources=tuple(sources), allow_delete=allow_delete)
        run = replace(run, after_batch=EarlyReleases())
        return run if session is None else replace(run, session=session)

    @contextmanager
    def logged(self, log: logging.Logger) -> Iterator[None]:
        """Write progress, and the events of index jobs, to the run's log."""
        from omni_pipelines.events import subscribed
        from omni_pipelines.progress import notes_to, reporting_to

        with reporting_to(_LogProgress(log)), notes_to(log.info), subscribed(partial(_log_job, log), "index_job/**"):
            yield

    @contextmanager
    def writer_session(self, log: logging.Logger, *, sync: bool = False) -> Iterator[Home]:
        """Hold the writer lock, after recovery, and log progress. `pipeline.writer_session` explains `sync`."""
        from omni_pipelines.pipeline.writer_session import writer_session

        with self.logged(log), writer_session(self.home, self.settings, sync=sync):
            yield self.home

    @contextmanager
    def without_writers(self, log: logging.Logger) -> Iterator[None]:
        """Hold the writer lock without a recovery, to read what no process changes meanwhile."""
        from omni_pipelines.steps.writer_lock import writer_lock

        with self.logged(log), writer_lock(self.home, self.settings.lock_seconds):
            yield


def _log_job(log: logging.Logger, event: Event) -> None:
    from omni_pipelines.operations.index_job_records import JobEvent

    job = JobEvent.model_validate(event.payload)
    waits = f"waits for {job.waits_for}" if job.waits_for else ""
    log.info("index job %s: %s, %.0f %% %s", job.job, job.state, job.progress * 100, job.error or waits)


class _LogProgress:
    """Logs progress, at most one line in `seconds`, and always the end of a step."""

    def __init__(self, log: logging.Logger, seconds: float = LOG_SECONDS) -> None:
        self._log, self._seconds = log, seconds
        self._last = time.monotonic()

    def __call__(self, report: Report) -> None:
        now = time.monotonic()
        ended = bool(report.total) and report.done >= report.total
        if ended or now - self._last >= self._seconds:
            self._last = now
            self._log.info("%s: %s of %s %s", report.step, f"{report.done:,}", f"{report.total:,}", report.unit)
