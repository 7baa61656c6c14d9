"""From the JSON Schema that pydantic makes of an annotation to a parameter of a tool.

What a tool takes is kept to one level of choice: no unions of shapes, no references, no recursion. A person on a
command line and a small model both have to fill it in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import ToolParameter

CURE = "use str, int, float, bool, Literal, an enum, a list, a dict or a pydantic model, each with its element type"
_DROPPED = ("title", "examples", "deprecated")
_TAKEN = {field.alias or name for name, field in ToolParameter.model_fields.items()}
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
Schema = Mapping[str, Any]


def to_parameter(name: str, schema: Schema, definitions: Schema) -> ToolParameter:
    """A parameter from a JSON Schema whose references stand in `definitions`.

    Raises:
        ConfigurationError: it says more than a parameter can.
    """
    return ToolParameter.model_validate(_Reduction(name, definitions).reduced(schema))


class _Reduction:
    """Writes references out and folds "this or nothing" into a list of types."""

    def __init__(self, name: str, definitions: Schema) -> None:
        self._name, self._definitions = name, definitions
        self._open: list[str] = []

    def reduced(self, schema: Schema) -> dict[str, Any]:
        if "$ref" in schema:
            return self._written_out(schema)
        if "anyOf" in schema:
            return self._one_of(schema)
        plain = {key: value for key, value in schema.items() if key not in _DROPPED}
        if "const" in plain:
            plain["enum"] = [plain.pop("const")]
        if "type" not in plain:
            plain["type"] = self._types_of(plain.get("enum", ()))
        unknown = sorted(plain.keys() - _TAKEN)
        if unknown:
            raise self._refusal(f"it needs {', '.join(unknown)}")
        return self._with_parts(plain)

    def _written_out(self, schema: Schema) -> dict[str, Any]:
        target = schema["$ref"].removeprefix("#/$defs/")
        if target in self._open:
            raise self._refusal(f"{target} holds itself")
        self._open.append(target)
        found = self.reduced(self._definitions[target])
        self._open.pop()
        beside = {key: value for key, value in schema.items() if key != "$ref" and key not in _DROPPED}
        return {**found, **beside}

    def _with_parts(self, plain: dict[str, Any]) -> dict[str, Any]:
        if plain.get("items") == {}:
            del plain["items"]
        if plain.get("additionalProperties") is True:
            del plain["additionalProperties"]
        if "properties" in plain:
            plain["properties"] = {name: self.reduced(each) for name, each in plain["properties"].items()}
        for key in ("items", "additionalProperties"):
            if isinstance(plain.get(key), Mapping):
                plain[key] = self.reduced(plain[key])
        return plain

    def _one_of(self, schema: Schema) -> dict[str, Any]:
        choices = [self.reduced(each) for each in schema["anyOf"]]
        beside = {key: value for key, value in schema.items() if key != "anyOf" and key not in _DROPPED}
        merged: dict[str, Any] = {}
        for choice in choices:
            clash = merged.keys() & choice.keys() - {"type", "description"}
            if clash or ("enum" in choice and len(choices) > 2):
                raise self._refusal("it takes several shapes")
            merged = {**choice, **merged, "type": [*merged.get("type", ()), *_listed(choice["type"])]}
        if "enum" in merged:
            merged = self._with_null(merged, choices)
        if len(set(merged["type"])) < len(merged["type"]) or {"integer", "number"} <= set(merged["type"]):
            raise self._refusal("it takes several shapes of one type")
        return {**merged, **beside}

    def _with_null(self, merged: dict[str, Any], choices: Sequence[Schema]) -> dict[str, Any]:
        """An enum or nothing: the nothing must stand among the values."""
        if not any(choice["type"] == "null" for choice in choices):
            raise self._refusal("it takes several shapes")
        return {**merged, "enum": [*merged["enum"], None]}

    def _types_of(self, values: Sequence[Any]) -> str | list[str]:
        found = list(dict.fromkeys(_TYPES.get(type(value), "") for value in values))
        if not found or "" in found:
            raise self._refusal("any value would do, which tells a caller nothing")
        return found if len(found) > 1 else found[0]

    def _refusal(self, why: str) -> ConfigurationError:
        return ConfigurationError(f"parameter {self._name} cannot be described: {why}", cure=CURE)


def _listed(kind: str | Sequence[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else list(kind)
