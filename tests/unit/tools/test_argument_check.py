"""Calls are checked before anything runs, and refused with the path, the problem and the cure."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.signature import tool


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str
    zip: Annotated[str, Field(pattern=r"^[0-9]{5}$")] | None = None

    @field_validator("city")
    @classmethod
    def _is_known(cls, city: str) -> str:
        if city == "Atlantis":
            raise ValueError("It is under water")
        if city == "Babel":
            raise LookupError("no language")
        return city


RAN: list[dict[str, Any]] = []


@tool("post.send")
def send(
    to: Annotated[str, Field(min_length=2, max_length=10, pattern="^[a-z]+$")],
    copies: Annotated[int, Field(ge=1, le=1000, multiple_of=1)] = 1,
    weight: Annotated[float, Field(gt=0, lt=30)] = 1.0,
    speed: Literal["slow", "fast"] = "slow",
    urgent: bool = False,
    labels: Annotated[list[str], Field(max_length=2)] = [],  # noqa: B006  # shown to be copied nowhere
    marks: set[int] | None = None,
    address: Address | None = None,
    day: datetime.date | None = None,
    extra: dict[str, int] | None = None,
) -> str:
    """Send something."""
    RAN.append({"to": to, "address": address, "day": day, "marks": marks})
    return to


@pytest.fixture
def catalog() -> ToolCatalog:
    RAN.clear()
    made = ToolCatalog()
    made.add(send)
    return made


INVALID, MISSING, TYPE, RANGE, FORM = "1001", "1002", "1003", "1004", "1005"
MISTAKES: list[tuple[Any, str, str, str]] = [
    # the arguments beside to="anna", the code, the field, a part of the cure
    ({"to": None}, TYPE, "to", "write it as text, in quotes"),
    ({"to": 5}, TYPE, "to", "in quotes"),
    ({"to": ["anna"]}, TYPE, "to", "in quotes"),
    ({"to": "a"}, RANGE, "to", "at least 2 characters"),
    ({"to": "a" * 11}, RANGE, "to", "at most 10 characters"),
    ({"to": "Anna"}, FORM, "to", "a text that matches ^[a-z]+$"),
    ({"to": "anna\n"}, FORM, "to", ""),
    ({"copies": "5"}, TYPE, "copies", "a whole number, without quotes"),
    ({"copies": 1.5}, TYPE, "copies", "a whole number"),
    ({"copies": True}, TYPE, "copies", "a whole number"),
    ({"copies": None}, TYPE, "copies", "a whole number"),
    ({"copies": 0}, RANGE, "copies", "give at least 1"),
    ({"copies": 1001}, RANGE, "copies", "give at most 1000"),
    ({"copies": 10**400}, RANGE, "copies", "give at most 1000"),
    ({"weight": "1.5"}, TYPE, "weight", "a number, without quotes"),
    ({"weight": 0}, RANGE, "weight", "more than 0"),
    ({"weight": 30}, RANGE, "weight", "less than 30"),
    ({"weight": float("nan")}, TYPE, "weight", "give a number"),
    ({"weight": float("inf")}, TYPE, "weight", "give a number"),
    ({"speed": "fats"}, INVALID, "speed", "did you mean fast?"),
    ({"speed": "warp"}, INVALID, "speed", "allowed: slow, fast"),
    ({"speed": 1}, TYPE, "speed", "in quotes"),
    ({"urgent": "true"}, TYPE, "urgent", "true or false, without quotes"),
    ({"urgent": 1}, TYPE, "urgent", "true or false"),
    ({"labels": "red"}, TYPE, "labels", "give a list"),
    ({"labels": {"red": 1}}, TYPE, "labels", "give a list"),
    ({"labels": ["a", 2]}, TYPE, "labels[1]", "in quotes"),
    ({"labels": ["a", "b", "c"]}, RANGE, "labels", "at most 2 items"),
    ({"marks": [1, 1]}, RANGE, "marks", "give each value once"),
    ({"address": "Rome"}, TYPE, "address", "give fields and values"),
    ({"address": {}}, MISSING, "address.city", "add it"),
    ({"address": {"city": 1}}, TYPE, "address.city", "in quotes"),
    ({"address": {"city": "Rome", "zpi": "1"}}, INVALID, "address.zpi", "did you mean zip?"),
    ({"address": {"city": "Rome", "zip": "1"}}, FORM, "address.zip", "matches"),
    ({"address": {"city": "Atlantis"}}, FORM, "address.city", "correct it"),
    ({"day": "2026-02-30"}, FORM, "day", "write a valid date"),
    ({"day": 5}, TYPE, "day", "in quotes"),
    ({"extra": {"a": "b"}}, TYPE, "extra.a", "a whole number"),
    ({"extra": {"a b": "c"}}, TYPE, "extra['a b']", "a whole number"),
    ({"copeis": 2}, INVALID, "copeis", "did you mean copies?"),
    ({"self": 2}, INVALID, "self", "known names: to"),
    ({"": 2}, INVALID, "['']", "known names: to"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "field", "cure"), MISTAKES, ids=[str(each[0])[:50] for each in MISTAKES]
)
def test_call_with_a_wrong_argument_is_refused_before_the_tool_runs(
    catalog: ToolCatalog, arguments: dict[str, Any], code: str, field: str, cure: str
) -> None:
    response = catalog.call("post.send", {"to": "anna", **arguments})
    assert (response.status, response.error_code, RAN) == ("error", code, [])
    (problem,) = response.metadata["problems"]
    assert (problem["field"], problem["code"]) == (field, code)
    assert cure in problem["suggestion"]
    assert f"{field}: " in (response.error_message or "")


@pytest.mark.parametrize("arguments", [[], "to=anna", 5, [("to", "anna")]], ids=repr)
def test_call_with_arguments_that_are_not_a_mapping_is_refused(catalog: ToolCatalog, arguments: Any) -> None:
    assert catalog.call("post.send", arguments).error_code == TYPE


def test_call_without_a_required_argument_names_it(catalog: ToolCatalog) -> None:
    nothing: list[dict[str, Any] | None] = [{}, None]
    for arguments in nothing:
        response = catalog.call("post.send", arguments)
        assert response.error_code == CoreErrorCode.MISSING_REQUIRED
        assert response.error_message == "post.send: to: is missing; add it"


def test_check_reports_every_problem_of_a_call(catalog: ToolCatalog) -> None:
    problems = catalog.validate_tool_args("post.send", {"copies": 0, "speed": 5, "labels": "x", "day": "x"})
    assert [problem.field for problem in problems] == ["copies", "day", "labels", "speed", "to"]


def test_error_message_lists_three_problems_and_counts_the_others(catalog: ToolCatalog) -> None:
    response = catalog.call("post.send", {"copies": 0, "speed": 5, "labels": "x", "day": "x"})
    assert (response.error_message or "").endswith("And 2 more")
    assert len(response.metadata["problems"]) == 5


def test_call_of_an_unknown_tool_suggests_the_nearest_name(catalog: ToolCatalog) -> None:
    response = catalog.call("post.sned", {"to": "anna"})
    assert response.error_code == CoreErrorCode.TOOL_NOT_FOUND
    assert response.error_message == "there is no tool 'post.sned'; did you mean post.send?"


def test_validate_tool_call_reports_the_same_problems_as_a_call(catalog: ToolCatalog) -> None:
    assert catalog.validate_tool_call("post.send", {"to": "anna"}) == (True, [])
    assert catalog.validate_tool_call("post.send", {"to": "anna", "copies": 0}) == (
        False,
        ["copies: 0 is below 1; give at least 1"],
    )
    assert catalog.validate_tool_call("post.sned", {}) == (
        False,
        ["there is no tool 'post.sned'; did you mean post.send?"],
    )


def test_valid_arguments_reach_the_tool_as_its_own_types(catalog: ToolCatalog) -> None:
    arguments = {"to": "anna", "address": {"city": "Rome"}, "day": "2026-01-31", "marks": [1, 2]}
    response = catalog.call("post.send", arguments)
    assert (response.status, response.data) == ("success", "anna")
    assert RAN == [
        {"to": "anna", "address": Address(city="Rome"), "day": datetime.date(2026, 1, 31), "marks": {1, 2}}
    ]


def test_exception_in_a_validator_becomes_an_error_response(catalog: ToolCatalog) -> None:
    response = catalog.call("post.send", {"to": "anna", "address": {"city": "Babel"}})
    assert (response.is_error, RAN) == (True, [])
    assert "no language" in str(response.error_message)


@pytest.mark.parametrize("value", [1.0, 5, 1000])
def test_integer_argument_may_be_written_as_a_float(catalog: ToolCatalog, value: float) -> None:
    assert catalog.call("post.send", {"to": "anna", "copies": value}).is_success


def test_error_message_stays_short_for_a_huge_or_deep_value(catalog: ToolCatalog) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 1_000_000, deep, {"a" * 1000: deep}):
        response = catalog.call("post.send", {"to": "anna", "copies": value})
        assert response.error_code == (TYPE if isinstance(value, str) else RANGE)
        assert len(response.error_message or "") < 300


def test_response_stays_short_for_huge_arguments(catalog: ToolCatalog) -> None:
    for arguments in ({"x" * 100_000: 1}, {f"x{number}": 1 for number in range(10_000)}, {"labels": [1] * 10_000}):
        response = catalog.call("post.send", arguments)
        assert response.is_error
        assert len(response.model_dump_json()) < 50_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["to", "copies", "weight", "speed", "labels", "marks", "address", "day", "extra"]) | st.text()


@given(st.dictionaries(NAMES, JSON, max_size=4) | JSON)
def test_call_answers_with_a_response_for_any_arguments(arguments: Any) -> None:
    catalog = ToolCatalog()
    catalog.add(send)
    response = catalog.call("post.send", arguments)
    right, _ = catalog.validate_tool_call("post.send", {} if arguments is None else arguments)
    assert response.is_success == right
    assert response.is_success or str(response.error_code).startswith("1")


def _one(annotation: Any) -> Callable[..., Any]:
    def function(x):  # type: ignore[no-untyped-def]
        """Do it."""
        return x

    function.__annotations__ = {"x": annotation}
    return tool("test.one")(function)


@pytest.mark.parametrize("name", ["func", "timeout", "metadata", "error_map", "args", "kwargs", "name", "self_"])
def test_a_parameter_may_have_any_name(name: str) -> None:
    spoken: dict[str, Any] = {}
    exec(f'def function({name}: str) -> str:\n    """Do it."""\n    return {name}', spoken)
    catalog = ToolCatalog()
    catalog.add(tool("test.one")(spoken["function"]))
    assert catalog.call("test.one", {name: "x"}).data == "x"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(int | None, None), (int | str, "x"), (int | str, 5), (Literal["a", None], None), (list[int] | None, [1])],
)
def test_union_parameter_accepts_each_of_its_types(annotation: Any, value: Any) -> None:
    catalog = ToolCatalog()
    catalog.add(_one(annotation))
    assert catalog.call("test.one", {"x": value}).data == value
