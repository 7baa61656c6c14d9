"""The envelope: its statuses, constructors and invariants, unwrapping, JSON and MCP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.error_codes import CoreErrorCode, explain
from omni_pipelines.errors import DeletionRefused, HomeBusy, NoAnswer, OmniError, ToolExecutionError, ValidationError
from omni_pipelines.responses import MAX_MESSAGE_LENGTH, ResponseStatus, ToolResponse

FIELDS = {
    "status",
    "data",
    "error_message",
    "error_code",
    "metadata",
    "timestamp",
    "request_id",
    "duration_ms",
    "retryable",
}
CONSTRUCTORS: list[tuple[str, Callable[[], ToolResponse]]] = [
    ("success", lambda: ToolResponse.success({"n": 1}, metadata={"by": "test"})),
    ("error", lambda: ToolResponse.error("broke", "4001", data=[1], metadata={"by": "test"})),
    ("blocked", lambda: ToolResponse.blocked("not allowed", "2006", data="plan", metadata={"by": "test"})),
    ("partial", lambda: ToolResponse.partial([1], "2 of 3 are missing", "6002", metadata={"by": "test"})),
    ("error", lambda: ToolResponse.from_exception(ValueError("bad"))),
    ("blocked", lambda: ToolResponse.from_exception(DeletionRefused("too many"))),
]


@pytest.mark.parametrize(("status", "make"), CONSTRUCTORS)
def test_exactly_one_status_property_is_true(status: str, make: Callable[[], ToolResponse]) -> None:
    response = make()
    truth = {name: getattr(response, f"is_{name}") for name in ("success", "error", "blocked", "partial")}
    assert truth == {name: name == status for name in truth}
    assert response.status == ResponseStatus(status)


@pytest.mark.parametrize(("status", "make"), CONSTRUCTORS)
def test_every_envelope_has_all_fields_and_survives_json(status: str, make: Callable[[], ToolResponse]) -> None:
    before = datetime.now(UTC)
    response = make()
    written = json.loads(response.model_dump_json())
    assert written.keys() == FIELDS
    assert written["status"] == status
    assert before <= response.timestamp <= datetime.now(UTC)
    assert ToolResponse.model_validate_json(response.model_dump_json()) == response


@pytest.mark.parametrize(("status", "make"), CONSTRUCTORS)
def test_to_mcp_returns_text_structure_and_error_flag(status: str, make: Callable[[], ToolResponse]) -> None:
    response = make()
    result = json.loads(json.dumps(response.to_mcp(), allow_nan=False))
    assert result.keys() == {"content", "structuredContent", "isError"}
    assert result["isError"] == (status in ("error", "blocked"))
    assert ToolResponse.model_validate(result["structuredContent"], strict=False) == response
    assert [block["type"] for block in result["content"]] == ["text"]
    assert result["content"][0]["text"]


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
@pytest.mark.parametrize("make", [ToolResponse.error, ToolResponse.blocked])
def test_error_and_blocked_accept_every_code(code: CoreErrorCode, make: Callable[..., ToolResponse]) -> None:
    response, row = make("it happened", code), explain(code)
    assert row is not None
    assert (response.error_code, response.error_message) == (code.value, "it happened")
    assert response.retryable == row.retryable


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_from_exception_returns_blocked_exactly_for_codes_that_refuse(code: CoreErrorCode) -> None:
    response, row = ToolResponse.from_exception(OmniError("it happened", code=code)), explain(code)
    assert row is not None
    assert response.status == ("blocked" if row.refused else "error")
    assert (response.error_code, response.retryable) == (code.value, row.retryable)


def test_error_and_blocked_have_a_default_code() -> None:
    assert ToolResponse.error("broke").error_code == "3002"
    assert ToolResponse.blocked("no").error_code == "3004"
    assert ToolResponse.partial([], "one is missing").error_code is None


def test_every_response_has_its_own_request_id() -> None:
    assert ToolResponse.success().request_id != ToolResponse.success().request_id


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "success", "error_message": "x"}, "a success has no error"),
        ({"status": "success", "error_code": "3002"}, "a success has no error"),
        ({"status": "success", "retryable": True}, "a success has no error"),
        ({"status": "error", "error_message": "x"}, "a numbered code"),
        ({"status": "error", "error_code": "3002"}, "needs a message"),
        ({"status": "blocked", "error_message": "x"}, "a numbered code"),
        ({"status": "blocked", "error_code": "3004"}, "needs a message"),
        ({"status": "partial", "data": [1]}, "says what is missing"),
        ({"status": "partial", "error_code": "6002"}, "says what is missing"),
        ({"status": "error", "error_message": "", "error_code": "3002"}, "error_message"),
        ({"status": "error", "error_message": "x", "error_code": "UNKNOWN"}, "error_code"),
        ({"status": "error", "error_message": "x", "error_code": "0001"}, "error_code"),
        ({"status": "error", "error_message": "x", "error_code": "30022"}, "error_code"),
        ({"status": "fine"}, "status"),
        ({"status": "success", "timestamp": "2026-01-01T00:00:00"}, "timestamp"),
        ({"status": "success", "request_id": ""}, "request_id"),
        ({"status": "success", "duration_ms": -1}, "duration_ms"),
        ({"status": "success", "duration_ms": float("nan")}, "duration_ms"),
        ({"status": "success", "metadata": [1]}, "metadata"),
        ({"status": "success", "result": 1}, "result"),
        ({}, "status"),
    ],
)
def test_an_inconsistent_envelope_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        ToolResponse.model_validate(fields)


def test_an_envelope_is_frozen() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        ToolResponse.success().status = ResponseStatus.ERROR  # type: ignore[misc]


# --- unwrap


def test_unwrap_returns_the_data_of_a_success() -> None:
    data = {1, 2}
    assert ToolResponse.success(data).unwrap() is data
    assert ToolResponse.success().unwrap() is None


@pytest.mark.parametrize(("status", "make"), [each for each in CONSTRUCTORS if each[0] != "success"])
def test_unwrap_raises_the_error_of_any_other_response(status: str, make: Callable[[], ToolResponse]) -> None:
    response = make()
    with pytest.raises(OmniError) as caught:
        response.unwrap()
    assert caught.value.message == response.error_message
    assert caught.value.code == response.error_code
    assert caught.value.retryable == response.retryable


def test_unwrap_returns_partial_data_only_if_allowed() -> None:
    assert ToolResponse.partial([1], "one is missing").unwrap(partial=True) == [1]
    with pytest.raises(OmniError, match="broke"):
        ToolResponse.error("broke", data=[1]).unwrap(partial=True)


@pytest.mark.parametrize(
    "error",
    [
        NoAnswer("nothing", cure="ask again"),
        HomeBusy("locked", cure="wait"),
        ValidationError("k", 0, code="1004"),
        ToolExecutionError("git", "failed", 1, "stderr"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_unwrap_of_a_written_envelope_raises_an_equal_error(error: OmniError) -> None:
    written = ToolResponse.from_exception(error).model_dump_json()
    with pytest.raises(OmniError) as caught:
        ToolResponse.model_validate_json(written).unwrap()
    assert caught.value.to_dict() == error.to_dict()


# --- from an exception


def test_from_exception_keeps_type_and_message_of_a_foreign_exception() -> None:
    response = ToolResponse.from_exception(ZeroDivisionError("division by zero"))
    assert response.error_message == "ZeroDivisionError: division by zero"
    assert response.metadata == {
        "error_type": "ZeroDivisionError",
        "exception_message": "division by zero",
    }


def test_from_exception_gives_system_errors_a_code_and_a_cure() -> None:
    response = ToolResponse.from_exception(FileNotFoundError(2, "No such file or directory", "a.txt"))
    assert (response.error_code, response.error_message) == ("4003", "No such file or directory: a.txt")
    assert response.metadata["cure"] == "check the path"


def test_from_exception_replaces_a_code_that_is_not_a_number() -> None:
    assert ToolResponse.from_exception(OmniError("x", code="BAD")).error_code == "3002"


def test_from_exception_uses_the_type_name_for_an_empty_message() -> None:
    assert ToolResponse.from_exception(OmniError("  ")).error_message == "OmniError"
    assert "ValueError" in str(ToolResponse.from_exception(ValueError()).error_message)


def test_a_long_message_is_shortened_once() -> None:
    response = ToolResponse.error("x" * 1_000_000)
    assert len(response.error_message or "") == MAX_MESSAGE_LENGTH
    assert str(response.error_message).endswith("xx… (1,000,000 characters)")
    assert ToolResponse.model_validate_json(response.model_dump_json()) == response


def test_lone_surrogates_in_a_message_are_replaced() -> None:
    assert ToolResponse.error("\ud800 broke").error_message == "? broke"


# --- text for a language model


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (ToolResponse.success("plain text"), "plain text"),
        (ToolResponse.success({"n": [1, 2]}), '{"n":[1,2]}'),
        (ToolResponse.success(), "done"),
        (ToolResponse.success(0), "0"),
        (ToolResponse.from_exception(NoAnswer("nothing", cure="ask")), "error: nothing [7001]\ncure: ask"),
        (ToolResponse.blocked("not allowed", data="the plan"), "blocked: not allowed [3004]\nthe plan"),
        (ToolResponse.partial([1], "1 of 2 is missing"), "partial: 1 of 2 is missing\n[1]"),
    ],
)
def test_the_mcp_text_has_status_message_code_cure_and_data(response: ToolResponse, text: str) -> None:
    assert response.to_mcp()["content"] == [{"type": "text", "text": text}]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(data=JSON, metadata=st.dictionaries(st.text(), JSON, max_size=4))
def test_json_data_survives_the_round_trip(data: Any, metadata: dict[str, Any]) -> None:
    response = ToolResponse.success(data, metadata=metadata)
    assert ToolResponse.model_validate_json(response.model_dump_json()) == response
