"""Contradictions in a tool document that JSON Schema cannot express, such as repeated names."""

import re
from collections.abc import Iterator, Sequence

from pydantic.alias_generators import to_camel

from omni_pipelines.tools.definition import (
    ParameterType,
    ToolDefinition,
    ToolDocument,
    ToolParameter,
    ToolParameters,
    to_document,
)
from omni_pipelines.tools.problems import Problem, find_problems, nearest, path_text

Path = tuple[str | int, ...]
_APPLIES_TO = {
    **dict.fromkeys(("min_length", "max_length", "pattern", "format"), ParameterType.STRING),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of"), ParameterType.NUMBER
    ),
    **dict.fromkeys(("items", "min_items", "max_items", "unique_items"), ParameterType.ARRAY),
    **dict.fromkeys(("properties", "required", "additional_properties"), ParameterType.OBJECT),
}
"""The type that each rule of a parameter is about."""
_LIMITS = (("min_length", "max_length"), ("min_items", "max_items"), ("minimum", "maximum"))


def contradictions(document: ToolDocument) -> Iterator[Problem]:
    """The problems of a document that fits the schema."""
    names = [tool.name for tool in document.tools]
    yield from _repeated(names, ("tools",), "give each tool its own name")
    for index, tool in enumerate(document.tools):
        path: Path = ("tools", index)
        yield from _in_annotations(path, tool)
        yield from _in_variants(path, tool)
        yield from _in_properties((*path, "parameters"), tool.parameters)


def _problem(path: Path, kind: str, message: str, cure: str) -> Problem:
    return Problem(field=path_text(path), type=kind, message=message, suggestion=cure)


def _repeated(names: Sequence[str], path: Path, cure: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield _problem((*path, index, "name"), "duplicate", f"{name} is used twice", cure)


def _in_annotations(path: Path, tool: ToolDefinition) -> Iterator[Problem]:
    hints, execution = tool.annotations, tool.execution
    if hints.read_only_hint and hints.destructive_hint:
        message = "a tool that only reads cannot be destructive"
        cure = "set only one of readOnlyHint and destructiveHint"
        yield _problem((*path, "annotations", "destructiveHint"), "contradiction", message, cure)
    if execution.max_attempts > 1 and not (hints.read_only_hint or hints.idempotent_hint):
        message = "only a tool that is safe to repeat may be retried"
        cure = "set annotations.idempotentHint or readOnlyHint, or set max_attempts to 1"
        yield _problem((*path, "execution", "max_attempts"), "contradiction", message, cure)
    if execution.cache_ttl > 0 and not hints.read_only_hint:
        message = "only the answers of a tool that only reads may be cached"
        cure = "set annotations.readOnlyHint, or set cache_ttl to 0"
        yield _problem((*path, "execution", "cache_ttl"), "contradiction", message, cure)


def _in_variants(path: Path, tool: ToolDefinition) -> Iterator[Problem]:
    names = [variant.name for variant in tool.variants]
    yield from _repeated(names, (*path, "variants"), "give each variant its own name")
    default = tool.default_variant
    if default is not None and default not in names:
        cure = nearest(default, names) if names else "leave it out, or add it to variants"
        yield _problem((*path, "default_variant"), "unknown", f"{default} is not one of the variants", cure)


def _in_properties(path: Path, parent: ToolParameters | ToolParameter) -> Iterator[Problem]:
    properties = parent.properties or {}
    for name in parent.required:
        if name not in properties:
            cure = nearest(name, properties)
            yield _problem((*path, "required"), "unknown", f"{name} is not one of the properties", cure)
    for name, part in properties.items():
        yield from _in_parameter((*path, "properties", name), part)


def _in_parameter(path: Path, parameter: ToolParameter) -> Iterator[Problem]:
    parts = {"items": parameter.items, "additionalProperties": parameter.additional_properties}
    inner = {name: part for name, part in parts.items() if isinstance(part, ToolParameter)}
    problems = [
        *_misplaced(path, parameter),
        *_crossed(path, parameter),
        *_invalid_pattern(path, parameter),
        *_in_properties(path, parameter),
        *(problem for name, part in inner.items() for problem in _in_parameter((*path, name), part)),
    ]
    yield from problems or _in_values(path, parameter)  # values can be checked only against correct rules


def _misplaced(path: Path, parameter: ToolParameter) -> Iterator[Problem]:
    types = {ParameterType.NUMBER if kind is ParameterType.INTEGER else kind for kind in parameter.types}
    for name, needed in _APPLIES_TO.items():
        if name in parameter.model_fields_set and needed not in types:
            message = f"does not apply to {parameter.types[0]}"
            yield _problem((*path, to_camel(name)), "misplaced", message, f"it is for {needed}")


def _crossed(path: Path, parameter: ToolParameter) -> Iterator[Problem]:
    for low, high in _LIMITS:
        minimum, maximum = getattr(parameter, low), getattr(parameter, high)
        if minimum is not None and maximum is not None and minimum > maximum:
            message = f"{minimum} is above {to_camel(high)} {maximum}"
            yield _problem((*path, to_camel(low)), "contradiction", message, "exchange them")


def _invalid_pattern(path: Path, parameter: ToolParameter) -> Iterator[Problem]:
    try:
        re.compile(parameter.pattern or "")
    except (re.error, OverflowError) as error:
        message = f"is not a regular expression: {error}"
        yield _problem((*path, "pattern"), "pattern", message, "correct it")


def _in_values(path: Path, parameter: ToolParameter) -> Iterator[Problem]:
    """The allowed values and the default must satisfy the rules themselves."""
    schema = to_document(parameter)
    rules = {name: value for name, value in schema.items() if name not in ("enum", "default")}
    for index, value in enumerate(parameter.enum or ()):
        for problem in find_problems(rules, value)[:1]:
            yield _problem((*path, "enum", index), problem.type, problem.message, problem.suggestion)
    if parameter.default is not None:
        for problem in find_problems(schema, parameter.default)[:1]:
            field = f"{problem.field} " if problem.field else ""
            message = f"would be refused: {field}{problem.message}"
            yield _problem((*path, "default"), problem.type, message, problem.suggestion)
