"""A call is checked before anything runs, always: what is missing, unknown, of the wrong type, size or form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.tools.definition import ToolDefinition
from omni_pipelines.tools.problems import Problem, nearest, path_text, problems, shown
from omni_pipelines.tools.validators import validator_for

_CODES = {
    "required": CoreErrorCode.MISSING_REQUIRED,
    "type": CoreErrorCode.TYPE_MISMATCH,
    **dict.fromkeys(
        (
            "depth",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "uniqueItems",
        ),
        CoreErrorCode.VALUE_OUT_OF_RANGE,
    ),
    **dict.fromkeys(("pattern", "format", "value"), CoreErrorCode.FORMAT_ERROR),
    "tool": CoreErrorCode.TOOL_NOT_FOUND,
}


class ArgumentProblem(Problem):
    """One thing that is wrong with a call."""

    code: CoreErrorCode
    """1001 not taken here, 1002 missing, 1003 type, 1004 range or size, 1005 form; 3001 no such tool."""


def unknown_tool(name: str, known: list[str]) -> ArgumentProblem:
    """The problem of a name that no tool has."""
    message = f"there is no tool {shown(name)}"
    return _with_code(Problem(field="", type="tool", message=message, suggestion=nearest(name, known)))


def check_call(definition: ToolDefinition, arguments: Any) -> list[ArgumentProblem]:
    """All that is wrong with the arguments of a call; empty if it may run."""
    if not isinstance(arguments, Mapping):
        message = f"the arguments are {type(arguments).__name__}, not fields and values"
        return [_with_code(Problem(field="", type="type", message=message, suggestion="give {name: value}"))]
    found = problems(validator_for(definition.input_schema), dict(arguments))
    return [_with_code(each) for each in found]


def converted(
    adapter: TypeAdapter[dict[str, Any]], arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], list[ArgumentProblem]]:
    """Checked arguments as the function's own types, or what only they can tell: no such day."""
    try:
        return adapter.validate_python(dict(arguments)), []
    except ValidationError as error:
        return {}, [
            _with_code(
                Problem(
                    field=path_text(each["loc"]),
                    type="value",
                    message=f"{shown(each['input'])} does not fit: {_lowered(each['msg'])}",
                    suggestion="correct it",
                )
            )
            for each in error.errors(include_url=False, include_context=False)
        ]


def _lowered(message: str) -> str:
    text = re.sub(r"^(Value error|Assertion failed), ", "", message)
    return text[:1].lower() + text[1:]


def _with_code(problem: Problem) -> ArgumentProblem:
    code = _CODES.get(problem.type, CoreErrorCode.INVALID_ARGUMENT)
    return ArgumentProblem(**problem.model_dump(), code=code)
