"""The table of error codes: complete, consistent, and open to skills in their range."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from omni_pipelines import error_codes
from omni_pipelines.error_codes import (
    SKILL_CODES,
    CodeInfo,
    CoreErrorCode,
    ErrorCategory,
    Severity,
    all_codes,
    category_of,
    explain,
    register,
)

UPSTREAM = {
    "1001": "INVALID_ARGUMENT",
    "1002": "MISSING_REQUIRED",
    "1003": "TYPE_MISMATCH",
    "1004": "VALUE_OUT_OF_RANGE",
    "1005": "FORMAT_ERROR",
    "2001": "UNAUTHORIZED",
    "2002": "FORBIDDEN",
    "2003": "RATE_LIMITED",
    "2004": "SECURITY_CHECK_FAILED",
    "2005": "MALICIOUS_INPUT",
    "2006": "PERMISSION_DENIED",
    "3001": "TOOL_NOT_FOUND",
    "3002": "TOOL_EXECUTION_FAILED",
    "3003": "TOOL_TIMEOUT",
    "3004": "COMMAND_BLOCKED",
    "3005": "INVALID_STATE",
    "3006": "DEPENDENCY_MISSING",
    "3007": "CIRCULAR_DEPENDENCY",
    "4001": "STORAGE_READ_ERROR",
    "4002": "STORAGE_WRITE_ERROR",
    "4003": "STORAGE_NOT_FOUND",
    "4004": "STORAGE_CORRUPTION",
    "5001": "CELL_EXECUTION_ERROR",
    "5002": "CELL_JSON_DECODE_ERROR",
    "5003": "CELL_SUBPROCESS_ERROR",
    "5004": "CELL_CLASSIFICATION_ERROR",
    "5005": "CELL_SECURITY_REJECTED",
    "9001": "EXTERNAL_API_ERROR",
    "9002": "EXTERNAL_TIMEOUT",
    "9003": "EXTERNAL_UNAVAILABLE",
}
OURS = {
    "6001": "NETWORK_UNREACHABLE",
    "6002": "NETWORK_TIMEOUT",
    "6003": "NETWORK_BLOCKED",
    "6004": "NETWORK_BAD_RESPONSE",
    "7001": "AGENT_NO_ANSWER",
    "7002": "AGENT_BUDGET_EXCEEDED",
    "7003": "AGENT_LOOP_DETECTED",
    "7004": "AGENT_PLAN_REJECTED",
    "7005": "AGENT_MODEL_FAILED",
}
CATEGORIES = {
    "1": "validation",
    "2": "security",
    "3": "runtime",
    "4": "storage",
    "5": "runtime",
    "6": "network",
    "7": "agent",
    "9": "external",
}
RETRYABLE = {"2003", "3003", "6001", "6002", "9002", "9003"}
REFUSED = {"2001", "2002", "2003", "2004", "2005", "2006", "3004", "5005", "6003", "7004"}


@pytest.fixture
def own_table() -> Iterator[None]:
    """Remove the codes that a test registers."""
    before = dict(error_codes._TABLE)
    yield
    error_codes._TABLE.clear()
    error_codes._TABLE.update(before)


def row_of(code: str) -> CodeInfo:
    row = explain(code)
    assert row is not None
    return row


def test_codes_have_the_agreed_numbers_and_names() -> None:
    assert len(UPSTREAM) == 30
    assert {code.value: code.name for code in CoreErrorCode} == UPSTREAM | OURS


def test_a_code_is_a_number_as_text() -> None:
    assert str(CoreErrorCode.STORAGE_NOT_FOUND) == "4003"
    assert f"{CoreErrorCode.STORAGE_NOT_FOUND}" == "4003"
    assert CoreErrorCode("4003") is CoreErrorCode.STORAGE_NOT_FOUND


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_every_code_has_a_row_with_meaning_and_cure(code: CoreErrorCode) -> None:
    row = row_of(code)
    assert (row.code, row.name) == (code.value, code.name)
    assert type(row.code) is str
    assert row.category == CATEGORIES[code[0]] == category_of(code)
    for line in (row.meaning, row.cure):
        assert 10 < len(line) <= 80
        assert line.endswith(".")
        assert "\n" not in line


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_every_code_maps_to_exit_code_http_and_jsonrpc(code: CoreErrorCode) -> None:
    row = row_of(code)
    usage = row.category is ErrorCategory.VALIDATION or code in ("3001", "3006")
    assert row.retryable == (code in RETRYABLE)
    assert row.refused == (code in REFUSED)
    assert row.exit_code == (3 if row.retryable else 2 if usage else 1)
    assert 400 <= row.http_status < 600
    assert row.jsonrpc_code in (-32601, -32602, -32002, -32000 - 10 * int(code[0]))


@pytest.mark.parametrize(
    ("code", "http", "jsonrpc"),
    [
        ("1002", 400, -32602),
        ("2001", 401, -32020),
        ("2006", 403, -32020),
        ("2003", 429, -32020),
        ("3001", 404, -32601),
        ("3003", 504, -32030),
        ("4003", 404, -32002),
        ("9003", 503, -32090),
    ],
)
def test_well_known_codes_use_the_numbers_of_their_protocols(code: str, http: int, jsonrpc: int) -> None:
    row = row_of(code)
    assert (row.http_status, row.jsonrpc_code) == (http, jsonrpc)


def test_damage_and_attacks_are_critical_and_refusals_are_warnings() -> None:
    critical = {row.code for row in all_codes() if row.severity is Severity.CRITICAL}
    assert critical == {"2005", "4004"}
    assert row_of("3004").severity is Severity.WARNING


@pytest.mark.parametrize("code", ["", "0000", "8123", "10011", "100", "abcd", "१००१", "-100"])
def test_an_unknown_code_has_no_category_and_no_row(code: str) -> None:
    assert category_of(code) is ErrorCategory.UNKNOWN
    assert explain(code) is None


def test_all_codes_are_sorted_by_number() -> None:
    codes = [row.code for row in all_codes()]
    assert codes == sorted(codes)
    assert set(codes) >= set(CoreErrorCode)


def test_register_adds_a_code_of_a_skill(own_table: None) -> None:
    row = register("8101", "CSV_NO_HEADER", "The file has no header line.", "Add one.")
    assert explain("8101") is row
    assert (row.category, row.exit_code, row.jsonrpc_code) == (ErrorCategory.UNKNOWN, 1, -32603)
    assert register("8101", "CSV_NO_HEADER", "The file has no header line.", "Add one.") == row


def test_register_refuses_a_second_meaning(own_table: None) -> None:
    register("8102", "FIRST", "The first meaning.", "Do this.")
    with pytest.raises(ValueError, match="taken by FIRST"):
        register("8102", "SECOND", "Another meaning.", "Do that.")


@pytest.mark.parametrize("code", ["4003", "7999", "9000", "x", "", "²000"])
def test_register_refuses_a_code_outside_the_range_of_skills(code: str) -> None:
    with pytest.raises(ValueError, match="8000 to 8999"):
        register(code, "NAME", "A meaning.", "A cure.")
    assert 8000 in SKILL_CODES
