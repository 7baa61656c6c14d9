"""Who writes to a home is told to those who wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omni_pipelines import progress
from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import status
from omni_pipelines.knowledge.state.writer import Writer, read_writer, recorded_writer
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.processes import running
from omni_pipelines.progress import Report, reporting_to
from omni_pipelines.settings import Settings
from tests.integration.line import Line, write


def test_refused_writer_is_told_which_command_holds_the_lock_and_since_when(line: Line) -> None:
    with running("omni ingest"), writer_session(line.home, line.settings):
        now = read_writer(line.home)
        assert now is not None
        with pytest.raises(HomeBusy) as refused, writer_session(line.home, Settings(lock_seconds=0)):
            pass
    since = now.since.astimezone()
    assert f"omni ingest (process {os.getpid()}, since {since:%H:%M:%S})" in refused.value.message


def test_waiting_writer_reports_whom_it_waits_for(line: Line) -> None:
    reports: list[Report] = []
    with running("omni ingest"), writer_session(line.home, line.settings):
        with (
            reporting_to(reports.append),
            pytest.raises(HomeBusy),
            writer_session(line.home, Settings(lock_seconds=1.1)),
        ):
            pass
    assert [report.step for report in reports if report.step.startswith("waiting for omni ingest (process ")]


def test_status_shows_the_writer_and_how_far_it_is(line: Line, docs: Path) -> None:
    line.add(write(docs, {"a.md": "Words about walruses."}))
    line.run()
    with recorded_writer(line.home, seconds=0):
        progress.report("embedding chunks", 3, 10, "chunks")
        shown = _wait_for_step(line.home, "embedding chunks")
        assert status.status(line.home).writer == shown
    assert (shown.done, shown.total, shown.unit) == (3, 10, "chunks")
    assert status.status(line.home).writer is None


def _wait_for_step(home: Home, step: str) -> Writer:
    while True:  # reports are delivered by another thread
        shown = read_writer(home)
        assert shown is not None
        if shown.step == step:
            return shown


def test_writer_that_was_killed_is_not_shown(line: Line) -> None:
    line.home.create()
    died = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    with recorded_writer(line.home):
        shown = read_writer(line.home)
        assert shown is not None
        line.home.writer.write_text(shown.model_copy(update={"pid": int(died.stdout)}).model_dump_json())
        assert read_writer(line.home) is None


def test_writer_on_another_host_is_shown_with_its_host(line: Line) -> None:
    line.home.create()
    other = Writer(command="omni ingest", pid=7, host="elsewhere", since=datetime.now(UTC))
    line.home.writer.write_text(other.model_dump_json())
    shown = read_writer(line.home)
    assert shown is not None
    assert "(process 7 on elsewhere, since" in shown.name


def test_damaged_record_of_a_writer_names_nobody(line: Line) -> None:
    line.home.create()
    line.home.writer.write_text("{")
    assert read_writer(line.home) is None
