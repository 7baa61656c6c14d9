"""Problems of a tool document or a call: where the mistake is, what it is, and how to correct it."""

import itertools
import math
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pydantic
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError as SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from omni_pipelines import errors
from omni_pipelines.records import Record

MAX_PROBLEMS = 100
MAX_DEPTH = 100
"""Levels of lists and objects inside each other; documents for people have fewer than ten."""
MAX_NAMES = 12
"""Names that a cure lists."""
_TYPE_CURES = {
    "string": "write it as text, in quotes",
    "integer": "give a whole number, without quotes",
    "number": "give a number, without quotes",
    "boolean": "give true or false, without quotes",
    "array": "give a list: [...]",
    "object": "give fields and values: {...}",
    "null": "leave it out",
}
_MESSAGES = {
    "minimum": ("{value} is below {limit}", "give at least {limit}"),
    "maximum": ("{value} is above {limit}", "give at most {limit}"),
    "exclusiveMinimum": ("{value} is not above {limit}", "give more than {limit}"),
    "exclusiveMaximum": ("{value} is not below {limit}", "give less than {limit}"),
    "multipleOf": ("{value} is not a multiple of {limit}", "give a multiple of {limit}"),
    "minLength": ("has fewer than {limit:,} character{s}", "give at least {limit:,} character{s}"),
    "maxLength": ("has more than {limit:,} character{s}", "give at most {limit:,} character{s}"),
    "minItems": ("has fewer than {limit:,} item{s}", "give at least {limit:,} item{s}"),
    "maxItems": ("has more than {limit:,} item{s}", "give at most {limit:,} item{s}"),
    "uniqueItems": ("has a value twice", "give each value once"),
    "const": ("{value} is not {limit}", "write {limit}"),
    "pattern": ("{value} does not have the right form", "write a text that matches {limit}"),
    "format": ("{value} is not a valid {limit}", "write a valid {limit}"),
}
"""Message and cure by the violated keyword of JSON Schema."""
_SHORT = reprlib.Repr()
_SHORT.maxstring, _SHORT.maxother, _SHORT.maxlevel = 60, 60, 2
_PLAIN_NAME = re.compile(r"[\w$-]{1,60}")
_JSON_TYPES = Draft202012Validator.TYPE_CHECKER


def _is_finite_number(_: object, value: object) -> bool:
    """NaN and the infinities would pass every minimum and maximum."""
    return _JSON_TYPES.is_type(value, "number") and not (isinstance(value, float) and not math.isfinite(value))


_VALIDATOR: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, type_checker=_JSON_TYPES.redefine("number", _is_finite_number)
)
_FORMATS = FormatChecker()


class Problem(Record):
    """One mistake."""

    field: str
    """Its path, such as `tools[0].parameters.properties.k`; "" for the whole."""
    type: str
    """Its kind: the violated keyword of the schema, or `unknown` for an unknown name."""
    message: str
    suggestion: str
    """The cure."""

    def __str__(self) -> str:
        path = f"{self.field}: " if self.field else ""
        return f"{path}{self.message}; {self.suggestion}" if self.suggestion else f"{path}{self.message}"


def summary(problems: Sequence[Problem], limit: int) -> str:
    """The first `limit` problems as one text, and the number of the others."""
    more = f". And {len(problems) - limit} more" if len(problems) > limit else ""
    return ". ".join(str(problem) for problem in problems[:limit]) + more


def path_text(parts: Iterable[str | int]) -> str:
    """A path in a document, such as `tools[0].name`; unusual keys are quoted."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(value: object) -> str:
    """A value for a message, shortened."""
    return _SHORT.repr(value)


def nearest(name: object, known: Iterable[object], label: str = "known names") -> str:
    """The cure for an unknown name: the most similar known name, else all of them."""
    names = [str(value) for value in known]
    listed = [*names[:MAX_NAMES], "…"] if len(names) > MAX_NAMES else names
    return errors.nearest(str(name), names, f"{label}: {', '.join(listed)}" if names else "leave it out")


def find_problems(schema: Mapping[str, object], value: Any) -> list[Problem]:
    """What a JSON Schema (2020-12) finds wrong with a value, sorted by path; empty if the value is valid.

    Gives at most `MAX_PROBLEMS`. Where the type is wrong, nothing else about that path.
    """
    if _is_deeper(value, MAX_DEPTH):
        message = f"is nested deeper than {MAX_DEPTH} levels"
        return [Problem(field="", type="depth", message=message, suggestion="make it flatter")]
    violations = _VALIDATOR(schema, format_checker=_FORMATS).iter_errors(value)
    every = (problem for violation in violations for problem in _of_error(violation))
    problems = set(itertools.islice(every, MAX_PROBLEMS))
    mistyped = {problem.field for problem in problems if problem.type == "type"}
    clear = [problem for problem in problems if problem.type == "type" or problem.field not in mistyped]
    return sorted(clear, key=lambda problem: (problem.field, problem.type, problem.message))


def conversion_problems(error: pydantic.ValidationError) -> list[Problem]:
    """The problems of values that fit the schema and that pydantic could not convert, such as an impossible date."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        reason = re.sub(r"^(Value error|Assertion failed), ", "", detail["msg"])
        message = f"{shown(detail['input'])} is not valid: {reason[:1].lower()}{reason[1:]}"
        field = path_text(detail["loc"])
        problems.append(Problem(field=field, type="value", message=message, suggestion="correct it"))
    return problems


def _is_deeper(value: object, levels: int) -> bool:
    """Whether values are nested deeper than `levels`. Without recursion, which such a value would break."""
    pending = [(value, 0)]
    while pending:
        inner, depth = pending.pop()
        if depth > levels:
            return True
        if isinstance(inner, Mapping):
            pending.extend((part, depth + 1) for part in inner.values())
        elif isinstance(inner, list):
            pending.extend((part, depth + 1) for part in inner)
    return False


def _of_error(error: SchemaError) -> Iterator[Problem]:
    path, instance = list(error.absolute_path), error.instance
    required: Any = error.validator_value
    if error.validator == "required" and isinstance(instance, Mapping):
        for name in [name for name in required if name not in instance]:
            field = path_text([*path, name])
            yield Problem(field=field, type="required", message="is missing", suggestion="add it")
    elif error.validator == "additionalProperties" and isinstance(instance, Mapping):
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in [name for name in instance if name not in known]:
            field, cure = path_text([*path, str(name)]), nearest(name, known)
            yield Problem(field=field, type="unknown", message="is unknown", suggestion=cure)
    else:
        message, cure = _describe(error)
        yield Problem(field=path_text(path), type=str(error.validator), message=message, suggestion=cure)


def _describe(error: SchemaError) -> tuple[str, str]:
    """The message and the cure for a violated keyword."""
    keyword, value = str(error.validator), shown(error.instance)
    limit: Any = error.validator_value
    description = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
    if keyword == "type":
        wanted = [limit] if isinstance(limit, str) else limit
        cures = [_TYPE_CURES[name] for name in wanted if name != "null"] or [_TYPE_CURES["null"]]
        return f"{value} is not of type {' or '.join(wanted)}", ", or ".join(cures)
    if keyword == "enum":
        cure = nearest(error.instance, [allowed for allowed in limit if allowed is not None], "allowed")
        return f"{value} is not an allowed value", cure
    if keyword not in _MESSAGES:
        return error.message, "see the schema"
    message, cure = (
        text.format(value=value, limit=limit, s="" if limit == 1 else "s") for text in _MESSAGES[keyword]
    )
    return message, f"write {description}" if keyword == "pattern" and description else cure
