"""The one envelope in which anything that can be called answers, and the executors that put any callable into it.

A success carries no error. An error and a refusal (`blocked`) carry a numbered code and a message. A partial answer
carries data and says what is missing. Whatever a callable returns or raises, its envelope can be written as JSON.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import inspect
import re
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, model_validator

from omni_pipelines.error_codes import CoreErrorCode, explain
from omni_pipelines.errors import OmniError, ToolTimeout, from_exception
from omni_pipelines.json_values import clean, text_of, to_json_value

MAX_YIELDED = 100_000
"""Values taken from a generator; one that goes on is an error, for it might never end."""
MAX_MESSAGE_LENGTH = 4_000


class ResponseStatus(StrEnum):
    """How it went."""

    SUCCESS = "success"
    ERROR = "error"
    """It failed."""
    BLOCKED = "blocked"
    """A rule said no before anything was done."""
    PARTIAL = "partial"
    """Some of it is there; the message says what is not."""


def _message(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = clean(value)
    if len(text) <= MAX_MESSAGE_LENGTH:
        return text
    end = f"… ({len(text):,} characters)"  # counted in, so that what was cut is not cut again where it is read
    return text[: MAX_MESSAGE_LENGTH - len(end)] + end


Message = Annotated[str, BeforeValidator(_message), Field(min_length=1)]
_CODE = r"^[1-9][0-9]{3}$"
Code = Annotated[str, Field(pattern=_CODE)]
ErrorMap = Mapping[type[BaseException], str]
"""Exception class to code. The class nearest to the exception's own wins."""


class ToolResponse(BaseModel):
    """What a call answers. Make one with `success`, `error`, `blocked`, `partial` or `from_exception`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: ResponseStatus
    data: Any = None
    """What the callable returned. As JSON it is what `to_json_value` makes of it."""
    error_message: Message | None = None
    error_code: Code | None = None
    metadata: Annotated[dict[str, Any], BeforeValidator(to_json_value)] = Field(default_factory=dict)
    """JSON values. Of an error: `cure`, `error_type`, `exception_message` and `details` where there are any."""
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    """When the envelope was made."""
    request_id: Annotated[str, Field(min_length=1)] = Field(default_factory=lambda: uuid.uuid4().hex)
    duration_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    retryable: bool = False
    """The same call may succeed in a moment."""

    @model_validator(mode="after")
    def _fits_its_status(self) -> ToolResponse:
        told, coded = self.error_message is not None, self.error_code is not None
        if self.is_success and (told or coded or self.retryable):
            raise ValueError("a success carries no error")
        if (self.is_error or self.is_blocked) and not (told and coded):
            raise ValueError("an error, or a refusal, carries a message and a numbered code")
        if self.is_partial and not told:
            raise ValueError("a partial answer says what is missing")
        return self

    @field_serializer("data", when_used="json")
    def _data_as_json(self, data: Any) -> Any:
        return to_json_value(data)

    @classmethod
    def success(cls, data: Any = None, *, metadata: Mapping[str, Any] | None = None) -> ToolResponse:
        """It went well; `data` is what there is to say."""
        return cls(status=ResponseStatus.SUCCESS, data=data, metadata=dict(metadata or {}))

    @classmethod
    def error(
        cls,
        message: str,
        code: str = CoreErrorCode.TOOL_EXECUTION_FAILED,
        *,
        data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        retryable: bool | None = None,
    ) -> ToolResponse:
        """It failed. Whether to try again is what the code's row says, unless it is given."""
        return cls._failed(ResponseStatus.ERROR, message, code, data, metadata, retryable)

    @classmethod
    def blocked(
        cls,
        message: str,
        code: str = CoreErrorCode.COMMAND_BLOCKED,
        *,
        data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        retryable: bool | None = None,
    ) -> ToolResponse:
        """A rule said no before anything was done."""
        return cls._failed(ResponseStatus.BLOCKED, message, code, data, metadata, retryable)

    @classmethod
    def partial(
        cls,
        data: Any,
        message: str,
        code: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        retryable: bool | None = None,
    ) -> ToolResponse:
        """Some of it is in `data`; the message says what is missing, and the code why, where that is known."""
        return cls._failed(ResponseStatus.PARTIAL, message, code, data, metadata, retryable)

    @classmethod
    def from_exception(
        cls,
        error: BaseException,
        *,
        error_map: ErrorMap | None = None,
        data: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> ToolResponse:
        """The envelope of an exception, ours or not: `blocked` where its code stands for a refusal, else `error`."""
        found = from_exception(error)
        code, retryable = _mapped(error, error_map or {}), None
        if code is None:
            code, retryable = _numbered(found.code), found.retryable
        row = explain(code)
        status = ResponseStatus.BLOCKED if row and row.refused else ResponseStatus.ERROR
        extra = {
            "cure": found.cure,
            "error_type": type(error).__name__,
            "exception_message": "" if found is error else _message(text_of(error)),
            "details": found.details,
        }
        told = {name: value for name, value in extra.items() if value}
        message = found.message.strip() or type(error).__name__
        return cls._failed(status, message, code, data, {**(metadata or {}), **told}, retryable)

    @classmethod
    def _failed(
        cls,
        status: ResponseStatus,
        message: str,
        code: str | None,
        data: Any,
        metadata: Mapping[str, Any] | None,
        retryable: bool | None,
    ) -> ToolResponse:
        row = explain(code) if code is not None else None
        return cls(
            status=status,
            data=data,
            error_message=message,
            error_code=None if code is None else str(code),
            metadata=dict(metadata or {}),
            retryable=bool(row and row.retryable) if retryable is None else retryable,
        )

    @property
    def is_success(self) -> bool:
        """All of it went well."""
        return self.status is ResponseStatus.SUCCESS

    @property
    def is_error(self) -> bool:
        """It failed."""
        return self.status is ResponseStatus.ERROR

    @property
    def is_blocked(self) -> bool:
        """A rule said no before anything was done."""
        return self.status is ResponseStatus.BLOCKED

    @property
    def is_partial(self) -> bool:
        """Some of it is there."""
        return self.status is ResponseStatus.PARTIAL

    def unwrap(self, *, partial: bool = False) -> Any:
        """The data of a success, and of a partial answer if `partial` allows it.

        Raises:
            OmniError: it is an error, a refusal or a partial answer; with its message, code, cure and details.
        """
        if self.is_success or (partial and self.is_partial):
            return self.data
        raise OmniError(
            self.error_message or self.status,
            code=self.error_code,
            cure=text_of(self.metadata.get("cure", "")),
            retryable=self.retryable,
            details=self.metadata.get("details"),
        )

    def to_mcp(self) -> dict[str, Any]:
        """The result of an MCP tool call: for a program the whole envelope, for a model only what it has to know."""
        envelope = self.model_dump(mode="json")
        return {
            "content": [{"type": "text", "text": _text_form(envelope)}],
            "structuredContent": envelope,
            "isError": self.is_error or self.is_blocked,
        }

    def described(self, metadata: Mapping[str, Any], duration_ms: float | None = None) -> ToolResponse:
        """The same response with more metadata, what it says itself going first, and a duration if it has none."""
        merged = {**to_json_value(metadata), **self.metadata}
        duration = duration_ms if self.duration_ms is None else self.duration_ms
        return self.model_copy(update={"metadata": merged, "duration_ms": duration})


def _text_form(envelope: Mapping[str, Any]) -> str:
    import orjson

    data = envelope["data"]
    body = data if isinstance(data, str) else "" if data is None else orjson.dumps(data).decode()
    if envelope["status"] == ResponseStatus.SUCCESS:
        return body or "done"
    code, cure = envelope["error_code"], envelope["metadata"].get("cure")
    head = f"{envelope['status']}: {envelope['error_message']}" + (f" [{code}]" if code else "")
    return "\n".join(part for part in (head, f"cure: {cure}" if cure else "", body) if part)


def _mapped(error: BaseException, error_map: ErrorMap) -> str | None:
    return next((_numbered(error_map[kind]) for kind in type(error).__mro__ if kind in error_map), None)


def _numbered(code: str) -> str:
    """A code as the envelope takes it; what is no number of four digits says no more than that it failed."""
    return str(code) if re.fullmatch(_CODE, code) else str(CoreErrorCode.TOOL_EXECUTION_FAILED)


@dataclass(frozen=True)
class _Outcome:
    """What a call came to. Kept apart from raising: a StopIteration cannot be raised through a future."""

    value: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class _Executor:
    def __init__(self, default_metadata: Mapping[str, Any] | None = None) -> None:
        self._metadata = dict(default_metadata or {})

    def _response(
        self, outcome: _Outcome, began: float, error_map: ErrorMap | None, metadata: Mapping[str, Any] | None
    ) -> ToolResponse:
        if outcome.error is not None:
            if (end := _end_of_process(outcome.error)) is not None:
                raise end
            response = _told(outcome.error, error_map)
        elif issubclass(type(outcome.value), ToolResponse):
            response = outcome.value
        else:
            response = ToolResponse.success(outcome.value)
        passed = (time.perf_counter() - began) * 1000
        return response.described({**self._metadata, **(metadata or {})}, round(passed, 3))


class CommandExecutor(_Executor):
    """Runs a callable and answers with a ToolResponse, whatever happens. Safe to use from several threads."""

    def execute(
        self,
        func: Callable[..., Any],
        *args: Any,
        timeout: float | None = None,
        error_map: ErrorMap | None = None,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> ToolResponse:
        """Call `func(*args, **kwargs)`; a coroutine is run to its end, a generator is collected into a list.

        With a `timeout` in seconds it runs on a thread of its own. A thread cannot be stopped: one that goes on after
        its time is left behind, and ends with the process at the latest. A ToolResponse is passed on as it is.

        Raises:
            KeyboardInterrupt, SystemExit: whoever ends the process means it. Nothing else.
        """
        began = time.perf_counter()
        call = functools.partial(_settle, func, args, kwargs)
        outcome = _capture(call) if timeout is None else _capture(functools.partial(_within, timeout, func, call))
        return self._response(outcome, began, error_map, metadata)


class AsyncCommandExecutor(_Executor):
    """The same for callers that run an event loop; only a coroutine that blocks can block it."""

    async def execute(
        self,
        func: Callable[..., Any],
        *args: Any,
        timeout: float | None = None,
        error_map: ErrorMap | None = None,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> ToolResponse:
        """Await a coroutine function here, call anything else on a thread of its own; wait `timeout` seconds at most.

        Raises:
            KeyboardInterrupt, SystemExit: whoever ends the process means it.
            asyncio.CancelledError: the task that awaits this was cancelled.
        """
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                outcome = await _guarded(_call(func, args, kwargs))
        except TimeoutError:  # ours: one that was raised by what we called is an outcome
            outcome = _Outcome(error=ToolTimeout(_name(func), timeout or 0))
        return self._response(outcome, began, error_map, metadata)


def _told(error: BaseException, error_map: ErrorMap | None) -> ToolResponse:
    try:
        return ToolResponse.from_exception(error, error_map=error_map)
    except Exception:  # noqa: BLE001  # an exception class may raise when its attributes are read
        return ToolResponse.error(f"{type(error).__name__}, which cannot be shown")


def _end_of_process(error: BaseException) -> BaseException | None:
    """The KeyboardInterrupt or SystemExit that an exception is, or that a group holds."""
    if isinstance(error, BaseExceptionGroup):
        return next((end for each in error.exceptions if (end := _end_of_process(each))), None)
    return error if isinstance(error, KeyboardInterrupt | SystemExit) else None


def _capture(call: Callable[[], Any]) -> _Outcome:
    try:
        return _Outcome(call())
    except BaseException as error:  # noqa: BLE001  # the executor's promise; the caller lets the process end where it must
        return _Outcome(error=error)


def _name(func: object) -> str:
    return text_of(getattr(func, "__name__", None) or type(func).__name__)


def _start(call: Callable[[], Any]) -> concurrent.futures.Future[_Outcome]:
    """Run it on a daemon thread, in the caller's context. The standard library's pool would keep a process alive."""
    future: concurrent.futures.Future[_Outcome] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # from here on nobody can cancel it, so that the result always has a place
    context = contextvars.copy_context()

    def run() -> None:
        future.set_result(context.run(lambda: _capture(call)))

    threading.Thread(target=run, name="execute", daemon=True).start()
    return future


def _within(seconds: float, func: object, call: Callable[[], Any]) -> Any:
    future = _start(call)
    done, _ = concurrent.futures.wait([future], seconds)
    if not done:
        raise ToolTimeout(_name(func), seconds)
    return future.result().get()


def _settle(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The final value of a call, from a thread that may or may not run an event loop."""
    value = func(*args, **kwargs)
    if not (inspect.isawaitable(value) or inspect.isasyncgen(value)):
        return _collect(value)
    finish = functools.partial(asyncio.run, _guarded(_finish(value)))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return finish().get()
    return _start(finish).result().get().get()


async def _call(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Outcome:
    """Of a call from a running event loop."""
    if inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__):
        return await _finish(func(*args, **kwargs))
    outcome = await _on_thread(functools.partial(func, *args, **kwargs))
    if outcome.error is not None:
        return outcome
    if inspect.isgenerator(outcome.value):
        return await _on_thread(functools.partial(_collect, outcome.value))
    return await _finish(outcome.value)


async def _guarded(outcome: Coroutine[Any, Any, _Outcome]) -> _Outcome:
    """A task's error as an outcome: `asyncio.run` stumbles over one whose repr raises, and keeps SIGINT then.

    A task that is cancelled from outside stays cancelled.
    """
    try:
        return await outcome
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return _Outcome(error=error)
    except BaseException as error:  # noqa: BLE001  # as in _capture
        return _Outcome(error=error)


async def _on_thread(call: Callable[[], Any]) -> _Outcome:
    return await asyncio.wrap_future(_start(call))


async def _finish(value: Any) -> _Outcome:
    if inspect.isawaitable(value):
        value = await value
    return _Outcome(await _collect_async(value) if inspect.isasyncgen(value) else _collect(value))


def _collect(value: Any) -> Any:
    """A generator as a list, anything else as it is."""
    if not inspect.isgenerator(value):
        return value
    return _counted(list(islice(value, MAX_YIELDED + 1)))


async def _collect_async(values: AsyncIterator[Any]) -> list[Any]:
    found: list[Any] = []
    async for value in values:
        found.append(value)
        if len(found) > MAX_YIELDED:
            break
    return _counted(found)


def _counted(found: list[Any]) -> list[Any]:
    if len(found) > MAX_YIELDED:
        raise OmniError(
            f"it yields more than {MAX_YIELDED:,} values",
            cure="yield fewer, or give pages",
            code=CoreErrorCode.VALUE_OUT_OF_RANGE,
        )
    return found
