"""Parse the arguments of a tool call as a person types them: one JSON object, or name=value pairs."""

from collections.abc import Mapping, Sequence

import orjson
from pydantic import JsonValue

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import JsonObject, ParameterType, ToolDefinition, ToolParameter
from omni_pipelines.tools.strict_parsing import parse_values

_CURE = "write name=value, or one '{\"name\": value}'"


def parse_arguments(definition: ToolDefinition, words: Sequence[str]) -> JsonObject:
    """The arguments in `words` as JSON values. The call checks whether they fit the tool.

    A value stays text where the parameter accepts text; elsewhere it is parsed as JSON. `where.language=python` sets
    a field of an object. A list is written as a JSON list, or by repeating the name.

    Raises:
        ConfigurationError: a word is not a pair, a name is repeated, or JSON is not well formed.
    """
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return dict(parse_values(words[0], "the argument", as_json=True))
    arguments: JsonObject = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator or not name:
            raise ConfigurationError(f"{word!r} is not an argument", cure=_CURE)
        _set(arguments, definition.parameters.properties, name, text)
    return arguments


def _set(arguments: JsonObject, known: Mapping[str, ToolParameter], name: str, text: str) -> None:
    parent, dot, rest = name.partition(".")
    if dot and name not in known and parent in known:
        inner = arguments.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"{parent} and {name} are both given", cure="give only one of them")
        _set(inner, known[parent].properties or {}, rest, text)
        return
    parameter = known.get(name)
    if parameter is not None and ParameterType.ARRAY in parameter.types and not text.startswith("["):
        values = arguments.setdefault(name, [])
        if not isinstance(values, list):
            raise ConfigurationError(f"{name} is given twice", cure="give it once")
        values.append(_value(parameter.items, text))
    elif name in arguments:
        raise ConfigurationError(f"{name} is given twice", cure="give it once")
    else:
        arguments[name] = _value(parameter, text)


def _value(parameter: ToolParameter | None, text: str) -> JsonValue:
    if parameter is None or ParameterType.STRING in parameter.types:
        return text
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # the check of the call says which type is needed
    return value
