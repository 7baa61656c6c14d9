"""How far a step is, told to whoever listens."""

from __future__ import annotations

import contextvars
import logging
import threading

import pytest

from omni_pipelines.progress import Report, listening, report
from resources import knowledge


def test_a_listener_hears_what_is_reported() -> None:
    heard: list[Report] = []
    with listening(heard.append):
        report("reading files", 1, 2, "files", "a.md")
    assert heard == [Report(step="reading files", done=1, total=2, unit="files", detail="a.md")]


def test_without_a_listener_nothing_happens() -> None:
    heard: list[Report] = []
    with listening(heard.append):
        pass
    report("reading files", 1, 2, "files")
    assert heard == []


def test_inner_and_outer_listeners_hear_the_same() -> None:
    terminal: list[Report] = []
    log: list[Report] = []
    with listening(terminal.append):
        with listening(log.append):
            report("cutting chunks", 1, 2, "documents")
        report("cutting chunks", 2, 2, "documents")
    report("cutting chunks", 3, 3, "documents")
    assert [each.done for each in terminal] == [1, 2]
    assert [each.done for each in log] == [1]


def test_a_failure_ends_the_listening() -> None:
    heard: list[Report] = []
    with pytest.raises(RuntimeError), listening(heard.append):
        raise RuntimeError
    report("a", 0, 0, "files")
    assert heard == []


def test_a_thread_with_the_context_is_heard_and_one_without_is_not() -> None:
    heard: list[Report] = []
    with listening(heard.append):
        context = contextvars.copy_context()
        threads = [
            threading.Thread(target=context.run, args=(report, "with", 1, 1, "x")),
            threading.Thread(target=report, args=("without", 1, 1, "x")),
        ]
        for thread in threads:
            thread.start()
            thread.join()
    assert [each.step for each in heard] == ["with"]


@pytest.mark.parametrize(
    ("every", "lines"),
    [
        (1000.0, ["embedding chunks: 2,000 of 2,000 chunks"]),
        (0.0, ["embedding chunks: 1,000 of 2,000 chunks", "embedding chunks: 2,000 of 2,000 chunks"]),
    ],
)
def test_a_runs_log_carries_the_end_of_a_step_and_now_and_then_its_middle(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, every: float, lines: list[str]
) -> None:
    monkeypatch.setattr(knowledge, "LOG_SECONDS", every)
    caplog.set_level(logging.INFO)
    with listening(knowledge._LogProgress(logging.getLogger("run"))):
        report("embedding chunks", 1000, 2000, "chunks")
        report("embedding chunks", 2000, 2000, "chunks")
    assert [record.message for record in caplog.records] == lines
