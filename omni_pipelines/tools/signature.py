"""The decorator `@tool`: the definition of a tool from a typed function and its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypeVar, get_type_hints

from docstring_parser import ParseError
from docstring_parser.google import GoogleParser
from pydantic import ConfigDict, PydanticUserError, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import (
    ToolAnnotations,
    ToolDefinition,
    ToolExecution,
    ToolParameter,
    ToolParameters,
    to_document,
)
from omni_pipelines.tools.documents import check_tool
from omni_pipelines.tools.parameters import CURE, to_parameter
from omni_pipelines.tools.problems import nearest

F = TypeVar("F", bound=Callable[..., object])
_MARK = "__omni_tool__"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class TypedTool:
    """A definition, and what converts JSON arguments to the types of the function."""

    definition: ToolDefinition
    converter: TypeAdapter[dict[str, object]]


def tool(
    name: str,
    *,
    title: str = "",
    category: str = "general",
    version: str = "1.0.0",
    deprecated: bool = False,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
    retry_on: tuple[str, ...] = (),
    max_attempts: int = 1,
    cache_ttl: float = 0,
) -> Callable[[F], F]:
    """Make a tool of a function or a method, async or not. It can still be called as before.

    The docstring describes the tool, its lines under `Args:` describe the parameters, and the types say which values
    are accepted.

    Raises:
        ConfigurationError: a parameter cannot be described, or the options contradict each other.
    """
    annotations = ToolAnnotations(
        title=title,
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=open_world,
    )
    execution = ToolExecution(retry_on=retry_on, max_attempts=max_attempts, cache_ttl=cache_ttl)

    def mark(function: F) -> F:
        try:
            description, parameters, converter = _describe(function)
        except ConfigurationError as error:
            raise ConfigurationError(f"tool {name}: {error.message}", cure=error.cure) from error
        definition = ToolDefinition(
            name=name,
            description=description,
            category=category,
            version=version,
            deprecated=deprecated,
            annotations=annotations,
            parameters=parameters,
            execution=execution,
        )
        for problem in check_tool(to_document(definition)):
            message = f"tool {name}: {problem.field}: {problem.message}"
            raise ConfigurationError(message, cure=problem.suggestion)
        setattr(function, _MARK, TypedTool(definition, converter))
        return function

    return mark


def typed_tool(function: Callable[..., object]) -> TypedTool:
    """What `@tool` made of a function or a bound method.

    Raises:
        ConfigurationError: the function has no `@tool`.
    """
    typed = getattr(function, _MARK, None)
    if not isinstance(typed, TypedTool):
        name = getattr(function, "__qualname__", repr(function))
        raise ConfigurationError(f"{name} is not a tool", cure='decorate it with @tool("category.name")')
    return typed


def _describe(
    function: Callable[..., object],
) -> tuple[str, ToolParameters, TypeAdapter[dict[str, object]]]:
    """The description, the parameters, and the converter of the arguments."""
    signature = dict(inspect.signature(function).parameters)
    signature.pop("self", None)
    description, texts = _parse_docstring(function.__doc__ or "")
    hints = _type_hints(function, signature)
    for name in texts:
        if name not in signature:
            message = f"the docstring describes {name}, which is not a parameter"
            raise ConfigurationError(message, cure=nearest(name, signature))
    try:
        converter = _converter(signature, hints)
        schema = converter.json_schema()
    except PydanticUserError as error:
        first_line = str(error).splitlines()[0]
        raise ConfigurationError(f"it has a type that JSON cannot express: {first_line}", cure=CURE) from error
    properties = {name: _parameter(parameter, schema, texts) for name, parameter in signature.items()}
    required = tuple(name for name, parameter in signature.items() if parameter.default is parameter.empty)
    return description, ToolParameters(type="object", properties=properties, required=required), converter


def _parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, its paragraphs kept, and the text of each parameter on one line."""
    try:
        docstring = GoogleParser().parse(text)
    except ParseError as error:
        raise ConfigurationError(
            f"its docstring cannot be parsed: {error}", cure="write one line NAME: TEXT per parameter below Args:"
        ) from error
    paragraphs = (docstring.description or "").strip().split("\n\n")
    description = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    if not description:
        raise ConfigurationError("it has no docstring", cure="describe in one line what it does")
    texts = {param.arg_name: " ".join((param.description or "").split()) for param in docstring.params}
    return description, texts


def _type_hints(function: Callable[..., object], signature: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"the type {error.name} is not found", cure="import it at the top of the module, outside TYPE_CHECKING"
        ) from error
    for name, parameter in signature.items():
        if parameter.kind not in _NAMED:
            raise ConfigurationError(f"parameter {parameter} has no name in a call", cure="name each parameter")
        if name not in hints:
            raise ConfigurationError(f"parameter {name} has no type", cure=f"write {name}: TYPE")
    return hints


def _converter(
    signature: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]
) -> TypeAdapter[dict[str, object]]:
    """Arguments as a typed dictionary; a pydantic model would forbid names such as `copy` and fill in defaults."""
    fields = {
        name: hints[name] if parameter.default is parameter.empty else NotRequired[hints[name]]
        for name, parameter in signature.items()
    }
    make_type: Any = TypedDict  # mypy accepts only literal fields
    arguments = make_type("Arguments", fields)
    arguments.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(arguments)


def _parameter(parameter: inspect.Parameter, schema: JsonSchemaValue, texts: Mapping[str, str]) -> ToolParameter:
    name = parameter.name
    if name not in schema["properties"]:
        raise ConfigurationError(f"parameter {name} has an alias", cure="rename it to the name that callers write")
    described = to_parameter(name, schema["properties"][name], schema.get("$defs", {}))
    text = texts.get(name) or described.description
    return described.model_copy(update={"description": text, "default": _default(parameter)})


def _default(parameter: inspect.Parameter) -> object:
    if parameter.default is parameter.empty:
        return None
    try:
        return to_jsonable_python(parameter.default)
    except PydanticSerializationError as error:
        raise ConfigurationError(
            f"the default of parameter {parameter.name} cannot be written as JSON", cure="use None, or a plain value"
        ) from error
