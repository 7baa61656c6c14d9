"""A catalog runs calls by the rules of their definitions and answers each with a `ToolResponse`."""

from __future__ import annotations

import enum
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.errors import ConfigurationError, HomeBusy, NoAnswer, ToolNotFoundError
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.execution import FIRST_WAIT_SECONDS, MAX_CACHED, ToolRunner
from omni_pipelines.tools.signature import tool


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Shelf:
    """Tools that raise the given errors, one per call."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def _answer(self, value: object) -> object:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return value

    @tool("shelf.put")
    def put(self, value: str) -> object:
        """Put it there."""
        return self._answer(value)

    @tool("shelf.peek", idempotent=True, max_attempts=3)
    def peek(self, value: str = "x") -> object:
        """Look, patiently."""
        return self._answer(value)

    @tool("shelf.pick", idempotent=True, max_attempts=2, retry_on=("1001",))
    def pick(self) -> object:
        """Take, twice if the choice was refused."""
        return self._answer("x")

    @tool("shelf.read", read_only=True, cache_ttl=60)
    def read(self, value: str = "x") -> object:
        """Read what was read before."""
        return self._answer({"value": value, "call": self.calls})


def catalog_of(shelf: Shelf, clock: Clock | None = None) -> ToolCatalog:
    time = clock or Clock()
    catalog = ToolCatalog(runner=ToolRunner(time, time.sleep))
    catalog.add(shelf.put, shelf.peek, shelf.pick, shelf.read)
    return catalog


def test_response_names_the_tool_and_the_attempts() -> None:
    response = catalog_of(Shelf()).call("shelf.put", {"value": "book"})
    assert (response.is_success, response.data) == (True, "book")
    assert (response.metadata["tool"], response.metadata["attempts"]) == ("shelf.put", 1)


@pytest.mark.parametrize("error", [ValueError("no"), NoAnswer("no", cure="yes"), RecursionError(), MemoryError()])
def test_exception_of_a_tool_becomes_an_error_response(error: Exception) -> None:
    response = catalog_of(Shelf(error)).call("shelf.put", {"value": "book"})
    assert response.is_error
    assert response.error_code
    assert response.metadata["tool"] == "shelf.put"


def test_error_response_contains_the_cure() -> None:
    response = catalog_of(Shelf(NoAnswer("no answer", cure="ask again"))).call("shelf.put", {"value": "book"})
    assert response.error_message == "no answer"
    assert response.metadata["cure"] == "ask again"


def test_retryable_error_is_retried_after_growing_waits() -> None:
    clock, shelf = Clock(), Shelf(HomeBusy("busy"), HomeBusy("busy"))
    response = catalog_of(shelf, clock).call("shelf.peek")
    assert (response.data, response.metadata["attempts"]) == ("x", 3)
    assert clock.pauses == [FIRST_WAIT_SECONDS, 2 * FIRST_WAIT_SECONDS]


def test_retries_end_after_max_attempts() -> None:
    shelf = Shelf(*[HomeBusy("busy")] * 9)
    response = catalog_of(shelf).call("shelf.peek")
    assert (response.is_error, response.retryable, shelf.calls) == (True, True, 3)


def test_other_errors_are_not_retried() -> None:
    shelf = Shelf(ValueError("broken"))
    assert catalog_of(shelf).call("shelf.peek").is_error
    assert shelf.calls == 1


def test_tool_without_retries_is_called_once() -> None:
    shelf = Shelf(HomeBusy("busy"))
    assert catalog_of(shelf).call("shelf.put", {"value": "book"}).is_error
    assert shelf.calls == 1


def test_only_error_codes_in_retry_on_are_retried() -> None:
    refused = ConfigurationError("refused", code="1001")
    assert catalog_of(Shelf(refused)).call("shelf.pick").is_success
    assert catalog_of(Shelf(HomeBusy("busy"))).call("shelf.pick").is_error


def test_refused_call_does_not_run_the_tool() -> None:
    shelf = Shelf()
    assert catalog_of(shelf).call("shelf.peek", {"value": 5}).is_error
    assert shelf.calls == 0


def test_answer_is_cached_for_equal_arguments_until_it_expires() -> None:
    clock, shelf = Clock(), Shelf()
    catalog = catalog_of(shelf, clock)
    first, second = (catalog.call("shelf.read", {"value": "a"}) for _ in range(2))
    assert second.data == first.data
    assert (first.metadata["cached"], second.metadata["cached"], shelf.calls) == (False, True, 1)
    catalog.call("shelf.read", {"value": "b"})
    clock.now += 60
    catalog.call("shelf.read", {"value": "a"})
    assert shelf.calls == 3


def test_changing_a_cached_answer_does_not_change_the_cache() -> None:
    catalog = catalog_of(Shelf())
    for _ in range(3):
        answer = catalog.call("shelf.read").data
        assert answer == {"value": "x", "call": 0}
        answer.clear()


def test_answers_for_huge_integers_are_cached_separately() -> None:
    @tool("test.double", read_only=True, cache_ttl=60)
    def double(number: int) -> str:
        """Double a number."""
        return str(2 * number)

    catalog = ToolCatalog(runner=ToolRunner(Clock()))
    catalog.add(double)
    answers = [catalog.call("test.double", {"number": number}).data for number in (10**30, 10**30 + 1, 10**30)]
    assert answers == [str(2 * 10**30), str(2 * 10**30 + 2), str(2 * 10**30)]


def test_answers_for_arguments_that_are_not_json_are_not_cached() -> None:
    calls: list[object] = []

    @tool("test.count", read_only=True, cache_ttl=60)
    def count(options: dict) -> int:
        """Count the calls."""
        calls.append(options)
        return len(calls)

    catalog = ToolCatalog()
    catalog.add(count)
    assert [catalog.call("test.count", {"options": {"value": object()}}).data for _ in range(2)] == [1, 2]


def test_threads_share_a_cached_answer() -> None:
    catalog = catalog_of(Shelf())
    first = catalog.call("shelf.read").data
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: catalog.call("shelf.read").data, range(200)))
    assert answers == [first] * 200


def test_error_response_is_not_cached() -> None:
    shelf = Shelf(ValueError("broken"))
    catalog = catalog_of(shelf)
    assert [catalog.call("shelf.read").is_error for _ in range(2)] == [True, False]


def test_oldest_answers_are_dropped_from_a_full_cache() -> None:
    shelf = Shelf()
    catalog = catalog_of(shelf)
    for number in range(MAX_CACHED + 1):
        catalog.call("shelf.read", {"value": str(number)})
    assert catalog.call("shelf.read", {"value": str(MAX_CACHED)}).metadata["cached"] is True
    assert catalog.call("shelf.read", {"value": "0"}).metadata["cached"] is False


class Kind(enum.Enum):
    ONE = "one"


@dataclass
class Row:
    kind: Kind
    at: datetime
    path: Path


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, None),
        ((1, 2), [1, 2]),
        ({"a"}, ["a"]),
        (Kind.ONE, "one"),
        (
            Row(Kind.ONE, datetime(2026, 1, 31, tzinfo=UTC), Path("a/b")),
            {"kind": "one", "at": "2026-01-31T00:00:00Z", "path": "a/b"},
        ),
    ],
    ids=repr,
)
def test_return_value_of_a_tool_becomes_json_values(value: Any, data: Any) -> None:
    @tool("test.give")
    def give() -> Any:
        """Give it."""
        return value

    catalog = ToolCatalog()
    catalog.add(give)
    assert catalog.call("test.give").data == data


def test_tool_may_return_a_tool_response() -> None:
    @tool("test.give")
    def give() -> ToolResponse:
        """Give it."""
        return ToolResponse.error("not today", "3001")

    catalog = ToolCatalog()
    catalog.add(give)
    response = catalog.call("test.give")
    assert (response.error_code, response.error_message) == ("3001", "not today")


def test_return_value_that_json_cannot_express_is_an_error_response() -> None:
    @tool("test.give")
    def give() -> object:
        """Give it."""
        return object()

    catalog = ToolCatalog()
    catalog.add(give)
    assert catalog.call("test.give").is_error


def test_async_function_can_be_a_tool() -> None:
    @tool("test.give")
    async def give(value: int) -> tuple[int, ...]:
        """Give it."""
        return (value,)

    catalog = ToolCatalog()
    catalog.add(give)
    assert catalog.call("test.give", {"value": 5}).data == [5]


def test_adding_a_second_tool_with_the_same_name_is_refused() -> None:
    catalog = catalog_of(Shelf())
    with pytest.raises(ConfigurationError, match=r"a tool shelf\.put already"):
        catalog.add(Shelf().put)


def test_definition_of_an_unknown_tool_suggests_the_nearest_name() -> None:
    with pytest.raises(ToolNotFoundError) as error:
        catalog_of(Shelf()).get_tool_schema("shelf.raed")
    assert "shelf.read" in error.value.cure


def test_tools_are_sorted_by_name() -> None:
    catalog = catalog_of(Shelf())
    assert catalog.names == ["shelf.peek", "shelf.pick", "shelf.put", "shelf.read"]
    assert [definition.name for definition in catalog.tools] == catalog.names
