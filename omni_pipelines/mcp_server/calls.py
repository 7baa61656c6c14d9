"""Calls that run in threads: a bounded number at once, a bounded number that wait, and an end if a client leaves."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from omni_pipelines.errors import ServiceBusy
from omni_pipelines.threads import Cancellation, start_daemon

T = TypeVar("T")


@dataclass(frozen=True)
class CallLimits:
    """The load that a server accepts."""

    running: int = 2
    """Calls that run at the same time."""
    waiting: int = 64
    """Calls that may wait in addition."""
    seconds: float = 20.0
    """The longest wait."""
    closing_seconds: float = 5.0
    """How long the end of the server waits for calls that it has cancelled."""


class Calls:
    """Runs functions in threads for an event loop. A function can ask whether its caller still waits."""

    def __init__(self, limits: CallLimits | None = None) -> None:
        self.limits = limits or CallLimits()
        self._free = asyncio.Semaphore(self.limits.running)
        self._waiting = 0
        self._running: dict[Future[Any], Cancellation] = {}

    async def run(self, call: Callable[[], T]) -> T:
        """The result of a function. If the task that waits for it is cancelled, the function is told.

        Raises:
            ServiceBusy: too many calls wait, or this one waited too long.
        """
        if self._free.locked() and self._waiting >= self.limits.waiting:
            raise self._busy(f"{self._waiting} calls are waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.limits.seconds):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy(f"no call ended within {self.limits.seconds:g} s") from None
        finally:
            self._waiting -= 1
        return await self._in_thread(call)

    async def close(self) -> None:
        """Cancel what runs, and wait a little for it to end."""
        for cancellation in self._running.values():
            cancellation.set()
        if self._running:
            ends = [asyncio.wrap_future(each) for each in self._running]
            await asyncio.wait(ends, timeout=self.limits.closing_seconds)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """The slot is free again when the thread ends, and not when a client stops waiting for it."""
        loop, cancellation = asyncio.get_running_loop(), Cancellation()
        with cancellation.applied():
            work = start_daemon(call, "mcp call")
        self._running[work] = cancellation

        def ended(_: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
                loop.call_soon_threadsafe(self._end, work)

        work.add_done_callback(ended)
        try:
            return await asyncio.shield(asyncio.wrap_future(work))
        except asyncio.CancelledError:
            cancellation.set()
            raise

    def _end(self, work: Future[T]) -> None:
        self._running.pop(work, None)
        self._free.release()

    @staticmethod
    def _busy(why: str) -> ServiceBusy:
        return ServiceBusy(f"the server is busy: {why}", cure="call again in a moment", details={"retry_after": 1})
