"""The catalog carries out calls by the rules of their definitions, and answers in one envelope whatever happens."""

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
    """Tools that fail as often as they are told to."""

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


def test_an_answer_says_which_tool_gave_it() -> None:
    response = catalog_of(Shelf()).call("shelf.put", {"value": "book"})
    assert (response.is_success, response.data) == (True, "book")
    assert (response.metadata["tool"], response.metadata["attempts"]) == ("shelf.put", 1)


@pytest.mark.parametrize("error", [ValueError("no"), NoAnswer("no", cure="yes"), RecursionError(), MemoryError()])
def test_whatever_a_tool_raises_becomes_an_answer(error: Exception) -> None:
    response = catalog_of(Shelf(error)).call("shelf.put", {"value": "book"})
    assert response.is_error
    assert response.error_code
    assert response.metadata["tool"] == "shelf.put"


def test_the_cure_of_an_error_is_told() -> None:
    response = catalog_of(Shelf(NoAnswer("not told", cure="ask again"))).call("shelf.put", {"value": "book"})
    assert response.error_message == "not told"
    assert response.metadata["cure"] == "ask again"


def test_what_may_pass_is_tried_again_after_growing_pauses() -> None:
    clock, shelf = Clock(), Shelf(HomeBusy("busy"), HomeBusy("busy"))
    response = catalog_of(shelf, clock).call("shelf.peek")
    assert (response.data, response.metadata["attempts"]) == ("x", 3)
    assert clock.pauses == [FIRST_WAIT_SECONDS, 2 * FIRST_WAIT_SECONDS]


def test_attempts_end() -> None:
    shelf = Shelf(*[HomeBusy("busy")] * 9)
    response = catalog_of(shelf).call("shelf.peek")
    assert (response.is_error, response.retryable, shelf.calls) == (True, True, 3)


def test_what_will_not_pass_is_not_tried_again() -> None:
    shelf = Shelf(ValueError("broken"))
    assert catalog_of(shelf).call("shelf.peek").is_error
    assert shelf.calls == 1


def test_a_tool_that_is_not_safe_to_repeat_is_called_once() -> None:
    shelf = Shelf(HomeBusy("busy"))
    assert catalog_of(shelf).call("shelf.put", {"value": "book"}).is_error
    assert shelf.calls == 1


def test_only_the_listed_errors_are_tried_again() -> None:
    refused = ConfigurationError("refused", code="1001")
    assert catalog_of(Shelf(refused)).call("shelf.pick").is_success
    assert catalog_of(Shelf(HomeBusy("busy"))).call("shelf.pick").is_error


def test_a_refused_call_is_not_an_attempt() -> None:
    shelf = Shelf()
    assert catalog_of(shelf).call("shelf.peek", {"value": 5}).is_error
    assert shelf.calls == 0


def test_an_answer_is_kept_for_equal_arguments_until_its_time_is_over() -> None:
    clock, shelf = Clock(), Shelf()
    catalog = catalog_of(shelf, clock)
    first, second = (catalog.call("shelf.read", {"value": "a"}) for _ in range(2))
    assert second.data == first.data
    assert (first.metadata["cached"], second.metadata["cached"], shelf.calls) == (False, True, 1)
    catalog.call("shelf.read", {"value": "b"})
    clock.now += 60
    catalog.call("shelf.read", {"value": "a"})
    assert shelf.calls == 3


def test_a_kept_answer_belongs_to_whoever_gets_it() -> None:
    catalog = catalog_of(Shelf())
    for _ in range(3):
        answer = catalog.call("shelf.read").data
        assert answer == {"value": "x", "call": 0}
        answer.clear()


def test_arguments_of_any_size_have_kept_answers_of_their_own() -> None:
    @tool("test.double", read_only=True, cache_ttl=60)
    def double(number: int) -> str:
        """Double a number."""
        return str(2 * number)

    catalog = ToolCatalog(runner=ToolRunner(Clock()))
    catalog.add(double)
    answers = [catalog.call("test.double", {"number": number}).data for number in (10**30, 10**30 + 1, 10**30)]
    assert answers == [str(2 * 10**30), str(2 * 10**30 + 2), str(2 * 10**30)]


def test_many_threads_get_the_same_kept_answer() -> None:
    catalog = catalog_of(Shelf())
    first = catalog.call("shelf.read").data
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: catalog.call("shelf.read").data, range(200)))
    assert answers == [first] * 200


def test_an_error_is_not_kept() -> None:
    shelf = Shelf(ValueError("broken"))
    catalog = catalog_of(shelf)
    assert [catalog.call("shelf.read").is_error for _ in range(2)] == [True, False]


def test_kept_answers_are_bounded() -> None:
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
def test_what_a_tool_returns_is_answered_as_json_values(value: Any, data: Any) -> None:
    @tool("test.give")
    def give() -> Any:
        """Give it."""
        return value

    catalog = ToolCatalog()
    catalog.add(give)
    assert catalog.call("test.give").data == data


def test_a_tool_may_answer_with_an_envelope_of_its_own() -> None:
    @tool("test.give")
    def give() -> ToolResponse:
        """Give it."""
        return ToolResponse.error("not today", "3001")

    catalog = ToolCatalog()
    catalog.add(give)
    response = catalog.call("test.give")
    assert (response.error_code, response.error_message) == ("3001", "not today")


def test_what_json_cannot_carry_is_an_error_and_not_a_crash() -> None:
    @tool("test.give")
    def give() -> object:
        """Give it."""
        return object()

    catalog = ToolCatalog()
    catalog.add(give)
    assert catalog.call("test.give").is_error


def test_a_tool_may_be_async() -> None:
    @tool("test.give")
    async def give(value: int) -> tuple[int, ...]:
        """Give it."""
        return (value,)

    catalog = ToolCatalog()
    catalog.add(give)
    assert catalog.call("test.give", {"value": 5}).data == [5]


def test_two_tools_of_one_name_cannot_be_added() -> None:
    catalog = catalog_of(Shelf())
    with pytest.raises(ConfigurationError, match=r"a tool shelf\.put already"):
        catalog.add(Shelf().put)


def test_the_schema_of_a_tool_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(ToolNotFoundError) as error:
        catalog_of(Shelf()).get_tool_schema("shelf.raed")
    assert "shelf.read" in error.value.cure


def test_tools_are_listed_by_name() -> None:
    catalog = catalog_of(Shelf())
    assert catalog.names == ["shelf.peek", "shelf.pick", "shelf.put", "shelf.read"]
    assert [definition.name for definition in catalog.tools] == catalog.names
