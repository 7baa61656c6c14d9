"""The envelope: every status and constructor, its invariants, unwrapping, JSON and MCP."""

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
    ("error", lambda: ToolResponse.from_exception(ValueError("bad"), data={"at": 3}, metadata={"by": "test"})),
    ("blocked", lambda: ToolResponse.from_exception(DeletionRefused("too many"), metadata={"by": "test"})),
]


@pytest.mark.parametrize(("status", "make"), CONSTRUCTORS)
def test_exactly_one_of_the_four_is_true(status: str, make: Callable[[], ToolResponse]) -> None:
    response = make()
    truth = {name: getattr(response, f"is_{name}") for name in ("success", "error", "blocked", "partial")}
    assert truth == {name: name == status for name in truth}
    assert response.status == ResponseStatus(status)


@pytest.mark.parametrize(("status", "make"), CONSTRUCTORS)
def test_every_envelope_has_all_fields_and_comes_back_from_json(
    status: str, make: Callable[[], ToolResponse]
) -> None:
    before = datetime.now(UTC)
    response = make()
    written = json.loads(response.model_dump_json())
    assert written.keys() == FIELDS
    assert written["status"] == status
    assert before <= response.timestamp <= datetime.now(UTC)
    assert ToolResponse.model_validate_json(response.model_dump_json()) == response


@pytest.mark.parametrize(("status", "make"), CONSTRUCTORS)
def test_mcp_gets_content_a_structure_and_the_right_flag(status: str, make: Callable[[], ToolResponse]) -> None:
    response = make()
    found = json.loads(json.dumps(response.to_mcp(), allow_nan=False))
    assert found.keys() == {"content", "structuredContent", "isError"}
    assert found["isError"] == (status in ("error", "blocked"))
    assert ToolResponse.model_validate(found["structuredContent"], strict=False) == response
    assert [block["type"] for block in found["content"]] == ["text"]
    assert found["content"][0]["text"]


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
@pytest.mark.parametrize("make", [ToolResponse.error, ToolResponse.blocked])
def test_every_code_fits_an_error_and_a_refusal(code: CoreErrorCode, make: Callable[..., ToolResponse]) -> None:
    response, row = make("it happened", code), explain(code)
    assert row is not None
    assert (response.error_code, response.error_message) == (code.value, "it happened")
    assert response.retryable == row.retryable


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_an_exception_with_any_code_becomes_an_error_or_a_refusal(code: CoreErrorCode) -> None:
    response, row = ToolResponse.from_exception(OmniError("it happened", code=code)), explain(code)
    assert row is not None
    assert response.status == ("blocked" if row.refused else "error")
    assert (response.error_code, response.retryable) == (code.value, row.retryable)


def test_without_a_code_there_is_still_a_number() -> None:
    assert ToolResponse.error("broke").error_code == "3002"
    assert ToolResponse.blocked("no").error_code == "3004"
    assert ToolResponse.partial([], "one is missing").error_code is None


def test_requests_are_told_apart() -> None:
    assert ToolResponse.success().request_id != ToolResponse.success().request_id


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "success", "error_message": "x"}, "a success carries no error"),
        ({"status": "success", "error_code": "3002"}, "a success carries no error"),
        ({"status": "success", "retryable": True}, "a success carries no error"),
        ({"status": "error", "error_message": "x"}, "a numbered code"),
        ({"status": "error", "error_code": "3002"}, "carries a message"),
        ({"status": "blocked", "error_message": "x"}, "a numbered code"),
        ({"status": "blocked", "error_code": "3004"}, "carries a message"),
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
def test_an_envelope_that_contradicts_itself_cannot_be_made(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        ToolResponse.model_validate(fields)


def test_an_envelope_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        ToolResponse.success().status = ResponseStatus.ERROR


# --- unwrap


def test_a_success_gives_its_data_itself() -> None:
    data = {1, 2}
    assert ToolResponse.success(data).unwrap() is data
    assert ToolResponse.success().unwrap() is None


@pytest.mark.parametrize(("status", "make"), [each for each in CONSTRUCTORS if each[0] != "success"])
def test_anything_else_raises_what_it_says(status: str, make: Callable[[], ToolResponse]) -> None:
    response = make()
    with pytest.raises(OmniError) as caught:
        response.unwrap()
    assert caught.value.message == response.error_message
    assert caught.value.code == response.error_code
    assert caught.value.retryable == response.retryable


def test_a_partial_answer_is_given_to_who_allows_it() -> None:
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
def test_an_error_of_ours_survives_the_envelope(error: OmniError) -> None:
    written = ToolResponse.from_exception(error).model_dump_json()
    with pytest.raises(OmniError) as caught:
        ToolResponse.model_validate_json(written).unwrap()
    assert caught.value.to_dict() == error.to_dict()


# --- from an exception


def test_a_foreign_exception_keeps_its_name_and_its_words() -> None:
    response = ToolResponse.from_exception(ZeroDivisionError("division by zero"), metadata={"step": 3})
    assert response.error_message == "ZeroDivisionError: division by zero"
    assert response.metadata == {
        "step": 3,
        "error_type": "ZeroDivisionError",
        "exception_message": "division by zero",
    }


def test_the_system_s_errors_have_a_number_and_a_cure() -> None:
    response = ToolResponse.from_exception(FileNotFoundError(2, "No such file or directory", "a.txt"))
    assert (response.error_code, response.error_message) == ("4003", "No such file or directory: a.txt")
    assert response.metadata["cure"] == "check the path"


@pytest.mark.parametrize(
    ("error", "code", "status", "retryable"),
    [
        (KeyError("x"), "4003", "error", False),
        (ConnectionResetError("gone"), "9003", "error", True),
        (OSError("other"), "2004", "blocked", False),
        (NoAnswer("mapped as well"), "7005", "error", False),
        (ValueError("not mapped"), "3002", "error", False),
    ],
)
def test_a_caller_may_map_exceptions_to_codes(error: Exception, code: str, status: str, retryable: bool) -> None:
    mapped = {LookupError: "4003", OSError: "2004", ConnectionError: "9003", NoAnswer: "7005"}
    response = ToolResponse.from_exception(error, error_map=mapped)
    assert (response.error_code, response.status, response.retryable) == (code, status, retryable)


def test_a_code_that_is_no_number_says_only_that_it_failed() -> None:
    assert ToolResponse.from_exception(KeyError("x"), error_map={KeyError: "BAD"}).error_code == "3002"
    assert ToolResponse.from_exception(OmniError("x", code="BAD")).error_code == "3002"


def test_an_empty_message_becomes_the_name() -> None:
    assert ToolResponse.from_exception(OmniError("  ")).error_message == "OmniError"
    assert "ValueError" in str(ToolResponse.from_exception(ValueError()).error_message)


def test_a_message_is_cut_where_nobody_would_read_on() -> None:
    response = ToolResponse.error("x" * 1_000_000)
    assert len(response.error_message or "") == MAX_MESSAGE_LENGTH
    assert str(response.error_message).endswith("xx… (1,000,000 characters)")
    assert ToolResponse.model_validate_json(response.model_dump_json()) == response


def test_a_message_is_valid_unicode_whoever_wrote_it() -> None:
    assert ToolResponse.error("\ud800 broke").error_message == "? broke"


# --- what a model reads


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
def test_the_text_is_what_a_reader_has_to_know(response: ToolResponse, text: str) -> None:
    assert response.to_mcp()["content"] == [{"type": "text", "text": text}]


def test_more_metadata_does_not_overwrite_what_the_response_says() -> None:
    response = ToolResponse.success(1, metadata={"a": "own"}).described({"a": "other", "b": {2}}, 3.5)
    assert (response.metadata, response.duration_ms) == ({"a": "own", "b": [2]}, 3.5)
    assert response.described({}, 9.0).duration_ms == 3.5


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
def test_json_data_makes_the_round_trip(data: Any, metadata: dict[str, Any]) -> None:
    response = ToolResponse.success(data, metadata=metadata)
    assert ToolResponse.model_validate_json(response.model_dump_json()) == response
