"""Whoever asks is answered in time, or told in time that there will be no answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from native.errors import IndexMissing
from omni_pipelines.errors import ServiceBusy
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.librarian_service import LibrarianService, ServiceLimits


class FakeLibrarian:
    def __init__(self, release: int, prepared: Callable[[], object] = lambda: None) -> None:
        self.release, self.prepare = release, prepared


class Home:
    """Counts what is opened; the release can be moved."""

    def __init__(self) -> None:
        self.release, self.opened, self.damaged = 1, 0, False
        self.preparing: Callable[[], object] = lambda: None

    def open(self) -> Librarian:
        self.opened += 1
        if self.damaged:
            raise IndexMissing("there is no index")
        return cast("Librarian", FakeLibrarian(self.release, self.preparing))


@pytest.fixture
def home() -> Home:
    return Home()


def service(home: Home, **limits: Any) -> LibrarianService:
    return LibrarianService(home.open, lambda: home.release, ServiceLimits(**limits))


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds calls until it is set."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_call_is_answered(home: Home) -> None:
    with service(home) as asked:
        assert asked.call(lambda librarian: librarian.release) == 1


def test_an_error_of_the_call_is_the_callers(home: Home) -> None:
    with service(home) as asked, pytest.raises(ZeroDivisionError):
        asked.call(lambda _: 1 // 0)


def test_who_comes_when_the_queue_is_full_is_refused_at_once(home: Home, gate: threading.Event) -> None:
    with service(home, workers=1, waiting=2, seconds=30.0) as asked, ThreadPoolExecutor(3) as callers:
        held = [callers.submit(asked.call, lambda _: gate.wait(30)) for _ in range(3)]
        while asked._free._value:
            time.sleep(0.001)
        with pytest.raises(ServiceBusy, match="2 calls are waiting") as caught:
            asked.call(lambda librarian: librarian.release)
        gate.set()
        assert all(each.result() for each in held)
    assert (caught.value.retryable, caught.value.exit_code, caught.value.details) == (True, 3, {"retry_after": 30.0})


def test_who_is_not_answered_in_time_is_told_so_and_is_not_answered_later(home: Home, gate: threading.Event) -> None:
    ran: list[str] = []
    with service(home, workers=1, waiting=5, seconds=0.1) as asked:
        with ThreadPoolExecutor(1) as caller:
            first = caller.submit(asked.call, lambda _: gate.wait(30))
            with pytest.raises(ServiceBusy, match="no answer within"):
                asked.call(lambda _: ran.append("late"))
            with pytest.raises(ServiceBusy):
                first.result()
        gate.set()
        assert asked.call(lambda librarian: librarian.release) == 1
    assert ran == []


def test_places_are_given_back_after_answers_errors_and_refusals(home: Home) -> None:
    with service(home, workers=1, waiting=0) as asked:
        for _ in range(20):
            assert asked.call(lambda librarian: librarian.release) == 1
            with pytest.raises(ZeroDivisionError):
                asked.call(lambda _: 1 // 0)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer releases are looked for all the time."""
    monkeypatch.setattr("omni_pipelines.knowledge.service._LOOK_SECONDS", 0.001)


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.usefixtures("looking")
def test_a_newer_release_is_noticed_though_nobody_calls_and_opened_once(home: Home) -> None:
    with service(home) as asked:
        assert asked.call(lambda librarian: librarian.release) == 1
        home.release = 2
        wait_until(lambda: asked.release == 2)
        time.sleep(0.05)
        assert asked.call(lambda librarian: librarian.release) == 2
    assert home.opened == 2


@pytest.mark.usefixtures("looking")
def test_the_release_before_answers_while_a_newer_one_is_prepared(home: Home, gate: threading.Event) -> None:
    with service(home, workers=1) as asked:
        home.preparing = lambda: gate.wait(30)
        home.release = 2
        wait_until(lambda: home.opened == 2)
        assert asked.call(lambda librarian: librarian.release) == 1
        gate.set()
        wait_until(lambda: asked.release == 2)


@pytest.mark.usefixtures("looking")
def test_a_release_that_cannot_be_opened_is_told_once_and_served_once_it_can(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with service(home) as asked:
        home.damaged, home.release = True, 2
        wait_until(lambda: home.opened > 5)
        assert asked.call(lambda librarian: librarian.release) == 1
        home.damaged = False
        wait_until(lambda: asked.release == 2)
    assert [record.getMessage() for record in caplog.records] == [
        "the newest release cannot be opened, release 1 answers: [4003] there is no index"
    ]


def test_a_closed_service_leaves_no_thread_behind(home: Home) -> None:
    before = set(threading.enumerate())
    with service(home) as asked:
        asked.call(lambda librarian: librarian.release)
    assert set(threading.enumerate()) == before
