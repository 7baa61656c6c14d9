"""What is wrong with a document or a call: where, what, and what to write instead."""

from __future__ import annotations

import itertools
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from jsonschema.exceptions import ValidationError as SchemaError
from jsonschema.protocols import Validator

from omni_pipelines import errors
from omni_pipelines.records import Record

MAX_PROBLEMS = 100
MAX_DEPTH = 100
"""Levels of lists and fields inside each other; what is read by people has fewer than ten."""
_TYPE_CURES = {
    "string": "write it as text, in quotes",
    "integer": "give a whole number, without quotes",
    "number": "give a number, without quotes",
    "boolean": "give true or false, without quotes",
    "array": "give a list: [...]",
    "object": "give fields and values: {...}",
    "null": "leave it out",
}
_BOUNDS = {
    "minimum": ("is below", "at least"),
    "maximum": ("is above", "at most"),
    "exclusiveMinimum": ("is not above", "more than"),
    "exclusiveMaximum": ("is not below", "less than"),
    "multipleOf": ("is not a multiple of", "a multiple of"),
}
_SIZES = {
    "minLength": ("at least", "character"),
    "maxLength": ("at most", "character"),
    "minItems": ("at least", "item"),
    "maxItems": ("at most", "item"),
}
_SHORT = reprlib.Repr()
_SHORT.maxstring, _SHORT.maxother, _SHORT.maxlevel = 60, 60, 2
_PLAIN_NAME = re.compile(r"[\w$-]{1,60}")


class Problem(Record):
    """One thing that is wrong."""

    field: str
    """Where: `tools[0].parameters.properties.k`; "" is the whole."""
    type: str
    """What kind: the keyword of the schema that was broken, or `unknown` for a name that nobody knows."""
    message: str
    suggestion: str
    """The cure."""

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        return f"{place}{self.message}; {self.suggestion}" if self.suggestion else f"{place}{self.message}"


def path_text(parts: Iterable[str | int]) -> str:
    """A place in a document as a person writes it: `tools[0].name`; odd keys stand in quotes."""
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
    """A value in a message: short, whatever it is."""
    return _SHORT.repr(value)


def nearest(name: object, known: Iterable[object]) -> str:
    """The cure for a name that is not known."""
    names = [str(each) for each in known]
    shown = f"known are: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else "leave it out"
    return errors.nearest(str(name), names, shown)


def problems(validator: Validator, value: Any) -> list[Problem]:
    """What a schema finds wrong with a value, in the order of the places; empty if it is right.

    At most `MAX_PROBLEMS` are told, and where the type is wrong nothing else of the place.
    """
    if _is_deeper(value, MAX_DEPTH):
        message = f"is nested deeper than {MAX_DEPTH} levels"
        return [Problem(field="", type="depth", message=message, suggestion="make it flatter")]
    every = (problem for error in validator.iter_errors(value) for problem in _problems(error))
    found = set(itertools.islice(every, MAX_PROBLEMS))
    mistyped = {each.field for each in found if each.type == "type"}
    told = [each for each in found if each.type == "type" or each.field not in mistyped]
    return sorted(told, key=lambda each: (each.field, each.type, each.message))


def _is_deeper(value: Any, levels: int) -> bool:
    """Without recursion, which such a value would break."""
    left = [(value, 0)]
    while left:
        inner, depth = left.pop()
        if depth > levels:
            return True
        if isinstance(inner, Mapping):
            left.extend((each, depth + 1) for each in inner.values())
        elif isinstance(inner, list):
            left.extend((each, depth + 1) for each in inner)
    return False


def _problems(error: SchemaError) -> Iterator[Problem]:
    where = list(error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, Mapping):
        for name in _rule(error):
            if name not in error.instance:
                yield Problem(
                    field=path_text([*where, name]), type="required", message="is missing", suggestion="add it"
                )
    elif error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in error.instance:
            if name not in known:
                yield Problem(
                    field=path_text([*where, str(name)]),
                    type="unknown",
                    message="is not known here",
                    suggestion=nearest(name, known),
                )
    else:
        yield _single(error, path_text(where))


def _single(error: SchemaError, field: str) -> Problem:
    keyword = str(error.validator)
    describe = _DESCRIBE.get(keyword)
    if describe is None:
        message, cure = error.message, "see the schema"
    else:
        message, cure = describe(error)
    return Problem(field=field, type=keyword, message=message, suggestion=cure)


def _rule(error: SchemaError) -> Any:
    """What the keyword that was broken stands for in the schema."""
    return error.validator_value


def _hint(error: SchemaError, otherwise: str) -> str:
    description = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
    return f"write {description}" if description else otherwise


def _type(error: SchemaError) -> tuple[str, str]:
    wanted = [_rule(error)] if isinstance(_rule(error), str) else list(_rule(error))
    cures = [_TYPE_CURES[each] for each in wanted if each != "null"] or [_TYPE_CURES["null"]]
    return f"{shown(error.instance)} is not of type {' or '.join(wanted)}", ", or ".join(cures)


def _enum(error: SchemaError) -> tuple[str, str]:
    return f"{shown(error.instance)} is not one of the values that are taken", nearest(
        error.instance, [each for each in _rule(error) if each is not None]
    )


def _const(error: SchemaError) -> tuple[str, str]:
    return f"{shown(error.instance)} does not stand for this", f"write {error.validator_value}"


def _bound(error: SchemaError) -> tuple[str, str]:
    said, wanted = _BOUNDS[str(error.validator)]
    return f"{shown(error.instance)} {said} {_rule(error)}", f"give {wanted} {_rule(error)}"


def _size(error: SchemaError) -> tuple[str, str]:
    much, unit = _SIZES[str(error.validator)]
    have, limit = len(cast("Sequence[Any]", error.instance)), _rule(error)
    return f"has {_counted(have, unit)}", f"give {much} {_counted(limit, unit)}"


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def _pattern(error: SchemaError) -> tuple[str, str]:
    return f"{shown(error.instance)} has the wrong form", _hint(
        error, f"write something that fits {error.validator_value}"
    )


def _format(error: SchemaError) -> tuple[str, str]:
    return f"{shown(error.instance)} is not a {error.validator_value} that exists", f"write a {error.validator_value}"


def _unique(error: SchemaError) -> tuple[str, str]:
    return "holds the same value twice", "give each once"


_DESCRIBE: dict[str, Callable[[SchemaError], tuple[str, str]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    **dict.fromkeys(_BOUNDS, _bound),
    **dict.fromkeys(_SIZES, _size),
    "pattern": _pattern,
    "format": _format,
    "uniqueItems": _unique,
}
