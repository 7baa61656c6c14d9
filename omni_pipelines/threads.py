"""Run a callable in a daemon thread, which never keeps the process alive, and tell it that nobody waits any more."""

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.1


class CallCancelled(KeyboardInterrupt):
    """Somebody cancelled the call. Like Ctrl+C, it passes whatever handles errors, so nothing is tried again."""


def start_daemon(call: Callable[[], T], name: str) -> Future[T]:
    """Start `call` in a daemon thread, in the context of the caller, and return its future result.

    The executors of the standard library would wait for a running thread when the process ends.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # a running future cannot be cancelled
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = context.run(call)
        except BaseException as error:  # noqa: BLE001  # the future raises it where the result is read
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


class Cancellation:
    """Tells what runs in a thread, which nobody can stop from outside, that it should end."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def set(self) -> None:
        """Ask for the end."""
        self._set.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the end is asked for, or for some seconds; whether it is asked for."""
        return self._set.wait(seconds)

    def check(self) -> None:
        """Go on, or raise CallCancelled if the end is asked for."""
        if self._set.is_set():
            raise CallCancelled

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Make this the cancellation of what is called or started in the block."""
        token = _cancellation.set(self)
        try:
            yield
        finally:
            _cancellation.reset(token)


_cancellation: contextvars.ContextVar[Cancellation | None] = contextvars.ContextVar("cancellation", default=None)


def current_cancellation() -> Cancellation:
    """The cancellation of the present call; one that is never set if nobody can cancel it."""
    return _cancellation.get() or Cancellation()


def pause(seconds: float) -> None:
    """Sleep.

    Raises:
        CallCancelled: the present call was cancelled.
    """
    cancellation = current_cancellation()
    cancellation.wait(seconds)
    cancellation.check()


def awaited(work: Future[T]) -> T:
    """The result of a thread, or what it raised.

    Raises:
        CallCancelled: the present call was cancelled; the thread goes on.
    """
    cancellation = current_cancellation()
    while not work.done():
        with contextlib.suppress(TimeoutError):  # also one that the thread raised, which is raised below
            return work.result(_POLL_SECONDS)
        cancellation.check()
    return work.result()
