"""The executors: every call ends in a valid envelope, in time."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni_pipelines.errors import DeletionRefused, HomeBusy, NoAnswer, OmniError
from omni_pipelines.executors import AsyncCommandExecutor, CommandExecutor
from omni_pipelines.responses import ToolResponse


def run(func: Callable[..., Any], *args: Any, **kwargs: Any) -> ToolResponse:
    return CommandExecutor().execute(func, *args, **kwargs)


def run_async(func: Callable[..., Any], *args: Any, **kwargs: Any) -> ToolResponse:
    return asyncio.run(AsyncCommandExecutor().execute(func, *args, **kwargs))


def run_with_limit(func: Callable[..., Any], *args: Any, **kwargs: Any) -> ToolResponse:
    return CommandExecutor().execute(func, *args, timeout=60, **kwargs)


def run_inside_a_loop(func: Callable[..., Any], *args: Any, **kwargs: Any) -> ToolResponse:
    async def inside() -> ToolResponse:
        return CommandExecutor().execute(func, *args, **kwargs)

    return asyncio.run(inside())


WAYS = [run, run_async, run_with_limit, run_inside_a_loop]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def raising(error: BaseException) -> Callable[[], Any]:
    def func() -> Any:
        raise error

    return func


def raising_async(error: BaseException) -> Callable[[], Any]:
    async def func() -> Any:
        await asyncio.sleep(0)
        raise error

    return func


def add(one: int, two: int = 1) -> int:
    return one + two


async def add_async(one: int, two: int = 1) -> int:
    await asyncio.sleep(0)
    return one + two


class AddAsync:
    async def __call__(self, one: int, two: int = 1) -> int:
        return await add_async(one, two)


def count(last: int) -> Iterator[int]:
    yield from range(last)


async def count_async(last: int) -> AsyncIterator[int]:
    for number in range(last):
        yield number


# --- results


@ways
@pytest.mark.parametrize(
    "func", [add, add_async, AddAsync(), functools.partial(add_async), lambda *a, **k: add_async(*a, **k)]
)
def test_a_returned_value_is_a_success_with_a_duration(way: Any, func: Callable[..., Any]) -> None:
    response = way(func, 2, two=3)
    assert response.is_success
    assert response.unwrap() == 5
    assert response.duration_ms is not None


@ways
def test_a_returned_response_is_passed_on(way: Any) -> None:
    own = ToolResponse.partial([1], "one is missing", "6002", metadata={"own": True})
    response = way(lambda: own)
    assert response == own.model_copy(update={"duration_ms": response.duration_ms})
    assert response.duration_ms is not None


@ways
@pytest.mark.parametrize("make", [raising, raising_async])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoAnswer("nothing"), "error", "7001"),
        (DeletionRefused("too many"), "blocked", "3004"),
        (HomeBusy("locked"), "error", "3005"),
        (KeyError("x"), "error", "3002"),
        (TimeoutError("its own"), "error", "3003"),
        (FileNotFoundError(2, "No such file", "a"), "error", "4003"),
        (GeneratorExit(), "error", "3002"),
        (asyncio.CancelledError("its own"), "error", "3002"),
        (BaseExceptionGroup("two", [NoAnswer("nothing"), GeneratorExit()]), "error", "7001"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_is_an_error_with_its_code(
    way: Any, make: Callable[[BaseException], Any], error: BaseException, status: str, code: str
) -> None:
    response = way(make(error))
    assert (response.status, response.error_code) == (status, code)
    assert response.metadata["error_type"] == type(error).__name__


@ways
def test_a_stop_iteration_is_an_error(way: Any) -> None:
    assert way(raising(StopIteration(3))).error_message == "StopIteration: 3"


@ways
def test_an_impossible_call_is_an_error(way: Any) -> None:
    assert way(3).error_code == "3002"
    assert "TypeError" in way(add, 1, 2, 3).error_message


# --- errors that are raised


@ways
@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("make", [raising, raising_async])
def test_keyboard_interrupt_and_system_exit_are_raised(way: Any, end: type[BaseException], make: Any) -> None:
    with pytest.raises(end):
        way(make(end()))


@pytest.mark.parametrize("way", [run, run_with_limit])
def test_a_keyboard_interrupt_in_a_group_is_raised(way: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        way(raising(BaseExceptionGroup("all", [ValueError(), BaseExceptionGroup("in", [KeyboardInterrupt()])])))


@pytest.mark.parametrize("way", [run, run_async])
def test_ctrl_c_during_a_coroutine_is_raised(way: Any) -> None:
    async def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        way(interrupted)


def test_a_cancelled_task_stays_cancelled() -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(AsyncCommandExecutor().execute(asyncio.sleep, 60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


# --- timeouts and threads


def test_a_function_continues_in_the_background_after_its_timeout() -> None:
    finish, ended = threading.Event(), threading.Event()

    def slow() -> None:
        finish.wait(60)
        ended.set()

    for way in (run, run_async):
        response = way(slow, timeout=0.05)
        assert (response.error_code, response.retryable) == ("3003", True)
        assert response.error_message == "slow did not finish in 0.05 s"
        assert response.metadata["details"] == {"tool": "slow", "timeout_seconds": 0.05}
    assert not ended.is_set()
    finish.set()
    assert ended.wait(60)


@pytest.mark.parametrize("way", [run, run_async])
def test_a_coroutine_that_does_not_finish_is_a_timeout(way: Any) -> None:
    response = way(asyncio.sleep, 5, timeout=0.05)
    assert response.error_code == "3003"


def test_a_coroutine_is_cancelled_after_its_timeout() -> None:
    seen: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    assert run_async(slow, timeout=0.05).error_code == "3003"
    assert seen == ["cancelled"]


@pytest.mark.parametrize("way", [run, run_async])
def test_a_timeout_error_of_the_call_keeps_its_message(way: Any) -> None:
    response = way(raising(TimeoutError("the server is slow")), timeout=60)
    assert response.error_message == "the server is slow"


def test_a_function_does_not_block_the_event_loop() -> None:
    async def both() -> tuple[ToolResponse, bool]:
        finish = threading.Event()
        task = asyncio.create_task(AsyncCommandExecutor().execute(finish.wait, 60))
        await asyncio.sleep(0.01)
        free = not task.done()
        finish.set()
        return await task, free

    response, free = asyncio.run(both())
    assert response.unwrap() is True
    assert free


@ways
def test_a_call_sees_the_context_variables_of_its_caller(way: Any) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    token = variable.set("set")
    try:
        assert way(variable.get).unwrap() == "set"
    finally:
        variable.reset(token)


def test_one_executor_works_in_several_threads() -> None:
    executor, results = CommandExecutor(), []

    def work(number: int) -> None:
        results.append(executor.execute(pow, number, 1, timeout=60).unwrap())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(16))


# --- any result and any error


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Liar(OmniError):
    """Raises when it is asked what happened."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("message", "cure", "code", "details"):
            raise RuntimeError("not telling")
        return super().__getattribute__(name)


class Chameleon:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("who knows")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("no")


class EvilDict(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no items")


def circle() -> Any:
    value: dict[str, Any] = {}
    value["self"] = [value]
    return value


def deep() -> Any:
    value: Any = None
    for _ in range(3_000):
        value = [value]
    return value


async def coroutine() -> int:
    return 1


RESULTS: list[Callable[[], Any]] = [
    object,
    lambda: lambda: None,
    threading.Lock,
    circle,
    deep,
    Chameleon,
    EvilDict,
    lambda: EvilDict(a=1),
    lambda: float("nan"),
    lambda: [float("inf"), {float("nan"): 1}],
    lambda: b"\xff\xfe",
    lambda: "\ud800 lone",
    lambda: {"\udfff": "\ud800"},
    lambda: 10**5_000,
    lambda: "x" * 2_000_000,
    lambda: list(range(20_000)),
    lambda: {1: 1, "1": 2, (3,): 4, None: 5},
    lambda: Mute("as a value"),
    lambda: ToolResponse.error("said so itself"),
    lambda: ToolResponse,
    lambda: count(3),
    lambda: count_async(3),
    coroutine,
    lambda: (value for value in [Chameleon()]),
    lambda: iter([1, 2]),
    lambda: type("Odd", (), {"__slots__": ()})(),
]
ERRORS: list[Callable[[], BaseException]] = [
    lambda: ValueError("\ud800"),
    lambda: ValueError("x" * 100_000),
    lambda: ValueError(),
    Mute,
    lambda: Liar("x"),
    lambda: OmniError("", code="nonsense", details={"a": circle()}),
    lambda: OmniError("x", cure="\ud800", details={"\ud800": Chameleon()}),
    lambda: OSError(28, "No space left on device", "\udcff"),
    lambda: OSError(28),
    lambda: OSError("\x00"),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    RecursionError,
    MemoryError,
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    lambda: BaseExceptionGroup("group", [Mute(), GeneratorExit(), ExceptionGroup("in", [Liar("x")])]),
    lambda: type("Errors", (Exception,), {"errors": lambda self: 1 / 0})(),
]


def assert_valid(response: ToolResponse) -> None:
    written = response.model_dump_json()
    again = ToolResponse.model_validate_json(written)
    assert (again.status, again.error_code, again.error_message) == (
        response.status,
        response.error_code,
        response.error_message,
    )
    result = response.to_mcp()
    structure = json.loads(json.dumps(result["structuredContent"], allow_nan=False).encode())
    assert structure == json.loads(written)
    assert result["isError"] is (response.status in ("error", "blocked"))
    assert len(result["content"]) >= 1
    assert all(block["type"] == "text" and block["text"].encode() for block in result["content"])


@ways
@pytest.mark.parametrize("make", RESULTS)
def test_every_result_makes_a_valid_envelope(way: Any, make: Callable[[], Any]) -> None:
    assert_valid(way(make))


@ways
@pytest.mark.parametrize("make", ERRORS)
@pytest.mark.parametrize("wrap", [raising, raising_async])
def test_every_exception_makes_a_valid_error(way: Any, make: Callable[[], BaseException], wrap: Any) -> None:
    response = way(wrap(make()))
    assert_valid(response)
    assert response.is_error or response.is_blocked


@dataclass(frozen=True, repr=False)
class Hidden:
    """A value that hypothesis does not print: some are huge, and some raise when they are printed."""

    value: Any


# A coroutine would never be awaited inside a list, and hypothesis itself stumbles over a chameleon.
ODD = [make for make in RESULTS if make not in (coroutine, Chameleon)]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=40)
    | st.datetimes()
    | st.decimals()
    | st.complex_numbers()
    | st.sampled_from(ODD).map(lambda make: make())
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.floats() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)
SIMPLE_ERRORS = st.sampled_from(ERRORS).map(lambda make: make())
KINDS = st.sampled_from([Exception, ValueError, KeyError, OSError, RuntimeError, OmniError, TimeoutError])
BUILT_ERRORS = st.tuples(KINDS, VALUES).map(lambda pair: pair[0](pair[1]))
GROUPS = st.lists(SIMPLE_ERRORS | BUILT_ERRORS, min_size=1, max_size=3).map(
    lambda all_: BaseExceptionGroup("g", all_)
)


ANY_ERROR = SIMPLE_ERRORS | BUILT_ERRORS | GROUPS
RAISING = st.sampled_from([raising, raising_async])


@settings(deadline=None, max_examples=150)
@given(result=VALUES.map(Hidden), way=st.sampled_from(WAYS))
def test_any_value_makes_a_valid_envelope(result: Hidden, way: Any) -> None:
    assert_valid(way(lambda: result.value))


@settings(deadline=None, max_examples=150)
@given(error=ANY_ERROR.map(Hidden), wrap=RAISING, way=st.sampled_from(WAYS))
def test_any_error_makes_a_valid_envelope(error: Hidden, wrap: Any, way: Any) -> None:
    response = way(wrap(error.value))
    assert_valid(response)
    assert response.is_error or response.is_blocked
