"""What a user may see when something goes wrong: what happened, where, and the cure.

OmniError                      3002  exit 1   the domain said no
├── NoAnswer                   7001           the evidence is too weak to answer
├── CitationNotFound           4003           nothing stands at the place a citation names
├── DeletionRefused            3004           a listing would delete more than it should
├── NotVerified                2004           a receipt does not agree with the release it names, or with itself
├── GateFailed                 3004           a gate keeps a candidate from being published
├── TableBroken                4004           a table or index on disk fails its own checks
├── NotForgotten               3005           something of a forgotten document is still there
├── StoreRefused               3005           a store of releases is not what it must be
├── BundleRefused              4004           a file is no bundle of a release, or not what was exported
├── LanguageModelFailed        7005           a language model refused, or answered with what cannot be used
├── NetworkBlocked             6003           an answer leads to another host
├── AccessRefused              2006           a reader may not see this
├── SecurityError              2004           a check refused it before it did anything
├── ToolNotFoundError          3001  exit 2   there is no tool of this name
├── ToolExecutionError         3002           a tool ran and failed
├── CellError                  5001           a shell cell failed; 5002 to 5005 say how
├── UnexpectedError            3002           an exception that nobody foresaw
├── ConfigurationError         1001  exit 2   a setting, an option or an argument is wrong
│   ├── ValidationError        1001           a value does not fit its field; 1002 to 1005 say how
│   ├── SourceMissing          4003           a path to ingest is not there or cannot be listed
│   ├── HomeError              3005           the home folder is missing or is not a home
│   └── ModelMissing           3006           a model was never pulled, or its files changed
└── RetryableError             3005  exit 3   the same command may work in a moment
    ├── HomeBusy               3005           another process is writing to this home
    ├── ServiceBusy            3005           more is asked than can be answered in time
    ├── UpstreamMoved          3005           a table changed while it was being indexed
    ├── NetworkUnreachable     6001           nobody answers at an address
    ├── NetworkTimeout         6002           an answer did not come in time
    ├── NetworkBadResponse     6004           an answer is broken, or says that the server is not well
    └── ToolTimeout            3003           a tool did not finish in its time

The numbers are explained in `omni_pipelines.error_codes`. `native.errors` is the tree below, of the engines;
`from_exception` brings both, and everything foreign, to one.
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from native.errors import EngineError, translate
from omni_pipelines.error_codes import CoreErrorCode, ErrorCategory, category_of, explain
from omni_pipelines.json_values import text_of, to_json_value

_MAX_NAMES = 10


class OmniError(Exception):
    """Base of every error we raise.

    `code` is a number as text, `cure` says what to do about it, `details` are its attributes as JSON can carry them.
    """

    code: str = CoreErrorCode.TOOL_EXECUTION_FAILED
    exit_code: int = 1
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        cure: str = "",
        code: str | None = None,
        retryable: bool | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """A `code` of its own brings its retry, and its exit code where the class has no better one."""
        super().__init__(message)
        self.message = text_of(message)
        self.cure = cure
        self.details: dict[str, Any] = to_json_value(details or {})
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
        """Whose error it is, by the first digit of its code."""
        return category_of(self.code)

    def to_dict(self) -> dict[str, Any]:
        """message, code, category, cure, retryable and details, ready for JSON."""
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

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__)  # type: ignore[attr-defined]


class NoAnswer(OmniError):
    """The evidence is too weak to answer."""

    code = CoreErrorCode.AGENT_NO_ANSWER


class CitationNotFound(OmniError):
    """Nothing stands at the place a citation names."""

    code = CoreErrorCode.STORAGE_NOT_FOUND


class NotVerified(OmniError):
    """A receipt does not agree with the release it names, or with itself."""

    code = CoreErrorCode.SECURITY_CHECK_FAILED


class GateFailed(OmniError):
    """A gate keeps a candidate from being published."""

    code = CoreErrorCode.COMMAND_BLOCKED


class DeletionRefused(OmniError):
    """A listing would delete more documents than the guard allows."""

    code = CoreErrorCode.COMMAND_BLOCKED


class TableBroken(OmniError):
    """A table or an index on disk fails its own checks."""

    code = CoreErrorCode.STORAGE_CORRUPTION


class LanguageModelFailed(OmniError):
    """A language model refused, or answered with what cannot be used."""

    code = CoreErrorCode.AGENT_MODEL_FAILED


class NetworkBlocked(OmniError):
    """An answer leads to another host, which nobody allowed."""

    code = CoreErrorCode.NETWORK_BLOCKED


class AccessRefused(OmniError):
    """The reader who asks may not see this, and never will by asking in another way."""

    code = CoreErrorCode.PERMISSION_DENIED


class SecurityError(OmniError):
    """A security check, named by `check_type`, refused it before it did anything."""

    code = CoreErrorCode.SECURITY_CHECK_FAILED

    def __init__(self, check_type: str, problem: str = "", *, cure: str = "", code: str | None = None) -> None:
        message = f"the {check_type} check refused it" + (f": {problem}" if problem else "")
        super().__init__(message, cure=cure, code=code, details={"check_type": check_type})
        self.check_type = check_type


class ToolNotFoundError(OmniError):
    """There is no tool of this name; the cure names the nearest one that there is."""

    code = CoreErrorCode.TOOL_NOT_FOUND
    exit_code = 2

    def __init__(self, tool: str, available_tools: Sequence[str] = ()) -> None:
        names = sorted(available_tools)
        super().__init__(
            f"there is no tool {tool!r}", cure=nearest(tool, names), details={"tool": tool, "available_tools": names}
        )
        self.tool = tool
        self.available_tools = tuple(names)


class ToolExecutionError(OmniError):
    """A tool ran and failed. `process_exit_code` and `stderr` are of the process that it started, if it did."""

    code = CoreErrorCode.TOOL_EXECUTION_FAILED

    def __init__(
        self, tool: str, message: str, exit_code: int | None = None, stderr: str = "", *, cure: str = ""
    ) -> None:
        ended = "" if exit_code is None else f" (exit code {exit_code})"
        details = {"tool": tool, "exit_code": exit_code, "stderr": stderr}
        super().__init__(f"tool {tool} failed{ended}: {message}", cure=cure, details=details)
        self.tool = tool
        self.process_exit_code = exit_code
        self.stderr = stderr


class CellError(OmniError):
    """A shell cell failed; `error_type` says in a word how, and may be given a code of its own (5002 to 5005)."""

    code = CoreErrorCode.CELL_EXECUTION_ERROR

    def __init__(
        self, command: str, error_type: str, problem: str = "", *, cure: str = "", code: str | None = None
    ) -> None:
        message = f"{command!r} failed with {error_type}" + (f": {problem}" if problem else "")
        super().__init__(message, cure=cure, code=code, details={"command": command, "error_type": error_type})
        self.command = command
        self.error_type = error_type


class UnexpectedError(OmniError):
    """An exception that nobody foresaw; it stands behind this one, with its traceback, as `__cause__`."""


class StoreRefused(OmniError):
    """A store of releases is not what it must be, or has no room for this home."""

    code = CoreErrorCode.INVALID_STATE


class NotForgotten(OmniError):
    """Something of a document that was to be forgotten is still there."""

    code = CoreErrorCode.INVALID_STATE


class BundleRefused(OmniError):
    """A file is no bundle of a release, or not as it was exported."""

    code = CoreErrorCode.STORAGE_CORRUPTION


class ConfigurationError(OmniError):
    """A setting, an option or an argument is wrong."""

    code = CoreErrorCode.INVALID_ARGUMENT
    exit_code = 2


class ValidationError(ConfigurationError):
    """A value does not fit its field. `value` is kept as JSON can carry it."""

    def __init__(
        self,
        field: str,
        value: object = None,
        problem: str = "is not acceptable",
        *,
        cure: str = "",
        code: str | None = None,
    ) -> None:
        plain = to_json_value(value)
        super().__init__(
            f"{field} {problem}: {_short(plain)}", cure=cure, code=code, details={"field": field, "value": plain}
        )
        self.field = field
        self.value = plain


class SourceMissing(ConfigurationError):
    """A path to ingest is not there or cannot be listed."""

    code = CoreErrorCode.STORAGE_NOT_FOUND


class HomeError(ConfigurationError):
    """The home folder is missing, or something else stands in its place."""

    code = CoreErrorCode.INVALID_STATE


class ModelMissing(ConfigurationError):
    """A model was never pulled, or its files are not what they were."""

    code = CoreErrorCode.DEPENDENCY_MISSING


class RetryableError(OmniError):
    """The same command may work in a moment."""

    code = CoreErrorCode.INVALID_STATE
    exit_code = 3
    retryable = True


class HomeBusy(RetryableError):
    """Another process is writing to this home."""


class ServiceBusy(RetryableError):
    """More is asked than can be answered in time; `details["retry_after"]` seconds are a fair wait."""


class UpstreamMoved(RetryableError):
    """A table changed while it was being indexed."""


class NetworkUnreachable(RetryableError):
    """Nobody answers at an address."""

    code = CoreErrorCode.NETWORK_UNREACHABLE


class NetworkTimeout(RetryableError):
    """An answer did not come in time."""

    code = CoreErrorCode.NETWORK_TIMEOUT


class NetworkBadResponse(RetryableError):
    """An answer is broken, or says that the server is not well."""

    code = CoreErrorCode.NETWORK_BAD_RESPONSE


class ToolTimeout(RetryableError):
    """A tool did not finish in the seconds it was given."""

    code = CoreErrorCode.TOOL_TIMEOUT

    def __init__(self, tool: str, seconds: float) -> None:
        super().__init__(
            f"{tool} did not finish in {seconds:g} s",
            cure="try again, or allow more time",
            details={"tool": tool, "timeout_seconds": seconds},
        )
        self.tool = tool
        self.seconds = seconds


def from_exception(error: BaseException) -> OmniError:
    """Any exception as one of ours, with a code: ours as it is, an engine's or the system's by its meaning.

    Of a group, the first of its errors speaks for all. What nobody foresaw becomes an UnexpectedError.
    """
    if isinstance(error, OmniError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return _from_group(error)
    engine = error if isinstance(error, EngineError) else translate(error)
    found: OmniError
    if engine is None:
        found = UnexpectedError(f"{type(error).__name__}: {_short(text_of(error))}")
    else:
        found = OmniError(engine.message, cure=engine.cure, code=engine.code, retryable=engine.retryable)
    found.__cause__ = error
    return found


def _from_group(group: BaseExceptionGroup[BaseException]) -> OmniError:
    leaves = list(_leaves(group))
    first = from_exception(leaves[0])
    if len(leaves) == 1:
        return first
    found = OmniError(
        f"{len(leaves)} errors, the first: {first.message}",
        cure=first.cure,
        code=first.code,
        retryable=first.retryable,
    )
    found.__cause__ = group
    return found


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop()
        if isinstance(error, BaseExceptionGroup):
            waiting.extend(reversed(error.exceptions))
        else:
            yield error


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The cure for a name that there is none of: the nearest known one, or `otherwise`, by default all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near or otherwise:
        return f"did you mean {near[0]}?" if near else otherwise
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"there are: {', '.join(names[:_MAX_NAMES])}{more}" if names else ""


def _short(value: object) -> str:
    text = text_of(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= 500 else f"{text[:500]}… ({len(text):,} characters)"
