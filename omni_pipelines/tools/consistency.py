"""What a schema cannot say of a tool document: names that repeat, and statements that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from omni_pipelines.tools.older_forms import folded_parameter, required_names
from omni_pipelines.tools.problems import Problem, nearest, path_text, problems
from omni_pipelines.tools.validators import validator_for

Place = tuple[str | int, ...]
_FOR_TYPE = {
    "minLength": "string",
    "maxLength": "string",
    "pattern": "string",
    "format": "string",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
    "items": "array",
    "minItems": "array",
    "maxItems": "array",
    "uniqueItems": "array",
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
}
_PAIRS = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))


def disagreements(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a document that fits the schema."""
    yield from _of_info(document["info"])
    seen: set[str] = set()
    for at, tool in enumerate(document["tools"]):
        where: Place = ("tools", at)
        if tool["name"] in seen:
            yield _problem((*where, "name"), "twice", f"{tool['name']} is there twice", "give each tool its own name")
        seen.add(tool["name"])
        yield from _of_annotations(where, tool)
        yield from _of_variants(where, tool)
        yield from _of_required(where, tool)
        yield from _of_object((*where, "parameters"), tool["parameters"])


def _problem(where: Sequence[str | int], kind: str, message: str, cure: str) -> Problem:
    return Problem(field=path_text(where), type=kind, message=message, suggestion=cure)


def _of_info(info: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        datetime.fromisoformat(info.get("generated_at", "2026-01-01T00:00:00Z"))
    except ValueError as error:
        yield _problem(("info", "generated_at"), "format", f"is no time: {error}", "correct it")


def _of_annotations(where: Place, tool: Mapping[str, Any]) -> Iterator[Problem]:
    hints, execution = tool.get("annotations", {}), tool.get("execution", {})
    reads = hints.get("readOnlyHint", False)
    place = (*where, "annotations", "destructiveHint")
    if reads and hints.get("destructiveHint"):
        yield _problem(
            place,
            "contradiction",
            "a tool that only reads destroys nothing",
            "say one of readOnlyHint, destructiveHint",
        )
    if execution.get("max_attempts", 1) > 1 and not (reads or hints.get("idempotentHint")):
        yield _problem(
            (*where, "execution", "max_attempts"),
            "contradiction",
            "only what is safe to repeat is tried again",
            "set annotations.idempotentHint or readOnlyHint, or max_attempts to 1",
        )
    if execution.get("cache_ttl", 0) > 0 and not reads:
        yield _problem(
            (*where, "execution", "cache_ttl"),
            "contradiction",
            "only the answers of a tool that reads are kept",
            "set annotations.readOnlyHint, or cache_ttl to 0",
        )


def _of_variants(where: Place, tool: Mapping[str, Any]) -> Iterator[Problem]:
    names = [variant["name"] for variant in tool.get("variants", [])]
    for at, name in enumerate(names):
        if name in names[:at]:
            yield _problem(
                (*where, "variants", at, "name"), "twice", f"{name} is there twice", "give each variant its own name"
            )
    chosen = tool.get("default_variant")
    if chosen is not None and chosen not in names:
        cure = nearest(chosen, names) if names else "leave it out, or add it to variants"
        yield _problem((*where, "default_variant"), "unknown", f"{chosen} is none of the variants", cure)


def _of_required(where: Place, tool: Mapping[str, Any]) -> Iterator[Problem]:
    """The three places older documents state it in must not disagree."""
    parameters = tool["parameters"]
    if "required" in tool and set(tool["required"]) != set(required_names(parameters)):
        yield _problem(
            (*where, "required"),
            "contradiction",
            "differs from parameters.required",
            "leave it out; that list counts",
        )


def _of_object(where: Place, holder: Mapping[str, Any]) -> Iterator[Problem]:
    known = holder.get("properties", {})
    for name in required_names(holder):
        if name not in known:
            yield _problem((*where, "required"), "unknown", f"{name} is no name in properties", nearest(name, known))
        elif known[name].get("required") is False:
            yield _problem(
                (*where, "properties", name, "required"), "contradiction", "is false, but listed", "leave it out"
            )
    for name, part in known.items():
        yield from _of_parameter((*where, "properties", name), part)


def _of_parameter(where: Place, part: Mapping[str, Any]) -> Iterator[Problem]:
    inside = [(name, part[name]) for name in ("items", "additionalProperties") if isinstance(part.get(name), Mapping)]
    found = [
        *_misplaced(where, part),
        *_crossed(where, part),
        *_unusable_pattern(where, part),
        *_of_object(where, part),
        *(problem for name, each in inside for problem in _of_parameter((*where, name), each)),
    ]
    yield from found or _of_values(where, part)  # values can be held only against rules that are right


def _misplaced(where: Place, part: Mapping[str, Any]) -> Iterator[Problem]:
    types = [part["type"]] if isinstance(part["type"], str) else part["type"]
    kinds = {"number" if each == "integer" else each for each in types}
    for keyword, kind in _FOR_TYPE.items():
        if keyword in part and kind not in kinds and not (keyword == "required" and isinstance(part[keyword], bool)):
            yield _problem((*where, keyword), "misplaced", f"says nothing about {types[0]}", f"it is for {kind}")


def _crossed(where: Place, part: Mapping[str, Any]) -> Iterator[Problem]:
    for low, high in _PAIRS:
        if low in part and part[low] > part.get(high, part[low]):
            yield _problem(
                (*where, low), "contradiction", f"{part[low]} is above {high} {part[high]}", "exchange them"
            )


def _unusable_pattern(where: Place, part: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        re.compile(part.get("pattern", ""))
    except (re.error, OverflowError) as error:
        yield _problem((*where, "pattern"), "pattern", f"is no regular expression: {error}", "correct it")


def _of_values(where: Place, part: Mapping[str, Any]) -> Iterator[Problem]:
    """The values that a parameter names itself must be values it takes."""
    plain = folded_parameter(part)
    rules = validator_for({name: value for name, value in plain.items() if name not in ("enum", "default")})
    for at, value in enumerate(part.get("enum", [])):
        for each in problems(rules, value)[:1]:
            yield _problem((*where, "enum", at), each.type, each.message, each.suggestion)
    if part.get("default") is not None:
        for each in problems(validator_for(plain), part["default"])[:1]:
            message = each.message if not each.field else f"{each.field} {each.message}"
            yield _problem((*where, "default"), each.type, f"would be refused: {message}", each.suggestion)
