"""How far a step is, told to whoever listens."""

from __future__ import annotations

import contextvars
import threading

import pytest

from omni_pipelines.progress import Report, listening, report


def test_a_listener_hears_what_is_reported() -> None:
    heard: list[Report] = []
    with listening(heard.append):
        report("reading files", 1, 2, "files", "a.md")
    assert heard == [Report("reading files", 1, 2, "files", "a.md")]


def test_without_a_listener_nothing_happens() -> None:
    heard: list[Report] = []
    with listening(heard.append):
        pass
    report("reading files", 1, 2, "files")
    assert heard == []


def test_the_outer_listener_hears_everything() -> None:
    outer: list[Report] = []
    inner: list[Report] = []
    with listening(outer.append), listening(inner.append):
        report("a", 0, 0, "files")
    assert (len(outer), inner) == (1, [])


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
