"""The librarian service: answers, deadlines, a bounded queue, and newer releases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

import pytest

from native.errors import IndexMissing
from omni_pipelines.errors import ServiceBusy
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.service import LibrarianService, ServiceLimits

WAIT_SECONDS = 30
ALWAYS_CHECKING = ServiceLimits(release_check_seconds=0.001)


class FakeLibrarian:
    def __init__(self, release: int, prepared: Callable[[], object] = lambda: None) -> None:
        self.release, self.prepare = release, prepared


class FakeHome:
    """Counts how often it is opened; tests set the newest release."""

    def __init__(self) -> None:
        self.release, self.opened, self.damaged = 1, 0, False
        self.preparing: Callable[[], object] = lambda: None

    def open(self) -> Librarian:
        self.opened += 1
        if self.damaged:
            raise IndexMissing("there is no index")
        return cast("Librarian", FakeLibrarian(self.release, self.preparing))


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home() -> FakeHome:
    return FakeHome()


def service(
    home: FakeHome, limits: ServiceLimits | None = None, clock: Callable[[], float] = time.monotonic
) -> LibrarianService:
    return LibrarianService(home.open, lambda: home.release, limits, clock)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Blocks calls until it is set."""
    gate = threading.Event()
    yield gate
    gate.set()


def release_of(librarian: Librarian) -> int:
    return librarian.release


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_call_returns_the_answer(home: FakeHome) -> None:
    with service(home) as opened:
        assert opened.call(release_of) == 1


def test_call_raises_the_error_of_the_function(home: FakeHome) -> None:
    with service(home) as opened, pytest.raises(ZeroDivisionError):
        opened.call(lambda _: 1 // 0)


def test_call_with_a_full_queue_is_refused_at_once(home: FakeHome, gate: threading.Event) -> None:
    limits = ServiceLimits(workers=1, waiting=2, seconds=WAIT_SECONDS)
    with service(home, limits) as opened, ThreadPoolExecutor(3) as callers:
        blocked = [callers.submit(opened.call, lambda _: gate.wait(WAIT_SECONDS)) for _ in range(3)]
        wait_until(lambda: not opened._slots._value)
        with pytest.raises(ServiceBusy, match="2 calls are waiting") as caught:
            opened.call(release_of)
        gate.set()
        assert all(each.result() for each in blocked)
    assert (caught.value.retryable, caught.value.exit_code, caught.value.details) == (True, 3, {"retry_after": 30})


def test_call_past_its_deadline_raises_and_is_not_run_later(home: FakeHome, gate: threading.Event) -> None:
    ran: list[str] = []
    with service(home, ServiceLimits(workers=1, waiting=5, seconds=0.1)) as opened:
        with ThreadPoolExecutor(1) as caller:
            first = caller.submit(opened.call, lambda _: gate.wait(WAIT_SECONDS))
            with pytest.raises(ServiceBusy, match="no answer within"):
                opened.call(lambda _: ran.append("late"))
            with pytest.raises(ServiceBusy):
                first.result()
        gate.set()
        assert opened.call(release_of) == 1
    assert ran == []


def test_queued_call_is_dropped_when_its_turn_comes_after_its_deadline(home: FakeHome, gate: threading.Event) -> None:
    """The caller still waits, by the real clock; the service's clock says that the deadline has passed."""
    ran: list[str] = []
    clock = FakeClock()
    limits = ServiceLimits(workers=1, waiting=1, seconds=WAIT_SECONDS)
    with service(home, limits, clock) as opened, ThreadPoolExecutor(2) as callers:
        started = threading.Event()

        def wait(_librarian: object) -> bool:
            started.set()
            return gate.wait(WAIT_SECONDS)

        running = callers.submit(opened.call, wait)
        assert started.wait(WAIT_SECONDS)  # otherwise the clock could move while the first call is queued
        queued: Future[None] = callers.submit(opened.call, lambda _: ran.append("late"))
        wait_until(lambda: opened._slots._value == 0 and opened._pool._work_queue.qsize() == 1)
        clock.now = WAIT_SECONDS
        gate.set()
        with pytest.raises(ServiceBusy, match="no answer within 30 s"):
            queued.result()
        assert running.result()
    assert ran == []


def test_slots_are_free_again_after_answers_and_errors(home: FakeHome) -> None:
    with service(home, ServiceLimits(workers=1, waiting=0)) as opened:
        for _ in range(20):
            assert opened.call(release_of) == 1
            with pytest.raises(ZeroDivisionError):
                opened.call(lambda _: 1 // 0)


def test_newer_release_is_opened_once_although_nobody_calls(home: FakeHome) -> None:
    with service(home, ALWAYS_CHECKING) as opened:
        assert opened.call(release_of) == 1
        home.release = 2
        wait_until(lambda: opened.release == 2)
        time.sleep(0.05)
        assert opened.call(release_of) == 2
    assert home.opened == 2


def test_old_release_answers_while_a_newer_one_is_prepared(home: FakeHome, gate: threading.Event) -> None:
    with service(home, ServiceLimits(workers=1, release_check_seconds=0.001)) as opened:
        home.preparing = lambda: gate.wait(WAIT_SECONDS)
        home.release = 2
        wait_until(lambda: home.opened == 2)
        assert opened.call(release_of) == 1
        gate.set()
        wait_until(lambda: opened.release == 2)


def test_damaged_release_is_logged_once_and_served_when_repaired(
    home: FakeHome, caplog: pytest.LogCaptureFixture
) -> None:
    with service(home, ALWAYS_CHECKING) as opened:
        home.damaged, home.release = True, 2
        wait_until(lambda: home.opened > 5)
        assert opened.call(release_of) == 1
        home.damaged = False
        wait_until(lambda: opened.release == 2)
    assert [record.getMessage() for record in caplog.records] == [
        "the newest release cannot be opened, release 1 answers: [4003] there is no index"
    ]


def test_closed_service_leaves_no_threads(home: FakeHome) -> None:
    before = set(threading.enumerate())
    with service(home) as opened:
        opened.call(release_of)
    assert set(threading.enumerate()) == before
