"""Check the arguments of a call before anything runs: missing, unknown, of the wrong type, size or form."""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.tools.definition import ToolDefinition
from omni_pipelines.tools.problems import Problem, conversion_problems, find_problems, nearest, shown

_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SIZES = ("depth", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems")
PROBLEM_CODES = {
    "required": CoreErrorCode.MISSING_REQUIRED,
    "type": CoreErrorCode.TYPE_MISMATCH,
    **dict.fromkeys((*_RANGES, *_SIZES), CoreErrorCode.VALUE_OUT_OF_RANGE),
    **dict.fromkeys(("pattern", "format", "value"), CoreErrorCode.FORMAT_ERROR),
    "tool": CoreErrorCode.TOOL_NOT_FOUND,
}
"""The error code of each type of problem; every other type is an invalid argument."""


class ArgumentProblem(Problem):
    """One mistake in a call."""

    code: CoreErrorCode
    """1001 unknown name or value, 1002 missing, 1003 type, 1004 range or size, 1005 form, 3001 unknown tool."""


def unknown_tool(name: str, known: Sequence[str]) -> ArgumentProblem:
    """The problem of a call to a tool that does not exist."""
    message = f"there is no tool {shown(name)}"
    return _with_code(Problem(field="", type="tool", message=message, suggestion=nearest(name, known)))


def check_arguments(definition: ToolDefinition, arguments: object) -> list[ArgumentProblem]:
    """The problems of a call; empty if it may run."""
    if not isinstance(arguments, Mapping):
        message = f"the arguments are {type(arguments).__name__}, not fields and values"
        return [_with_code(Problem(field="", type="type", message=message, suggestion="give {name: value}"))]
    problems = find_problems(definition.input_schema, dict(arguments))
    return [_with_code(problem) for problem in problems]


def convert_arguments(
    adapter: TypeAdapter[dict[str, object]], arguments: Mapping[str, object]
) -> tuple[dict[str, object], list[ArgumentProblem]]:
    """Checked arguments as the types of the function, or the problems that only these types find."""
    try:
        return adapter.validate_python(dict(arguments)), []
    except ValidationError as error:
        return {}, [_with_code(problem) for problem in conversion_problems(error)]


def _with_code(problem: Problem) -> ArgumentProblem:
    code = PROBLEM_CODES.get(problem.type, CoreErrorCode.INVALID_ARGUMENT)
    return ArgumentProblem(**problem.model_dump(), code=code)
