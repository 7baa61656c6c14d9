"""Run a callable in a daemon thread, which never keeps the process alive."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


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
