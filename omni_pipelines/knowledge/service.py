"""One librarian for many callers at once: a bounded queue, a deadline, and always the newest release.

A front end that answers several people asks through this. Whoever cannot be answered in time is told so at once, or
at the deadline at the latest; nobody waits for what nobody needs any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TypeVar

from omni_pipelines.errors import ServiceBusy
from omni_pipelines.knowledge.librarian import Librarian

T = TypeVar("T")
_LOOK_SECONDS = 0.25
"""How often a newer release is looked for."""


@dataclass(frozen=True)
class ServiceLimits:
    """What a service takes on."""

    workers: int = 2
    """Calls answered at the same time."""
    waiting: int = 32
    """Calls that may wait besides."""
    seconds: float = 2.0
    """Until a call is answered, or told that it will not be."""


class LibrarianService:
    """Answers calls with the newest release. Close it, or use it as a context, to let its threads end."""

    def __init__(
        self,
        open_librarian: Callable[[], Librarian],
        newest: Callable[[], int],
        limits: ServiceLimits | None = None,
    ) -> None:
        """Open the newest release.

        Args:
            open_librarian: opens a librarian of the newest release; the one before goes on answering meanwhile.
            newest: the number of the newest release.
            limits: None is the defaults.
        """
        self.limits = limits or ServiceLimits()
        self._open, self._newest = open_librarian, newest
        self._librarian = open_librarian()
        self._looked = time.monotonic()
        self._opening = threading.Lock()
        self._free = threading.BoundedSemaphore(self.limits.workers + self.limits.waiting)
        self._pool = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="librarian")

    def __enter__(self) -> LibrarianService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let calls that run come to their end, and drop those that wait."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def call(self, ask: Callable[[Librarian], T]) -> T:
        """What `ask` made of the librarian, within the deadline.

        Raises:
            ServiceBusy: too many calls wait, or it was not answered in time. The same call may work in a moment.
        """
        if not self._free.acquire(blocking=False):
            raise self._busy(f"{self.limits.waiting} calls are waiting")
        deadline = time.monotonic() + self.limits.seconds
        try:
            future = self._pool.submit(self._answer, ask, deadline)
        except RuntimeError:  # it was closed
            self._free.release()
            raise
        future.add_done_callback(self._left)
        try:
            return future.result(self.limits.seconds)
        except (FutureTimeout, _Late):
            future.cancel()
            raise self._busy(f"no answer within {self.limits.seconds:g} s") from None

    def _answer(self, ask: Callable[[Librarian], T], deadline: float) -> T:
        if time.monotonic() >= deadline:
            raise _Late
        return ask(self._current())

    def _left(self, _: Future[T]) -> None:
        self._free.release()

    def _current(self) -> Librarian:
        """The librarian of the newest release; one call opens it, the others go on with the one there is."""
        if time.monotonic() - self._looked > _LOOK_SECONDS and self._opening.acquire(blocking=False):
            try:
                self._looked = time.monotonic()
                if self._newest() != self._librarian.release:
                    self._librarian = self._open()
            finally:
                self._opening.release()
        return self._librarian

    def _busy(self, why: str) -> ServiceBusy:
        wait = self.limits.seconds
        what = f"the librarian is busy: {why}"
        return ServiceBusy(what, cure=f"ask again in {wait:g} s", details={"retry_after": wait})


class _Late(Exception):
    """Its turn came behind its deadline."""
