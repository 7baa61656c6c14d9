"""Arguments of a call as a person types them: one JSON object, or name=value pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import ParameterType, ToolDefinition, ToolParameter
from omni_pipelines.tools.reading import parse_values

HOW = "write name=value, or one '{\"name\": value}'"


def parse_arguments(definition: ToolDefinition, words: Sequence[str]) -> dict[str, Any]:
    """The arguments in `words`, as JSON values; whether they fit is checked by the call.

    Text stays text where a parameter takes text; elsewhere it is read as JSON. `where.language=python` sets a field
    of an object, and a list is a JSON list or the same name several times.

    Raises:
        ConfigurationError: a word is no pair, a name comes twice, or JSON is not well formed.
    """
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        found = parse_values(words[0], "the argument", as_json=True)
        return dict(found)
    arguments: dict[str, Any] = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator or not name:
            raise ConfigurationError(f"{word!r} is no argument", cure=HOW)
        _put(arguments, definition.parameters.properties, name, text)
    return arguments


def _put(into: dict[str, Any], known: dict[str, ToolParameter], name: str, text: str) -> None:
    head, dot, rest = name.partition(".")
    if dot and name not in known and head in known:
        inner = into.setdefault(head, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"{head} and {name} are both given", cure="give one of them")
        _put(inner, known[head].properties or {}, rest, text)
        return
    parameter = known.get(name)
    if parameter is not None and ParameterType.ARRAY in parameter.types and not text.startswith("["):
        into.setdefault(name, []).append(_value(parameter.items, text))
    elif name in into:
        raise ConfigurationError(f"{name} is given twice", cure="give it once")
    else:
        into[name] = _value(parameter, text)


def _value(parameter: ToolParameter | None, text: str) -> Any:
    if parameter is None or ParameterType.STRING in parameter.types:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # the check of the call says what was wanted
