"""The numbers of errors. The first digit is the category."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CoreErrorCode(StrEnum):
    """The number of an error, as text."""

    INVALID_ARGUMENT = "1001"
    MISSING_REQUIRED = "1002"
    TYPE_MISMATCH = "1003"
    VALUE_OUT_OF_RANGE = "1004"
    FORMAT_ERROR = "1005"
    TOOL_NOT_FOUND = "3001"
    TOOL_EXECUTION_FAILED = "3002"


@dataclass(frozen=True)
class CodeInfo:
    """One row of the table."""

    code: str
    exit_code: int


def explain(code: str) -> CodeInfo | None:
    """The row of a code."""
    return CodeInfo(code, 2 if code[0] == "1" or code == CoreErrorCode.TOOL_NOT_FOUND else 1)
