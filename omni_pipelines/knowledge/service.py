"""One librarian for many callers at once: a bounded queue, a deadline, and soon the newest release.

A front end that answers several people asks through this. Whoever cannot be answered in time is told so at once, or
at the deadline at the latest; nobody waits for what nobody needs any more. A new release is opened, and what its
searches keep in memory is brought there, beside the calls: it answers from then on.
"""

from __future__ import annotations

import logging
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
_LOG = logging.getLogger(__name__)
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
    """Answers calls with the newest release that is open. Close it, or use it as a context: its threads end."""

    def __init__(
        self,
        open_librarian: Callable[[], Librarian],
        newest: Callable[[], int],
        limits: ServiceLimits | None = None,
    ) -> None:
        """Open the newest release.

        Args:
            open_librarian: opens a librarian of the newest release.
            newest: the number of the newest release; asked a few times a second.
            limits: None is the defaults.
        """
        self.limits = limits or ServiceLimits()
        self._open, self._newest = open_librarian, newest
        self._seen, self._librarian = newest(), open_librarian()
        self._closed = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="librarian-releases", daemon=True)
        self._follower.start()
        self._free = threading.BoundedSemaphore(self.limits.workers + self.limits.waiting)
        self._pool = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="librarian")

    def __enter__(self) -> LibrarianService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def release(self) -> int:
        """Number of the release that answers now."""
        return self._librarian.release

    def close(self) -> None:
        """Let calls that run come to their end, and drop those that wait."""
        self._closed.set()
        self._follower.join()
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
        return ask(self._librarian)

    def _left(self, _: Future[T]) -> None:
        self._free.release()

    def _follow(self) -> None:
        """Open newer releases while the one before goes on answering: its callers never wait for that."""
        told = ""
        self._try(self._librarian.prepare)
        while not self._closed.wait(_LOOK_SECONDS):
            trouble = self._try(self._look)
            if trouble not in ("", told):
                _LOG.warning("the newest release cannot be opened, release %s answers: %s", self.release, trouble)
            told = trouble

    def _look(self) -> None:
        newest = self._newest()
        if newest != self._seen:
            librarian = self._open()
            librarian.prepare()
            self._librarian, self._seen = librarian, newest

    @staticmethod
    def _try(work: Callable[[], None]) -> str:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # whatever is wrong with a new release, the one there is answers
            return str(error) or type(error).__name__
        return ""

    def _busy(self, why: str) -> ServiceBusy:
        wait = self.limits.seconds
        what = f"the librarian is busy: {why}"
        return ServiceBusy(what, cure=f"ask again in {wait:g} s", details={"retry_after": wait})


class _Late(Exception):
    """Its turn came behind its deadline."""
