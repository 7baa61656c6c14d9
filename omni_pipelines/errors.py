"""The errors that this library raises: what happened, where, and the cure.

Every error is an `OmniError`. A `ConfigurationError` (exit code 2) means that a setting, an option or an argument is
wrong; after a `RetryableError` (exit code 3) the same command may succeed in a moment.

`omni_pipelines.error_codes` explains the numbers. `native.errors` has the errors of the engines; `from_exception`
turns these, and any other exception, into an OmniError.
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from native.errors import EngineError
from native.foreign_errors import translate
from omni_pipelines.error_codes import CoreErrorCode, ErrorCategory, category_of, explain
from omni_pipelines.json_values import text_of, to_json_object, to_json_value

if TYPE_CHECKING:
    from pydantic import JsonValue

_MAX_COMPARED = 5_000
"""Known names that an unknown one is compared with: more would take seconds."""
_MAX_NAMES = 10
_MAX_LENGTH = 500


class OmniError(Exception):
    """Base class of every error of this library.

    Attributes:
        message: what happened, and where.
        cure: what to do about it, or "".
        code: a number of `error_codes` as text.
        details: the attributes of the error as JSON values.
        retryable: whether the same call may succeed in a moment.
        exit_code: the exit code of the command line.
    """

    code: str = CoreErrorCode.TOOL_EXECUTION_FAILED
    exit_code: int = 1
    retryable: bool = False

    def __init_subclass__(
        cls, code: str | None = None, exit_code: int | None = None, retryable: bool | None = None
    ) -> None:
        cls.code = code or cls.code
        cls.exit_code = exit_code or cls.exit_code
        cls.retryable = retryable or cls.retryable

    def __init__(
        self,
        message: str,
        *,
        cure: str = "",
        code: str | None = None,
        retryable: bool | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """A `code` replaces the code of the class, and sets `retryable` and the exit code as its table row says."""
        super().__init__(message)
        self.message, self.cure = text_of(message), cure
        self.details: dict[str, JsonValue] = to_json_object(details or {})
        row = explain(code) if code is not None else None
        if code is not None:
            self.code = str(code)
        if retryable is not None or row is not None:
            self.retryable = bool(row and row.retryable) if retryable is None else retryable
        if self.retryable:
            self.exit_code = 3
        elif row is not None and not row.retryable and type(self).exit_code == 1:
            self.exit_code = row.exit_code

    @property
    def category(self) -> ErrorCategory:
        """The category of the code."""
        return category_of(self.code)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return message, code, category, cure, retryable and details as JSON values."""
        return {
            "message": self.message,
            "code": str(self.code),
            "category": self.category.value,
            "cure": self.cure,
            "retryable": self.retryable,
            "details": self.details,
        }

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}" + (f"; {self.cure}" if self.cure else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={str(self.code)!r})"

    def __reduce__(self) -> tuple[object, ...]:  # the subclasses have other parameters than args
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__)  # type: ignore[attr-defined]


class NoAnswer(OmniError, code=CoreErrorCode.AGENT_NO_ANSWER):
    """The evidence is too weak for an answer."""


class CitationNotFound(OmniError, code=CoreErrorCode.STORAGE_NOT_FOUND):
    """A citation names text that does not exist."""


class NotVerified(OmniError, code=CoreErrorCode.SECURITY_CHECK_FAILED):
    """A receipt does not match the release it names, its seal, or its own checksum."""


class GateFailed(OmniError, code=CoreErrorCode.COMMAND_BLOCKED):
    """The quality gate refuses to publish a candidate."""


class DeletionRefused(OmniError, code=CoreErrorCode.COMMAND_BLOCKED):
    """An ingest would delete more documents than the guard allows."""


class TableBroken(OmniError, code=CoreErrorCode.STORAGE_CORRUPTION):
    """A table or an index on disk fails its checks."""


class LanguageModelFailed(OmniError, code=CoreErrorCode.AGENT_MODEL_FAILED):
    """A language model refused, or its answer cannot be used."""


class NetworkBlocked(OmniError, code=CoreErrorCode.NETWORK_BLOCKED):
    """A server redirects to a host that is not allowed."""


class AccessRefused(OmniError, code=CoreErrorCode.PERMISSION_DENIED):
    """The viewer may not see this; trying again does not help."""


class SecurityError(OmniError, code=CoreErrorCode.SECURITY_CHECK_FAILED):
    """The security check `check_type` refused a call before it did anything."""

    def __init__(self, check_type: str, problem: str = "", *, cure: str = "", code: str | None = None) -> None:
        message = f"the {check_type} check refused it" + (f": {problem}" if problem else "")
        super().__init__(message, cure=cure, code=code, details={"check_type": check_type})
        self.check_type = check_type


class ToolNotFoundError(OmniError, code=CoreErrorCode.TOOL_NOT_FOUND, exit_code=2):
    """There is no tool with this name; the cure is the nearest name."""

    def __init__(self, tool: str, available_tools: Sequence[str] = ()) -> None:
        names = sorted(available_tools)
        details = {"tool": tool, "available_tools": names}
        super().__init__(f"there is no tool {tool!r}", cure=nearest(tool, names), details=details)
        self.tool, self.available_tools = tool, tuple(names)


class ToolExecutionError(OmniError, code=CoreErrorCode.TOOL_EXECUTION_FAILED):
    """A tool ran and failed; `process_exit_code` and `stderr` belong to the process it started, if any."""

    def __init__(
        self, tool: str, message: str, exit_code: int | None = None, stderr: str = "", *, cure: str = ""
    ) -> None:
        ending = "" if exit_code is None else f" (exit code {exit_code})"
        details = {"tool": tool, "exit_code": exit_code, "stderr": stderr}
        super().__init__(f"tool {tool} failed{ending}: {message}", cure=cure, details=details)
        self.tool, self.process_exit_code, self.stderr = tool, exit_code, stderr


class UnexpectedError(OmniError):
    """An exception that no rule maps to an error; `__cause__` is that exception with its traceback."""


class StoreRefused(OmniError, code=CoreErrorCode.INVALID_STATE):
    """A store of releases is not usable for this home."""


class NotForgotten(OmniError, code=CoreErrorCode.INVALID_STATE):
    """Part of an erased document is still stored."""


class BundleRefused(OmniError, code=CoreErrorCode.STORAGE_CORRUPTION):
    """A file is not a release bundle, or was changed after the export."""


class ConfigurationError(OmniError, code=CoreErrorCode.INVALID_ARGUMENT, exit_code=2):
    """A setting, an option or an argument is wrong."""


class ValidationError(ConfigurationError):
    """A value is not valid for its field; `value` is kept as a JSON value."""

    def __init__(
        self,
        field: str,
        value: object = None,
        problem: str = "is not valid",
        *,
        cure: str = "",
        code: str | None = None,
    ) -> None:
        json_value = to_json_value(value)
        details = {"field": field, "value": json_value}
        super().__init__(f"{field} {problem}: {_shorten(json_value)}", cure=cure, code=code, details=details)
        self.field, self.value = field, json_value


class NotChecked(ConfigurationError, code=CoreErrorCode.INVALID_STATE):
    """Nothing in a receipt is wrong, but not all of it could be checked in this home."""


class SourceMissing(ConfigurationError, code=CoreErrorCode.STORAGE_NOT_FOUND):
    """A source does not exist or cannot be listed."""


class NothingNamed(ConfigurationError, code=CoreErrorCode.STORAGE_NOT_FOUND):
    """No source and no document has a name."""


class HomeError(ConfigurationError, code=CoreErrorCode.INVALID_STATE):
    """The home does not exist or is not a folder."""


class ModelMissing(ConfigurationError, code=CoreErrorCode.DEPENDENCY_MISSING):
    """A model was not pulled, or its files were changed."""


class RetryableError(OmniError, code=CoreErrorCode.INVALID_STATE, exit_code=3, retryable=True):
    """The same command may succeed in a moment."""


class HomeBusy(RetryableError):
    """Another process is writing to this home."""


class ServiceBusy(RetryableError):
    """The service has more requests than it can answer; wait `details["retry_after"]` seconds."""


class UpstreamMoved(RetryableError):
    """What a run was built from changed, or another home published first."""


class NetworkUnreachable(RetryableError, code=CoreErrorCode.NETWORK_UNREACHABLE):
    """No server answers at an address."""


class NetworkTimeout(RetryableError, code=CoreErrorCode.NETWORK_TIMEOUT):
    """A server did not answer in time."""


class NetworkBadResponse(RetryableError, code=CoreErrorCode.NETWORK_BAD_RESPONSE):
    """An answer is broken, or the server reports that it is not well."""


class ToolTimeout(RetryableError, code=CoreErrorCode.TOOL_TIMEOUT):
    """A tool did not finish in the given seconds."""

    def __init__(self, tool: str, seconds: float) -> None:
        details = {"tool": tool, "timeout_seconds": seconds}
        message = f"{tool} did not finish in {seconds:g} s"
        super().__init__(message, cure="try again, or allow more time", details=details)
        self.tool, self.seconds = tool, seconds


def from_exception(error: BaseException) -> OmniError:
    """Return an exception as an OmniError: itself, the meaning of an engine's or system error, or UnexpectedError.

    The result for an exception group is that of its first error.
    """
    if isinstance(error, OmniError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return _from_group(error)
    engine = error if isinstance(error, EngineError) else translate(error)
    result: OmniError
    if engine is None:
        result = UnexpectedError(f"{type(error).__name__}: {_shorten(text_of(error))}")
    else:
        result = OmniError(engine.message, cure=engine.cure, code=engine.code, retryable=engine.retryable)
    result.__cause__ = error
    return result


def _from_group(group: BaseExceptionGroup[BaseException]) -> OmniError:
    errors = list(_flatten(group))
    first = from_exception(errors[0])
    if len(errors) == 1:
        return first
    message = f"{len(errors)} errors, the first: {first.message}"
    result = OmniError(message, cure=first.cure, code=first.code, retryable=first.retryable)
    result.__cause__ = group
    return result


def _flatten(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    pending: list[BaseException] = [group]  # a stack, because groups may be nested deeper than Python recurses
    while pending:
        error = pending.pop()
        if isinstance(error, BaseExceptionGroup):
            pending.extend(reversed(error.exceptions))
        else:
            yield error


def nearest(name: str, known: Iterable[str], otherwise: str = "", *, part: Callable[[str], str] = str) -> str:
    """Return the cure for an unknown name: the most similar known name, else `otherwise`, else all known names.

    `part` gives the part of a name that is compared.
    """
    names = list(known)
    by_part = {part(each): each for each in names[:_MAX_COMPARED]}
    similar = difflib.get_close_matches(part(name), by_part, n=1)
    if similar or otherwise:
        return f"did you mean {by_part[similar[0]]}?" if similar else otherwise
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"there are: {', '.join(names[:_MAX_NAMES])}{more}" if names else ""


def _shorten(value: object) -> str:
    text = text_of(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}… ({len(text):,} characters)"
