"""Every number an error can carry: what it means, what to do, and what it is elsewhere (exit code, HTTP, JSON-RPC).

The first digit is the category: 1 validation, 2 security, 3 and 5 runtime, 4 storage, 6 network, 7 agent, 9 external.
8000 to 8999 belong to skills, which register their own. `docs/errors.md` is this table, for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class CoreErrorCode(StrEnum):
    """The numbers, as text."""

    INVALID_ARGUMENT = "1001"
    MISSING_REQUIRED = "1002"
    TYPE_MISMATCH = "1003"
    VALUE_OUT_OF_RANGE = "1004"
    FORMAT_ERROR = "1005"
    UNAUTHORIZED = "2001"
    FORBIDDEN = "2002"
    RATE_LIMITED = "2003"
    SECURITY_CHECK_FAILED = "2004"
    MALICIOUS_INPUT = "2005"
    PERMISSION_DENIED = "2006"
    TOOL_NOT_FOUND = "3001"
    TOOL_EXECUTION_FAILED = "3002"
    TOOL_TIMEOUT = "3003"
    COMMAND_BLOCKED = "3004"
    INVALID_STATE = "3005"
    DEPENDENCY_MISSING = "3006"
    CIRCULAR_DEPENDENCY = "3007"
    STORAGE_READ_ERROR = "4001"
    STORAGE_WRITE_ERROR = "4002"
    STORAGE_NOT_FOUND = "4003"
    STORAGE_CORRUPTION = "4004"
    CELL_EXECUTION_ERROR = "5001"
    CELL_JSON_DECODE_ERROR = "5002"
    CELL_SUBPROCESS_ERROR = "5003"
    CELL_CLASSIFICATION_ERROR = "5004"
    CELL_SECURITY_REJECTED = "5005"
    NETWORK_UNREACHABLE = "6001"
    NETWORK_TIMEOUT = "6002"
    NETWORK_BLOCKED = "6003"
    NETWORK_BAD_RESPONSE = "6004"
    AGENT_NO_ANSWER = "7001"
    AGENT_BUDGET_EXCEEDED = "7002"
    AGENT_LOOP_DETECTED = "7003"
    AGENT_PLAN_REJECTED = "7004"
    AGENT_MODEL_FAILED = "7005"
    EXTERNAL_API_ERROR = "9001"
    EXTERNAL_TIMEOUT = "9002"
    EXTERNAL_UNAVAILABLE = "9003"


class ErrorCategory(StrEnum):
    """Whose error it is."""

    VALIDATION = "validation"
    SECURITY = "security"
    RUNTIME = "runtime"
    STORAGE = "storage"
    NETWORK = "network"
    AGENT = "agent"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How much it should worry whoever reads the log."""

    WARNING = "warning"
    """Part of normal work: a refusal, a retry, an answer that is not there."""
    ERROR = "error"
    """What was asked for was not done."""
    CRITICAL = "critical"
    """Someone has to look: data is damaged, or an attack was stopped."""


@dataclass(frozen=True)
class CodeInfo:
    """One row of the table."""

    code: str
    name: str
    category: ErrorCategory
    meaning: str
    cure: str
    severity: Severity
    retryable: bool
    """The same call may succeed in a moment."""
    exit_code: int
    """Of the command line: 1 the domain said no, 2 usage or configuration, 3 try again."""
    http_status: int
    jsonrpc_code: int
    """A reserved number where the specification has one, else -32000 minus ten times the code's first digit."""
    refused: bool
    """A rule said no before anything was done: the response is `blocked`, not `error`."""


SKILL_CODES = range(8000, 9000)
UNKNOWN_JSONRPC = -32603
"""JSON-RPC's "internal error"."""
_CATEGORIES = {
    "1": ErrorCategory.VALIDATION,
    "2": ErrorCategory.SECURITY,
    "3": ErrorCategory.RUNTIME,
    "4": ErrorCategory.STORAGE,
    "5": ErrorCategory.RUNTIME,
    "6": ErrorCategory.NETWORK,
    "7": ErrorCategory.AGENT,
    "9": ErrorCategory.EXTERNAL,
}


def category_of(code: str) -> ErrorCategory:
    """The category that the first digit names; unknown for what is not a number of four digits."""
    four_digits = len(code) == 4 and code.isascii() and code.isdigit()
    return _CATEGORIES.get(code[:1], ErrorCategory.UNKNOWN) if four_digits else ErrorCategory.UNKNOWN


def explain(code: str) -> CodeInfo | None:
    """The row of a code, ours or a skill's."""
    return _TABLE.get(code)


def all_codes() -> tuple[CodeInfo, ...]:
    """Every row, by number."""
    return tuple(_TABLE[code] for code in sorted(_TABLE))


def register(code: str, name: str, meaning: str, cure: str, *, retryable: bool = False) -> CodeInfo:
    """Give a skill a number of its own; the same row again changes nothing.

    Raises:
        ValueError: a number outside 8000 to 8999, or one that means something else already.
    """
    if not (code.isascii() and code.isdigit() and int(code) in SKILL_CODES):
        raise ValueError(f"{code} is not a skill's number; they go from 8000 to 8999")
    row = _row(code, name, meaning, cure, retryable=retryable)
    if _TABLE.setdefault(code, row) != row:
        raise ValueError(f"{code} is taken by {_TABLE[code].name}; choose another number")
    return row


def _row(
    code: str,
    name: str,
    meaning: str,
    cure: str,
    *,
    http: int = 500,
    retryable: bool = False,
    exit_code: int = 1,
    severity: Severity | None = None,
    jsonrpc: int | None = None,
    refused: bool = False,
) -> CodeInfo:
    category = category_of(code)
    mild = retryable or refused or category is ErrorCategory.VALIDATION
    return CodeInfo(
        code=code,
        name=name,
        category=category,
        meaning=meaning,
        cure=cure,
        severity=severity or (Severity.WARNING if mild else Severity.ERROR),
        retryable=retryable,
        exit_code=3 if retryable else 2 if category is ErrorCategory.VALIDATION else exit_code,
        http_status=http,
        jsonrpc_code=_jsonrpc(code, category) if jsonrpc is None else jsonrpc,
        refused=refused,
    )


def _jsonrpc(code: str, category: ErrorCategory) -> int:
    if category is ErrorCategory.VALIDATION:
        return -32602  # "invalid params"
    return UNKNOWN_JSONRPC if category is ErrorCategory.UNKNOWN else -32000 - 10 * int(code[0])


def _core(code: CoreErrorCode, meaning: str, cure: str, **rest: Any) -> CodeInfo:
    return _row(str(code), code.name, meaning, cure, **rest)


_TABLE: dict[str, CodeInfo] = {
    row.code: row
    for row in (
        _core(
            CoreErrorCode.INVALID_ARGUMENT,
            "An argument, an option or a setting is not acceptable.",
            "Correct the value that the message names.",
            http=400,
        ),
        _core(
            CoreErrorCode.MISSING_REQUIRED,
            "A value that must be given is not there.",
            "Give the value that the message names.",
            http=400,
        ),
        _core(
            CoreErrorCode.TYPE_MISMATCH,
            "A value is of another type than expected.",
            "Give a value of the type that the message names.",
            http=400,
        ),
        _core(
            CoreErrorCode.VALUE_OUT_OF_RANGE,
            "A value lies outside what is allowed.",
            "Stay within the limits that the message names.",
            http=400,
        ),
        _core(
            CoreErrorCode.FORMAT_ERROR,
            "A text or a file does not have the format it should have.",
            "Correct it at the place that the message names.",
            http=400,
        ),
        _core(
            CoreErrorCode.UNAUTHORIZED,
            "Nobody has said who is asking.",
            "Give a valid key or token.",
            http=401,
            refused=True,
        ),
        _core(
            CoreErrorCode.FORBIDDEN,
            "Whoever asks may not do this.",
            "Ask the owner of the resource for access.",
            http=403,
            refused=True,
        ),
        _core(
            CoreErrorCode.RATE_LIMITED,
            "Too many calls in too short a time.",
            "Wait a moment, then call again less often.",
            http=429,
            retryable=True,
            refused=True,
        ),
        _core(
            CoreErrorCode.SECURITY_CHECK_FAILED,
            "A security check refused the call.",
            "Look at what the check names; do not work around it.",
            http=403,
            refused=True,
        ),
        _core(
            CoreErrorCode.MALICIOUS_INPUT,
            "The input looks like an attack.",
            "Remove what the message names from the input.",
            http=400,
            refused=True,
            severity=Severity.CRITICAL,
        ),
        _core(
            CoreErrorCode.PERMISSION_DENIED,
            "A permission rule, or the system, does not allow this.",
            "Grant the permission, or act on something else.",
            http=403,
            refused=True,
        ),
        _core(
            CoreErrorCode.TOOL_NOT_FOUND,
            "There is no tool or command of this name.",
            "Use one of the names that the message lists.",
            http=404,
            jsonrpc=-32601,
            exit_code=2,
            severity=Severity.WARNING,
        ),
        _core(
            CoreErrorCode.TOOL_EXECUTION_FAILED,
            "It ran, and failed.",
            "Read the message; the log or the run has the rest.",
        ),
        _core(
            CoreErrorCode.TOOL_TIMEOUT,
            "It did not finish in the time it was given.",
            "Try again, with more time or less to do.",
            http=504,
            retryable=True,
        ),
        _core(
            CoreErrorCode.COMMAND_BLOCKED,
            "A safeguard stopped the command before it did anything.",
            "Check that it is what you want; the message says how to allow it.",
            http=403,
            refused=True,
        ),
        _core(
            CoreErrorCode.INVALID_STATE,
            "This cannot be done in the present state.",
            "Bring about the state that the message names.",
            http=409,
        ),
        _core(
            CoreErrorCode.DEPENDENCY_MISSING,
            "Something it needs is not installed, or is damaged.",
            "Install what the message names.",
            http=503,
            exit_code=2,
        ),
        _core(
            CoreErrorCode.CIRCULAR_DEPENDENCY,
            "Things need each other in a circle.",
            "Remove one of the needs that the message names.",
        ),
        _core(
            CoreErrorCode.STORAGE_READ_ERROR,
            "The disk or the storage could not be read.",
            "Check the disk and the permissions, then try again.",
        ),
        _core(
            CoreErrorCode.STORAGE_WRITE_ERROR,
            "The disk or the storage could not be written.",
            "Make room or check the permissions, then try again.",
            http=507,
        ),
        _core(
            CoreErrorCode.STORAGE_NOT_FOUND,
            "What was asked for is not stored there.",
            "Check the name; list what there is.",
            http=404,
            jsonrpc=-32002,
        ),
        _core(
            CoreErrorCode.STORAGE_CORRUPTION,
            "Stored data does not match its own checks.",
            "Build it again: omni ingest.",
            severity=Severity.CRITICAL,
        ),
        _core(
            CoreErrorCode.CELL_EXECUTION_ERROR,
            "A shell cell ran, and failed.",
            "Run the command by hand to see all of its output.",
        ),
        _core(
            CoreErrorCode.CELL_JSON_DECODE_ERROR,
            "A shell cell did not answer with valid JSON.",
            "Make the command write one JSON document to stdout.",
        ),
        _core(
            CoreErrorCode.CELL_SUBPROCESS_ERROR,
            "A shell cell could not be started.",
            "Check that the command is installed and may be run.",
        ),
        _core(
            CoreErrorCode.CELL_CLASSIFICATION_ERROR,
            "It could not be told whether a shell cell only reads.",
            "Split the command, or ask for approval.",
            http=422,
        ),
        _core(
            CoreErrorCode.CELL_SECURITY_REJECTED,
            "A shell cell was refused as unsafe.",
            "Use a tool made for this, or ask for approval.",
            http=403,
            refused=True,
        ),
        _core(
            CoreErrorCode.NETWORK_UNREACHABLE,
            "The other side cannot be reached.",
            "Check the address and the network, then try again.",
            http=502,
            retryable=True,
        ),
        _core(
            CoreErrorCode.NETWORK_TIMEOUT,
            "The other side did not answer in time.",
            "Try again, or allow more time.",
            http=504,
            retryable=True,
        ),
        _core(
            CoreErrorCode.NETWORK_BLOCKED,
            "No rule allows a connection to this host.",
            "Allow the host, if you trust it.",
            http=403,
            refused=True,
        ),
        _core(
            CoreErrorCode.NETWORK_BAD_RESPONSE,
            "The other side answered with something that makes no sense.",
            "Check that the address is the right one.",
            http=502,
        ),
        _core(
            CoreErrorCode.AGENT_NO_ANSWER,
            "The sources do not answer the question.",
            "Ask in other words, or ingest a source that tells.",
            http=404,
            severity=Severity.WARNING,
        ),
        _core(
            CoreErrorCode.AGENT_BUDGET_EXCEEDED,
            "The budget of steps, tokens or time is used up.",
            "Give a larger budget, or a smaller task.",
            http=422,
        ),
        _core(
            CoreErrorCode.AGENT_LOOP_DETECTED,
            "The agent was going in circles and was stopped.",
            "State the task differently, or add what it lacks.",
            http=422,
        ),
        _core(
            CoreErrorCode.AGENT_PLAN_REJECTED,
            "The plan was turned down in review.",
            "Say what should be done differently.",
            http=409,
            refused=True,
        ),
        _core(
            CoreErrorCode.AGENT_MODEL_FAILED,
            "The language model failed or gave nothing usable.",
            "Check the model's address and name, or use another.",
            http=502,
        ),
        _core(
            CoreErrorCode.EXTERNAL_API_ERROR,
            "An outside service answered with an error.",
            "Read its message; check the request and the key.",
            http=502,
        ),
        _core(
            CoreErrorCode.EXTERNAL_TIMEOUT,
            "An outside service did not answer in time.",
            "Try again in a moment.",
            http=504,
            retryable=True,
        ),
        _core(
            CoreErrorCode.EXTERNAL_UNAVAILABLE,
            "An outside service is down or refuses work.",
            "Try again in a moment.",
            http=503,
            retryable=True,
        ),
    )
}
