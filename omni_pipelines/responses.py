"""The one envelope for the result of any call.

A success has no error. An error or a refusal (`blocked`) has a message and a numbered code. A partial response has
data and a message that says what is missing. Every envelope can be written as JSON.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypedDict, Unpack

import orjson
from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue, field_serializer, model_validator

from omni_pipelines.error_codes import CoreErrorCode, explain
from omni_pipelines.errors import OmniError, from_exception
from omni_pipelines.json_values import clean, text_of, to_json_value
from omni_pipelines.records import Record

MAX_MESSAGE_LENGTH = 4_000
_CODE = r"^[1-9][0-9]{3}$"


class ResponseStatus(StrEnum):
    """The outcome of a call."""

    SUCCESS = "success"
    ERROR = "error"
    """The call failed."""
    BLOCKED = "blocked"
    """A rule refused the call before it did anything."""
    PARTIAL = "partial"
    """Part of the data is missing; the message says which."""


class McpText(TypedDict):
    """A text block of an MCP tool result."""

    type: str
    text: str


class McpToolResult(TypedDict):
    """The result of an MCP tool call."""

    content: list[McpText]
    structuredContent: dict[str, JsonValue]
    isError: bool


class _Fields(TypedDict, total=False):
    metadata: Mapping[str, object]
    retryable: bool | None


class _Failure(_Fields, total=False):
    data: object


def _shorten(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = clean(value)
    if len(text) <= MAX_MESSAGE_LENGTH:
        return text
    end = f"… ({len(text):,} characters)"  # part of the maximum: reading the envelope must not shorten it again
    return text[: MAX_MESSAGE_LENGTH - len(end)] + end


class ToolResponse(Record):
    """The result of a call; create one with `success`, `error`, `blocked`, `partial` or `from_exception`."""

    status: ResponseStatus
    data: Any = None
    """The value that the call returned; written as JSON as `to_json_value` converts it."""
    error_message: Annotated[str, BeforeValidator(_shorten), Field(min_length=1)] | None = None
    error_code: Annotated[str, Field(pattern=_CODE)] | None = None
    metadata: Annotated[dict[str, Any], BeforeValidator(to_json_value)] = Field(default_factory=dict)
    """JSON values; for an error `cure`, `error_type`, `exception_message` and `details`, if known."""
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    """When the envelope was created."""
    request_id: Annotated[str, Field(min_length=1)] = Field(default_factory=lambda: uuid.uuid4().hex)
    duration_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    retryable: bool = False
    """The same call may succeed in a moment."""

    @model_validator(mode="after")
    def _check_status(self) -> ToolResponse:
        has_message, has_code = self.error_message is not None, self.error_code is not None
        if self.is_success and (has_message or has_code or self.retryable):
            raise ValueError("a success has no error")
        if (self.is_error or self.is_blocked) and not (has_message and has_code):
            raise ValueError("an error or a refusal needs a message and a numbered code")
        if self.is_partial and not has_message:
            raise ValueError("a partial response needs a message that says what is missing")
        return self

    @field_serializer("data", when_used="json")
    def _data_as_json(self, data: object) -> object:
        return to_json_value(data)

    @classmethod
    def success(cls, data: object = None, *, metadata: Mapping[str, object] | None = None) -> ToolResponse:
        """Return the response of a call that succeeded."""
        return cls(status=ResponseStatus.SUCCESS, data=data, metadata=dict(metadata or {}))

    @classmethod
    def error(
        cls, message: str, code: str = CoreErrorCode.TOOL_EXECUTION_FAILED, **fields: Unpack[_Failure]
    ) -> ToolResponse:
        """Return the response of a call that failed; by default the code decides whether it is retryable."""
        return cls._failed(ResponseStatus.ERROR, message, code, **fields)

    @classmethod
    def blocked(
        cls, message: str, code: str = CoreErrorCode.COMMAND_BLOCKED, **fields: Unpack[_Failure]
    ) -> ToolResponse:
        """Return the response of a call that a rule refused before it did anything."""
        return cls._failed(ResponseStatus.BLOCKED, message, code, **fields)

    @classmethod
    def partial(cls, data: object, message: str, code: str | None = None, **fields: Unpack[_Fields]) -> ToolResponse:
        """Return a response with part of the data; the message says what is missing, and the code why, if known."""
        return cls._failed(ResponseStatus.PARTIAL, message, code, data=data, **fields)

    @classmethod
    def from_exception(cls, error: BaseException) -> ToolResponse:
        """Return the response of a call that raised: `blocked` if its code means a refusal, else `error`."""
        known = from_exception(error)
        code = known.code if re.fullmatch(_CODE, known.code) else str(CoreErrorCode.TOOL_EXECUTION_FAILED)
        row = explain(code)
        metadata = {
            "cure": known.cure,
            "error_type": type(error).__name__,
            "exception_message": "" if known is error else _shorten(text_of(error)),
            "details": known.details,
        }
        return cls._failed(
            ResponseStatus.BLOCKED if row and row.refused else ResponseStatus.ERROR,
            known.message.strip() or type(error).__name__,
            code,
            metadata={name: value for name, value in metadata.items() if value},
            retryable=known.retryable,
        )

    @classmethod
    def _failed(
        cls, status: ResponseStatus, message: str, code: str | None, **fields: Unpack[_Failure]
    ) -> ToolResponse:
        row, retryable = explain(code or ""), fields.get("retryable")
        return cls(
            status=status,
            data=fields.get("data"),
            error_message=message,
            error_code=None if code is None else str(code),
            metadata=dict(fields.get("metadata") or {}),
            retryable=bool(row and row.retryable) if retryable is None else retryable,
        )

    @property
    def is_success(self) -> bool:
        """Whether the call succeeded."""
        return self.status is ResponseStatus.SUCCESS

    @property
    def is_error(self) -> bool:
        """Whether the call failed."""
        return self.status is ResponseStatus.ERROR

    @property
    def is_blocked(self) -> bool:
        """Whether a rule refused the call before it did anything."""
        return self.status is ResponseStatus.BLOCKED

    @property
    def is_partial(self) -> bool:
        """Whether part of the data is missing."""
        return self.status is ResponseStatus.PARTIAL

    def unwrap(self, *, partial: bool = False) -> Any:
        """Return the data of a success, or of a partial response if `partial` is true.

        Raises:
            OmniError: the response has another status; the error has its message, code, cure and details.
        """
        if self.is_success or (partial and self.is_partial):
            return self.data
        raise OmniError(
            self.error_message or self.status,
            code=self.error_code,
            cure=text_of(self.metadata.get("cure", "")),
            retryable=self.retryable,
            details=self.metadata.get("details"),
        )

    def to_mcp(self) -> McpToolResult:
        """Return the result of an MCP tool call: the envelope for programs, and a short text for a language model."""
        return {
            "content": [{"type": "text", "text": self._text()}],
            "structuredContent": self.model_dump(mode="json"),
            "isError": self.is_error or self.is_blocked,
        }

    def _text(self) -> str:
        data = to_json_value(self.data)
        body = data if isinstance(data, str) else "" if data is None else orjson.dumps(data).decode()
        if self.is_success:
            return body or "done"
        cure = self.metadata.get("cure")
        head = f"{self.status}: {self.error_message}" + (f" [{self.error_code}]" if self.error_code else "")
        return "\n".join(part for part in (head, f"cure: {cure}" if cure else "", body) if part)
