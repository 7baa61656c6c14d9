"""The knowledge base a run works on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg

from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.events import listening as hearing
from omni_pipelines.home import Home
from omni_pipelines.operations.index_jobs import JobEvent
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.progress import Report, listening
from omni_pipelines.records import Event
from omni_pipelines.settings import Settings

LOG_SECONDS = 10.0
"""While a step goes on, progress is logged this often; its end always is."""


class KnowledgeHome(dg.ConfigurableResource):
    """Where the knowledge base lives, its settings, and its write lock."""

    path: str = ""
    """The home folder; "" for OMNI_HOME, or the nearest .omni folder."""

    @property
    def home(self) -> Home:
        """The home."""
        return find_home(Path(self.path) if self.path else None)

    @property
    def settings(self) -> Settings:
        """Settings of the home."""
        return load_settings(self.home)

    @contextmanager
    def telling(self, log: logging.Logger) -> Iterator[Home]:
        """Progress goes to the run's log, and what becomes of an index job."""
        with listening(_LogProgress(log)), hearing(partial(_log_job, log), "index_job/**"):
            yield self.home

    @contextmanager
    def writer_session(self, log: logging.Logger, *, sync: bool = False) -> Iterator[Home]:
        """Hold the writer's lock, after recovery, and log progress. `pipeline.writer_session` explains `sync`."""
        with self.telling(log) as home, writer_session(home, self.settings, sync=sync):
            yield home


def _log_job(log: logging.Logger, event: Event) -> None:
    told = JobEvent.model_validate(event.payload)
    log.info("index job %s: %s, %.0f %% %s", told.job, told.state, told.progress * 100, told.error)


class _LogProgress:
    """Progress as log lines, not too many."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last = time.monotonic()

    def __call__(self, report: Report) -> None:
        now = time.monotonic()
        ended = bool(report.total) and report.done >= report.total
        if ended or now - self._last >= LOG_SECONDS:
            self._last = now
            self._log.info("%s: %s of %s %s", report.step, f"{report.done:,}", f"{report.total:,}", report.unit)
