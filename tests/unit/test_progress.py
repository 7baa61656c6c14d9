"""Progress reports reach every listener of their context."""

from __future__ import annotations

import contextvars
import logging
import threading

import pytest

from omni_pipelines.progress import Report, report, reporting_to
from resources import knowledge


def test_a_listener_receives_a_report() -> None:
    received: list[Report] = []
    with reporting_to(received.append):
        report("reading files", 1, 2, "files", "a.md")
    assert received == [Report(step="reading files", done=1, total=2, unit="files", detail="a.md")]


def test_a_report_without_a_listener_does_nothing() -> None:
    received: list[Report] = []
    with reporting_to(received.append):
        pass
    report("reading files", 1, 2, "files")
    assert received == []


def test_nested_listeners_receive_the_same_reports() -> None:
    terminal: list[Report] = []
    log: list[Report] = []
    with reporting_to(terminal.append):
        with reporting_to(log.append):
            report("cutting chunks", 1, 2, "documents")
        report("cutting chunks", 2, 2, "documents")
    report("cutting chunks", 3, 3, "documents")
    assert [report.done for report in terminal] == [1, 2]
    assert [report.done for report in log] == [1]


def test_an_exception_in_the_block_ends_the_subscription() -> None:
    received: list[Report] = []
    with pytest.raises(RuntimeError), reporting_to(received.append):
        raise RuntimeError
    report("a", 0, 0, "files")
    assert received == []


def test_only_threads_with_the_context_of_the_block_report_to_it() -> None:
    received: list[Report] = []
    with reporting_to(received.append):
        context = contextvars.copy_context()
        threads = [
            threading.Thread(target=context.run, args=(report, "with", 1, 1, "x")),
            threading.Thread(target=report, args=("without", 1, 1, "x")),
        ]
        for thread in threads:
            thread.start()
            thread.join()
    assert [report.step for report in received] == ["with"]


@pytest.mark.parametrize(
    ("every", "lines"),
    [
        (1000.0, ["embedding chunks: 2,000 of 2,000 chunks"]),
        (0.0, ["embedding chunks: 1,000 of 2,000 chunks", "embedding chunks: 2,000 of 2,000 chunks"]),
    ],
)
def test_the_log_of_a_run_has_the_end_of_a_step_and_reports_at_intervals(
    caplog: pytest.LogCaptureFixture, every: float, lines: list[str]
) -> None:
    caplog.set_level(logging.INFO)
    with reporting_to(knowledge._LogProgress(logging.getLogger("run"), every)):
        report("embedding chunks", 1000, 2000, "chunks")
        report("embedding chunks", 2000, 2000, "chunks")
    assert [record.message for record in caplog.records] == lines
