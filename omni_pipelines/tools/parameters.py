"""Tool parameters from the JSON Schema that pydantic makes of a type annotation.

A parameter has no unions of objects, no references and no recursion, because a person on a command line and a small
language model both have to fill it in.
"""

from collections.abc import Mapping, Sequence

from pydantic.json_schema import JsonSchemaValue

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import ToolParameter

CURE = "use str, int, float, bool, Literal, an enum, a list, a dict or a pydantic model, each with its element type"
_IGNORED = {"title", "examples", "deprecated"}
_KEYWORDS = {field.alias or name for name, field in ToolParameter.model_fields.items()}
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def to_parameter(name: str, schema: JsonSchemaValue, definitions: Mapping[str, JsonSchemaValue]) -> ToolParameter:
    """A parameter from a JSON Schema whose references are in `definitions`.

    Raises:
        ConfigurationError: the schema says more than a parameter can.
    """
    return ToolParameter.model_validate(_Reduction(name, definitions).reduce(schema))


class _Reduction:
    """Replaces references by what they refer to, and "a type or null" by a list of types."""

    def __init__(self, name: str, definitions: Mapping[str, JsonSchemaValue]) -> None:
        self._name, self._definitions = name, definitions
        self._open: list[str] = []
        """References that are being replaced, to notice recursion."""

    def reduce(self, schema: JsonSchemaValue) -> JsonSchemaValue:
        kept = {key: value for key, value in schema.items() if key not in _IGNORED}
        if "$ref" in kept:
            target = self._referenced(kept.pop("$ref").removeprefix("#/$defs/"))
            return {**target, **kept}
        if "anyOf" in kept:
            union = self._union(kept.pop("anyOf"))
            return {**union, **kept}
        if "const" in kept:
            kept["enum"] = [kept.pop("const")]
        if "type" not in kept:
            kept["type"] = self._types_of(kept.get("enum", ()))
        unknown = sorted(kept.keys() - _KEYWORDS)
        if unknown:
            raise self._refusal(f"it needs {', '.join(unknown)}")
        return self._with_reduced_parts(kept)

    def _referenced(self, name: str) -> JsonSchemaValue:
        if name in self._open:
            raise self._refusal(f"{name} contains itself")
        self._open.append(name)
        reduced = self.reduce(self._definitions[name])
        self._open.pop()
        return reduced

    def _with_reduced_parts(self, schema: JsonSchemaValue) -> JsonSchemaValue:
        if schema.get("items") == {}:
            del schema["items"]
        if schema.get("additionalProperties") is True:
            del schema["additionalProperties"]
        if "properties" in schema:
            schema["properties"] = {name: self.reduce(part) for name, part in schema["properties"].items()}
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), Mapping):
                schema[key] = self.reduce(schema[key])
        return schema

    def _union(self, options: Sequence[JsonSchemaValue]) -> JsonSchemaValue:
        choices = [self.reduce(option) for option in options]
        merged: JsonSchemaValue = {}
        types: list[str] = []
        for choice in choices:
            clash = merged.keys() & choice.keys() - {"type", "description"}
            if clash or ("enum" in choice and len(choices) > 2):
                raise self._refusal("it takes several shapes")
            merged = {**choice, **merged}
            types += [choice["type"]] if isinstance(choice["type"], str) else choice["type"]
        if "enum" in merged:  # an enum or null: null must be one of the allowed values
            if "null" not in types:
                raise self._refusal("it takes several shapes")
            merged["enum"] = [*merged["enum"], None]
        if len(set(types)) < len(types) or {"integer", "number"} <= set(types):
            raise self._refusal("it takes several shapes of one type")
        return {**merged, "type": types}

    def _types_of(self, values: Sequence[object]) -> str | list[str]:
        types = list(dict.fromkeys(_TYPES.get(type(value), "") for value in values))
        if not types or "" in types:
            raise self._refusal("any value would be accepted")
        return types if len(types) > 1 else types[0]

    def _refusal(self, reason: str) -> ConfigurationError:
        return ConfigurationError(f"parameter {self._name} cannot be described: {reason}", cure=CURE)
