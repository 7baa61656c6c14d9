"""One librarian for many callers at once: a bounded queue, a deadline per call, and the newest release.

A call that cannot be answered gets an error at its deadline at the latest; if it is still queued then, it is dropped.
A new release is opened and its caches are loaded while calls go on; then it replaces the one before.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TypeVar

from omni_pipelines.errors import ServiceBusy
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.threads import start_daemon

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceLimits:
    """The load that a service accepts, and how often it checks for a newer release."""

    workers: int = 2
    """Calls answered at the same time."""
    waiting: int = 32
    """Calls that may wait in addition."""
    seconds: float = 2.0
    """The deadline of a call."""
    release_check_seconds: float = 0.25
    """Time between two checks for a newer release."""


class LibrarianService:
    """Answers calls with the newest release that is open. Close it, or use it as a context manager."""

    def __init__(
        self,
        open_librarian: Callable[[], Librarian],
        newest: Callable[[], int],
        limits: ServiceLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the newest release with `open_librarian`.

        `newest` returns the number of the newest release, a few times per second; `clock` returns seconds.
        """
        self.limits = limits or ServiceLimits()
        self._open, self._newest, self._clock = open_librarian, newest, clock
        self._opened, self._librarian = newest(), open_librarian()
        self._closed = threading.Event()
        self._follower = threading.Thread(target=self._follow_releases, name="librarian-releases", daemon=True)
        self._follower.start()
        self._slots = threading.BoundedSemaphore(self.limits.workers + self.limits.waiting)
        self._pool = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="librarian")

    def __enter__(self) -> LibrarianService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def release(self) -> int:
        """Number of the release that answers calls now."""
        return self._librarian.release

    def close(self) -> None:
        """Wait for running calls, drop waiting ones, and end all threads."""
        self._closed.set()
        self._follower.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def call(self, ask: Callable[[Librarian], T]) -> T:
        """The result of `ask` with the librarian, within the deadline.

        Raises:
            ServiceBusy: too many calls wait, or the deadline passed. The same call may succeed a moment later.
        """
        if not self._slots.acquire(blocking=False):
            raise self._busy(f"{self.limits.waiting} calls are waiting")
        deadline = self._clock() + self.limits.seconds
        try:
            future = self._pool.submit(self._answer, ask, deadline)
        except RuntimeError:  # the service was closed
            self._slots.release()
            raise
        future.add_done_callback(lambda _: self._slots.release())
        try:
            return future.result(self.limits.seconds)
        except (FutureTimeout, _DeadlinePassed):
            future.cancel()
            raise self._busy(f"no answer within {self.limits.seconds:g} s") from None

    def _answer(self, ask: Callable[[Librarian], T], deadline: float) -> T:
        if self._clock() >= deadline:
            raise _DeadlinePassed
        return ask(self._librarian)

    def _follow_releases(self) -> None:
        """Open newer releases until the service is closed. Calls never wait for that."""
        logged = ""
        self._error_of(self._librarian.prepare)
        while not self._closed.wait(self.limits.release_check_seconds):
            error = self._error_of(self._open_newer)
            if error not in ("", logged):
                _LOG.warning("the newest release cannot be opened, release %s answers: %s", self.release, error)
            logged = error

    def _open_newer(self) -> None:
        newest = self._newest()
        if newest != self._opened:
            librarian = self._open()
            librarian.prepare()
            self._librarian, self._opened = librarian, newest

    @staticmethod
    def _error_of(work: Callable[[], None]) -> str:
        error = start_daemon(work, "release check").exception()  # of any kind: the next check must still come
        return (str(error) or type(error).__name__) if error is not None else ""

    def _busy(self, why: str) -> ServiceBusy:
        wait = self.limits.seconds
        cure, details = f"ask again in {wait:g} s", {"retry_after": wait}
        return ServiceBusy(f"the librarian is busy: {why}", cure=cure, details=details)


class _DeadlinePassed(Exception):
    """The call was still queued at its deadline."""
