"""Call anything and get a ToolResponse: the result, or the error that was raised.

Only KeyboardInterrupt and SystemExit leave an executor, because they end the process.
"""

import asyncio
import functools
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

from omni_pipelines.errors import ToolTimeout
from omni_pipelines.json_values import text_of
from omni_pipelines.responses import ToolResponse
from omni_pipelines.threads import start_daemon


@dataclass(frozen=True)
class CallResult:
    """What a call returned or raised. It is a value, because a StopIteration cannot be raised through a future."""

    value: object = None
    error: BaseException | None = None


class CommandExecutor:
    """Calls a function or a coroutine function and returns a ToolResponse. Thread-safe."""

    def execute(
        self, func: Callable[..., Any], *args: Any, timeout: float | None = None, **kwargs: Any
    ) -> ToolResponse:
        """Return the response of `func(*args, **kwargs)`; a ToolResponse that it returns is passed on.

        With a `timeout` in seconds, the call runs in a thread of its own. A thread cannot be stopped: after the
        timeout it continues in the background, at most until the process ends.

        Raises:
            KeyboardInterrupt, SystemExit: the process is asked to end.
        """
        start = time.perf_counter()
        call = functools.partial(_run, lambda: func(*args, **kwargs))
        try:
            result = call() if timeout is None else start_daemon(call, "execute").result(timeout)
        except TimeoutError:  # ours: one that the call raised is in its result
            result = CallResult(error=ToolTimeout(_name(func), timeout or 0))
        return _response(result, start)


class AsyncCommandExecutor:
    """The same for callers with an event loop: coroutine functions run in the loop, functions in a thread."""

    async def execute(
        self, func: Callable[..., Any], *args: Any, timeout: float | None = None, **kwargs: Any
    ) -> ToolResponse:
        """Return the response of `func(*args, **kwargs)`, after `timeout` seconds at most.

        Raises:
            KeyboardInterrupt, SystemExit: the process is asked to end.
            asyncio.CancelledError: the calling task was cancelled.
        """
        start = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                result = await _run_async(func, lambda: func(*args, **kwargs))
        except TimeoutError:  # ours: one that the call raised is in its result
            result = CallResult(error=ToolTimeout(_name(func), timeout or 0))
        return _response(result, start)


def _response(result: CallResult, start: float) -> ToolResponse:
    response = _without_duration(result)
    if response.duration_ms is not None:
        return response
    return response.model_copy(update={"duration_ms": round((time.perf_counter() - start) * 1000, 3)})


def _without_duration(result: CallResult) -> ToolResponse:
    if result.error is None:
        return result.value if _is_response(result.value) else ToolResponse.success(result.value)
    if (end := _process_end(result.error)) is not None:
        raise end
    response = _capture(functools.partial(ToolResponse.from_exception, result.error)).value
    if isinstance(response, ToolResponse):
        return response
    return ToolResponse.error(f"{type(result.error).__name__}, which cannot be shown")


def _process_end(error: BaseException) -> BaseException | None:
    """The KeyboardInterrupt or SystemExit that an exception is, or that an exception group contains."""
    if isinstance(error, BaseExceptionGroup):
        return next((end for part in error.exceptions if (end := _process_end(part))), None)
    return error if isinstance(error, KeyboardInterrupt | SystemExit) else None


def _capture(call: Callable[[], object]) -> CallResult:
    try:
        return CallResult(call())
    except BaseException as error:  # noqa: BLE001  # an executor returns every error as a response
        return CallResult(error=error)


# isinstance() reads `__class__`, which raises for some objects; the type itself cannot be hidden.
def _is_response(value: object) -> TypeGuard[ToolResponse]:
    return issubclass(type(value), ToolResponse)


def _is_awaitable(value: object) -> TypeGuard[Awaitable[object]]:
    return issubclass(type(value), Awaitable)


def _name(func: object) -> str:
    return text_of(getattr(func, "__name__", None) or type(func).__name__)


def _run(call: Callable[[], object]) -> CallResult:
    """Call a function; a coroutine that it returns runs to its end, in another thread if this one has a loop."""
    result = _capture(call)
    if not _is_awaitable(result.value):
        return result
    finish = functools.partial(_capture, functools.partial(asyncio.run, _finish(result.value)))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        finished = finish()
    else:
        finished = start_daemon(finish, "execute").result()
    return finished.value if isinstance(finished.value, CallResult) else finished


async def _run_async(func: Callable[..., Any], call: Callable[[], Any]) -> CallResult:
    if inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__):
        result = _capture(call)
    else:
        result = await asyncio.wrap_future(start_daemon(functools.partial(_capture, call), "execute"))
    return await _finish(result.value) if _is_awaitable(result.value) else result


async def _finish(awaitable: Awaitable[object]) -> CallResult:
    """Await a coroutine in a task of its own, so that an error of it ends neither this task nor the event loop."""

    async def run() -> CallResult:
        return CallResult(await awaitable)

    [result] = await asyncio.gather(run(), return_exceptions=True)
    return result if isinstance(result, CallResult) else CallResult(error=result)
