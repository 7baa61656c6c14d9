"""The table of error codes: what each number means, its cure, and its exit code, HTTP status and JSON-RPC code.

The first digit is the category: 1 validation, 2 security, 3 and 5 runtime, 4 storage, 6 network, 7 agent, 9 external.
Skills register codes from 8000 to 8999. `make docs` writes this table to `docs/reference/errors.md`.
"""

from dataclasses import dataclass
from enum import StrEnum


class CoreErrorCode(StrEnum):
    """The codes of this project; a code is a number as text."""

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
    """The part of the system that an error comes from."""

    VALIDATION = "validation"
    SECURITY = "security"
    RUNTIME = "runtime"
    STORAGE = "storage"
    NETWORK = "network"
    AGENT = "agent"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How serious an error is in a log."""

    WARNING = "warning"
    """Part of normal work: a refusal, a retry, a question without an answer."""
    ERROR = "error"
    """The request failed."""
    CRITICAL = "critical"
    """A person has to act: data is damaged, or an attack was stopped."""


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
    """Exit code of the command line: 1 the command failed, 2 usage or configuration, 3 try again."""
    http_status: int
    jsonrpc_code: int
    """A reserved number if the specification has one, else -32000 minus ten times the first digit of the code."""
    refused: bool
    """A rule refused the call before it did anything: the response is `blocked`, not `error`."""


SKILL_CODES = range(8000, 9000)
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
    """Return the category that the first digit names, or UNKNOWN if the code is not a number of four digits."""
    four_digits = len(code) == 4 and code.isascii() and code.isdigit()
    return _CATEGORIES.get(code[:1], ErrorCategory.UNKNOWN) if four_digits else ErrorCategory.UNKNOWN


def explain(code: str) -> CodeInfo | None:
    """Return the row of a code, of this project or of a skill."""
    return _TABLE.get(code)


def all_codes() -> tuple[CodeInfo, ...]:
    """Return every row, sorted by number."""
    return tuple(_TABLE[code] for code in sorted(_TABLE))


def register(code: str, name: str, meaning: str, cure: str, *, retryable: bool = False) -> CodeInfo:
    """Add a code of a skill; adding an equal row again changes nothing.

    Raises:
        ValueError: the number is not from 8000 to 8999, or has another meaning already.
    """
    if not (code.isascii() and code.isdigit() and int(code) in SKILL_CODES):
        raise ValueError(f"{code} is not a number for skills; use one from 8000 to 8999")
    row = _row(code, name, 500, meaning, cure, retryable=retryable)
    if _TABLE.setdefault(code, row) != row:
        raise ValueError(f"{code} is taken by {_TABLE[code].name}; choose another number")
    return row


_RETRYABLE = {"2003", "3003", "6001", "6002", "9002", "9003"}
_REFUSED = {"2001", "2002", "2003", "2004", "2005", "2006", "3004", "5005", "6003", "7004"}
_USAGE = {CoreErrorCode.TOOL_NOT_FOUND, CoreErrorCode.DEPENDENCY_MISSING}
"""Codes with exit code 2, besides all of the validation category."""
_SEVERITIES: dict[str, Severity] = {
    CoreErrorCode.MALICIOUS_INPUT: Severity.CRITICAL,
    CoreErrorCode.STORAGE_CORRUPTION: Severity.CRITICAL,
    CoreErrorCode.TOOL_NOT_FOUND: Severity.WARNING,
    CoreErrorCode.AGENT_NO_ANSWER: Severity.WARNING,
}
_JSONRPC: dict[str, int] = {CoreErrorCode.TOOL_NOT_FOUND: -32601, CoreErrorCode.STORAGE_NOT_FOUND: -32002}
_JSONRPC_CATEGORIES = {ErrorCategory.VALIDATION: -32602, ErrorCategory.UNKNOWN: -32603}
"""The numbers of JSON-RPC for "invalid params" and "internal error"."""


_TEXTS = {
    "1001": (400, "An argument, an option or a setting is not valid.", "Correct the value that the message names."),
    "1002": (400, "A required value is missing.", "Add the value that the message names."),
    "1003": (400, "A value has the wrong type.", "Use a value of the type that the message names."),
    "1004": (400, "A value is outside the allowed range.", "Use a value within the limits in the message."),
    "1005": (400, "A text or a file has the wrong format.", "Correct it at the position that the message names."),
    "2001": (401, "The caller is not identified.", "Send a valid key or token."),
    "2002": (403, "The caller is not allowed to do this.", "Ask the owner of the resource for access."),
    "2003": (429, "There were too many calls in a short time.", "Wait a moment, then call less often."),
    "2004": (403, "A security check refused the call.", "Fix what the check names; do not bypass the check."),
    "2005": (400, "The input looks like an attack.", "Remove from the input what the message names."),
    "2006": (403, "A permission rule or the system refused this.", "Grant the permission, or use something else."),
    "3001": (404, "There is no tool or command with this name.", "Use a name that the message lists."),
    "3002": (500, "The call ran and failed.", "Read the message; the log or the run has details."),
    "3003": (504, "The call did not finish in time.", "Try again with more time or less work."),
    "3004": (403, "A safeguard stopped the command before it started.", "Follow the message to allow the command."),
    "3005": (409, "The command does not fit the present state.", "Create the state that the message names."),
    "3006": (503, "A dependency is not installed or is damaged.", "Install what the message names."),
    "3007": (500, "The dependencies form a circle.", "Remove one of the dependencies in the message."),
    "4001": (500, "Reading from the disk or the storage failed.", "Check the disk and permissions, then try again."),
    "4002": (507, "Writing to the disk or the storage failed.", "Free space or fix permissions, then try again."),
    "4003": (404, "The requested item is not stored.", "Check the name; list the items that exist."),
    "4004": (500, "Stored data does not match its checksums.", "Rebuild it: omni ingest."),
    "5001": (500, "A shell command ran and failed.", "Run it in a terminal to see all of its output."),
    "5002": (500, "A shell command did not print valid JSON.", "Make it print one JSON document to stdout."),
    "5003": (500, "A shell command did not start.", "Check that it is installed and executable."),
    "5004": (
        422,
        "It is unclear whether a shell command changes something.",
        "Split the command, or ask for approval.",
    ),
    "5005": (403, "A shell command was refused as unsafe.", "Use a tool for this task, or ask for approval."),
    "6001": (502, "The server cannot be reached.", "Check the address and the network, then try again."),
    "6002": (504, "The server did not answer in time.", "Try again, or allow more time."),
    "6003": (403, "No rule allows a connection to this host.", "Allow the host if you trust it."),
    "6004": (502, "The server sent an answer that cannot be used.", "Check the address."),
    "7001": (404, "The sources do not answer the question.", "Rephrase the question, or ingest a source for it."),
    "7002": (422, "The budget of steps, tokens or time is used up.", "Use a larger budget or a smaller task."),
    "7003": (422, "The agent repeated itself and was stopped.", "Rephrase the task, or add what it lacks."),
    "7004": (409, "The review rejected the plan.", "Describe what the plan should change."),
    "7005": (
        502,
        "The language model failed or its answer is unusable.",
        "Check its address and name, or use another.",
    ),
    "9001": (502, "An external service answered with an error.", "Read its message; check the request and the key."),
    "9002": (504, "An external service did not answer in time.", "Try again in a moment."),
    "9003": (503, "An external service is down or refuses requests.", "Try again in a moment."),
}
"""HTTP status, meaning and cure by code."""


def _row(
    code: str, name: str, http_status: int, meaning: str, cure: str, *, retryable: bool, refused: bool = False
) -> CodeInfo:
    category = category_of(code)
    is_validation = category is ErrorCategory.VALIDATION
    is_mild = retryable or refused or is_validation
    return CodeInfo(
        code=code,
        name=name,
        category=category,
        meaning=meaning,
        cure=cure,
        severity=_SEVERITIES.get(code, Severity.WARNING if is_mild else Severity.ERROR),
        retryable=retryable,
        exit_code=3 if retryable else 2 if is_validation or code in _USAGE else 1,
        http_status=http_status,
        jsonrpc_code=_JSONRPC.get(code) or _JSONRPC_CATEGORIES.get(category) or -32000 - 10 * int(code[0]),
        refused=refused,
    )


_TABLE = {
    str(code): _row(str(code), code.name, *_TEXTS[code], retryable=code in _RETRYABLE, refused=code in _REFUSED)
    for code in CoreErrorCode
}
