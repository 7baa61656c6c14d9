"""The errors: codes, exit codes, cures, structured attributes and pickling."""

from __future__ import annotations

import asyncio
import json
import pickle
import re
import threading
from collections.abc import Iterator
from typing import TypeVar

import pytest

import native.errors
from native.errors import EngineError, TableCorrupt, WriteConflict
from native.foreign_errors import FOREIGN_NUMBERS, FOREIGN_TEXTS, FOREIGN_TYPES
from omni_pipelines.error_codes import CoreErrorCode, ErrorCategory, explain
from omni_pipelines.errors import (
    ConfigurationError,
    NoAnswer,
    OmniError,
    SecurityError,
    ToolExecutionError,
    ToolNotFoundError,
    ToolTimeout,
    UnexpectedError,
    ValidationError,
    from_exception,
)
from omni_pipelines.refusals import RefusalCode, Unreadable

STRUCTURED: list[OmniError] = [
    ValidationError("k", 0, "must be from 1 to 100", cure="give -k 10", code="1004"),
    SecurityError("host", "example.org is not allowed", cure="allow it"),
    ToolNotFoundError("serch", ["search", "ask"]),
    ToolExecutionError("git.commit", "nothing to commit", 1, "stderr of git"),
    ToolTimeout("git.clone", 2.5),
]

Kind = TypeVar("Kind")


def subclasses(kind: type[Kind]) -> Iterator[type[Kind]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def tree(page: str | None, root: str) -> set[str]:
    assert page is not None
    return {root, *re.findall(r"── (\w+)", page)}


OURS: list[type[OmniError]] = [
    OmniError,
    *(kind for kind in subclasses(OmniError) if kind.__module__ == "omni_pipelines.errors"),
]
NATIVE: list[type[EngineError]] = [
    EngineError,
    *(kind for kind in subclasses(EngineError) if kind.__module__ == "native.errors"),
]
PLAIN = [kind for kind in OURS if kind not in {type(error) for error in STRUCTURED}]


# --- codes

CODES = {
    "OmniError": ("3002", 1),
    "NoAnswer": ("7001", 1),
    "CitationNotFound": ("4003", 1),
    "NotVerified": ("2004", 1),
    "NotChecked": ("3005", 2),
    "GateFailed": ("3004", 1),
    "DeletionRefused": ("3004", 1),
    "TableBroken": ("4004", 1),
    "LanguageModelFailed": ("7005", 1),
    "NetworkBlocked": ("6003", 1),
    "AccessRefused": ("2006", 1),
    "SecurityError": ("2004", 1),
    "ToolNotFoundError": ("3001", 2),
    "ToolExecutionError": ("3002", 1),
    "UnexpectedError": ("3002", 1),
    "StoreRefused": ("3005", 1),
    "NotForgotten": ("3005", 1),
    "BundleRefused": ("4004", 1),
    "ConfigurationError": ("1001", 2),
    "ValidationError": ("1001", 2),
    "SourceMissing": ("4003", 2),
    "NothingNamed": ("4003", 2),
    "HomeError": ("3005", 2),
    "ModelMissing": ("3006", 2),
    "RetryableError": ("3005", 3),
    "HomeBusy": ("3005", 3),
    "ServiceBusy": ("3005", 3),
    "UpstreamMoved": ("3005", 3),
    "NetworkUnreachable": ("6001", 3),
    "NetworkTimeout": ("6002", 3),
    "NetworkBadResponse": ("6004", 3),
    "ToolTimeout": ("3003", 3),
}
"""Code and exit code by class."""


def test_the_drawn_tree_of_engine_errors_names_every_class() -> None:
    assert {kind.__name__ for kind in NATIVE} == tree(native.errors.__doc__, "EngineError")


@pytest.mark.parametrize("kind", NATIVE, ids=lambda kind: kind.__name__)
def test_every_engine_error_has_the_code_in_the_drawn_tree(kind: type[EngineError]) -> None:
    drawn = re.search(rf"(?:── |^){kind.__name__} +(\d+)", native.errors.__doc__ or "", re.MULTILINE)
    assert drawn is not None
    assert kind.code == drawn[1]
    assert explain(kind.code) is not None


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_error_keeps_its_code_and_exit_code(kind: type[OmniError]) -> None:
    assert (kind.code, kind.exit_code) == CODES[kind.__name__]
    assert kind.retryable == (kind.exit_code == 3)
    assert explain(kind.code) is not None


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_a_raised_error_has_the_code_and_exit_code_of_its_class(kind: type[OmniError]) -> None:
    error = kind("it happened", cure="mend it")
    assert (error.code, error.exit_code, error.retryable) == (kind.code, kind.exit_code, kind.retryable)


def test_str_has_code_message_and_cure() -> None:
    assert str(NoAnswer("nothing found", cure="ask again")) == "[7001] nothing found; ask again"
    assert str(NoAnswer("nothing found")) == "[7001] nothing found"
    assert str(TableCorrupt("cut short", cure="run: omni ingest")) == "[4004] cut short; run: omni ingest"
    assert repr(NoAnswer("nothing found")) == "NoAnswer('nothing found', code='7001')"


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_a_given_code_sets_exit_code_and_retryable(code: CoreErrorCode) -> None:
    error, row = OmniError("it happened", code=code), explain(code)
    assert row is not None
    assert (error.code, error.exit_code, error.retryable) == (code.value, row.exit_code, row.retryable)
    assert error.category is row.category


def test_retryable_errors_have_exit_code_three() -> None:
    assert OmniError("moved", code="3005", retryable=True).exit_code == 3
    assert OmniError("no code", retryable=True).exit_code == 3
    assert OmniError("slow for good", code="3003", retryable=False).exit_code == 1
    assert ConfigurationError("no such folder", code="4003").exit_code == 2


def test_an_unknown_code_is_kept_and_has_no_category() -> None:
    error = OmniError("it happened", code="8999")
    assert (error.code, error.category, error.exit_code) == ("8999", ErrorCategory.UNKNOWN, 1)


# --- structured attributes


@pytest.mark.parametrize(
    ("error", "text", "details"),
    [
        (
            STRUCTURED[0],
            "[1004] k must be from 1 to 100: 0; give -k 10",
            {"field": "k", "value": 0},
        ),
        (
            STRUCTURED[1],
            "[2004] the host check refused it: example.org is not allowed; allow it",
            {"check_type": "host"},
        ),
        (
            STRUCTURED[2],
            "[3001] there is no tool 'serch'; did you mean search?",
            {"tool": "serch", "available_tools": ["ask", "search"]},
        ),
        (
            STRUCTURED[3],
            "[3002] tool git.commit failed (exit code 1): nothing to commit",
            {"tool": "git.commit", "exit_code": 1, "stderr": "stderr of git"},
        ),
        (
            STRUCTURED[4],
            "[3003] git.clone did not finish in 2.5 s; try again, or allow more time",
            {"tool": "git.clone", "timeout_seconds": 2.5},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_structured_errors_build_message_and_details_from_attributes(
    error: OmniError, text: str, details: dict[str, object]
) -> None:
    assert str(error) == text
    assert error.details == details
    assert error.to_dict()["details"] == details


def test_structured_errors_have_named_attributes() -> None:
    wrong, unsafe, unknown, failed, slow = STRUCTURED
    assert isinstance(wrong, ValidationError)
    assert (wrong.field, wrong.value) == ("k", 0)
    assert isinstance(unsafe, SecurityError)
    assert unsafe.check_type == "host"
    assert isinstance(unknown, ToolNotFoundError)
    assert (unknown.tool, unknown.available_tools) == ("serch", ("ask", "search"))
    assert isinstance(failed, ToolExecutionError)
    assert (failed.tool, failed.process_exit_code, failed.stderr) == ("git.commit", 1, "stderr of git")
    assert isinstance(slow, ToolTimeout)
    assert (slow.tool, slow.seconds) == ("git.clone", 2.5)


def test_the_exit_code_of_a_tool_does_not_set_that_of_the_command_line() -> None:
    assert ToolExecutionError("git", "failed", exit_code=128).exit_code == 1


def test_an_unknown_tool_without_a_similar_name_lists_all_tools() -> None:
    names = [f"tool{number:02}" for number in range(12)]
    assert ToolNotFoundError("xyz", ["b", "a"]).cure == "there are: a, b"
    assert ToolNotFoundError("xyz", names).cure == f"there are: {', '.join(names[:10])} and 2 more"
    assert ToolNotFoundError("xyz").cure == ""


def test_a_validation_error_shortens_a_long_value_in_its_message() -> None:
    error = ValidationError("text", "x" * 9_000)
    assert isinstance(error, ConfigurationError)
    assert error.exit_code == 2
    assert len(error.message) < 600
    assert error.value == "x" * 9_000


@pytest.mark.parametrize(
    "error", [OmniError("plain", details={"call": print}), *STRUCTURED], ids=lambda error: type(error).__name__
)
def test_to_dict_can_be_written_as_json(error: OmniError) -> None:
    result = json.loads(json.dumps(error.to_dict()))
    assert result.keys() == {"message", "code", "category", "cure", "retryable", "details"}
    assert (result["message"], result["code"]) == (error.message, error.code)
    assert result["category"] == error.category


# --- pickles


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "error",
    [
        *(kind("it happened", cure="mend it") for kind in PLAIN),
        *STRUCTURED,
        *(kind("it happened", cure="mend it") for kind in NATIVE),
        OmniError("own code", code="6002", details={"lock": threading.Lock(), "all": {1, 2}}),
        EngineError("own code", code="4002", retryable=True),
        ValidationError("callback", lambda: None),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.code}",
)
def test_every_error_survives_a_pickle(error: OmniError | EngineError, protocol: int) -> None:
    result = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  # our own, a line ago
    assert type(result) is type(error)
    assert result.__dict__ == error.__dict__
    assert (str(result), result.args, result.code, result.retryable) == (
        str(error),
        error.args,
        error.code,
        error.retryable,
    )


# --- from_exception


def test_from_exception_returns_an_omni_error_itself() -> None:
    error = NoAnswer("nothing found")
    assert from_exception(error) is error


def test_from_exception_keeps_code_and_cure_of_an_engine_error() -> None:
    error = WriteConflict("table x was changed", cure="try again")
    result = from_exception(error)
    assert (result.message, result.cure, result.code) == ("table x was changed", "try again", "3005")
    assert (result.retryable, result.exit_code, result.__cause__) == (True, 3, error)


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(kind, {"1001": 2, "3006": 2, "3005": 3}.get(kind.code, 1)) for kind in NATIVE]
)
def test_engine_errors_keep_their_exit_codes(kind: type[EngineError], exit_code: int) -> None:
    assert from_exception(kind("it happened")).exit_code == exit_code


def test_from_exception_names_the_type_of_an_unexpected_error() -> None:
    error = KeyError("colour")
    result = from_exception(error)
    assert type(result) is UnexpectedError
    assert (result.message, result.code, result.__cause__) == ("KeyError: 'colour'", "3002", error)


def test_from_exception_of_a_group_is_its_first_error() -> None:
    group = ExceptionGroup("several", [ExceptionGroup("inner", [NoAnswer("nothing", cure="ask")]), ValueError("x")])
    result = from_exception(group)
    assert (result.message, result.code, result.cure) == ("2 errors, the first: nothing", "7001", "ask")
    assert from_exception(ExceptionGroup("one", [group.exceptions[0]])) is group.exceptions[0].exceptions[0]  # type: ignore[union-attr]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit(), StopIteration(3)])
def test_from_exception_accepts_base_exceptions(error: BaseException) -> None:
    assert type(error).__name__ in from_exception(error).message


def test_from_exception_names_an_error_whose_text_cannot_be_read() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert "Silent" in from_exception(Silent()).message


# --- codes of the engines


def test_every_code_of_an_engine_error_is_in_the_table() -> None:
    meanings = [*FOREIGN_NUMBERS.values(), *FOREIGN_TYPES.values(), *(meaning for _, meaning in FOREIGN_TEXTS)]
    unknown = [meaning for meaning in meanings if explain(meaning.code) is None]
    assert unknown == []


def test_what_is_unreadable_keeps_its_code_across_processes() -> None:
    back = pickle.loads(pickle.dumps(Unreadable(RefusalCode.BINARY, "zeros")))  # noqa: S301  # our own, in this line
    assert (back.code, back.detail, str(back)) == ("E_BINARY", "zeros", "E_BINARY: zeros")
