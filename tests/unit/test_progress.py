"""Progress reports reach everyone who listens, for as long as they do."""

from __future__ import annotations

import logging

import pytest

from omni_pipelines.progress import Report, listening, report
from resources import knowledge


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


def test_a_listener_that_fails_is_not_left_behind() -> None:
    heard: list[Report] = []
    with pytest.raises(ValueError, match="enough"), listening(heard.append):
        raise ValueError("enough")
    report("cutting chunks", 1, 1, "documents")
    assert heard == []


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
