"""The one envelope every tool answers with."""

from __future__ import annotations

import asyncio
import inspect
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import ConfigurationError, OmniError, RetryableError


class ResponseStatus(StrEnum):
    """How a call ended."""

    SUCCESS = "success"
    ERROR = "error"
    BLOCKED = "blocked"
    PARTIAL = "partial"


class ToolResponse(BaseModel):
    """What a tool answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: ResponseStatus
    data: Any = None
    error_message: str | None = None
    error_code: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    timestamp: datetime = Field(default_factory=lambda: datetime.now(UTC))
    request_id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    duration_ms: float = 0.0
    retryable: bool = False

    @classmethod
    def success(cls, data: Any = None, **fields: Any) -> ToolResponse:
        """It worked."""
        return cls(status=ResponseStatus.SUCCESS, data=data, **fields)

    @classmethod
    def error(cls, message: str, code: str, **fields: Any) -> ToolResponse:
        """It failed."""
        return cls(status=ResponseStatus.ERROR, error_message=message, error_code=code, **fields)

    @classmethod
    def from_exception(cls, error: BaseException, **fields: Any) -> ToolResponse:
        """It raised."""
        wrong = CoreErrorCode.INVALID_ARGUMENT if isinstance(error, ConfigurationError) else None
        code = getattr(error, "code", wrong or CoreErrorCode.TOOL_EXECUTION_FAILED)
        retryable = isinstance(error, RetryableError)
        message = error.message if isinstance(error, OmniError) else f"{type(error).__name__}: {error}"
        cure = getattr(error, "cure", "")
        metadata = {"error_type": type(error).__name__, **({"cure": cure} if cure else {})}
        return cls.error(message, code, retryable=retryable, metadata=metadata, **fields)

    @property
    def is_success(self) -> bool:
        """Whether it worked."""
        return self.status == ResponseStatus.SUCCESS

    @property
    def is_error(self) -> bool:
        """Whether it failed."""
        return self.status == ResponseStatus.ERROR


class CommandExecutor:
    """Runs a function; whatever happens becomes an envelope."""

    def execute(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> ToolResponse:
        """What it returned, or the error it raised."""
        began = time.monotonic()
        try:
            result = func(*args, **kwargs)
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
        except Exception as error:  # noqa: BLE001  # nothing escapes
            return ToolResponse.from_exception(error)
        if isinstance(result, ToolResponse):
            return result
        return ToolResponse.success(result, duration_ms=(time.monotonic() - began) * 1000)
