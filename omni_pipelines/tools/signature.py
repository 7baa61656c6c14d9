"""From a typed function and its docstring to a tool: nothing about it is written twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypeVar, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import (
    ToolAnnotations,
    ToolDefinition,
    ToolExecution,
    ToolParameter,
    ToolParameters,
    written,
)
from omni_pipelines.tools.docstrings import Docstring, parse_docstring
from omni_pipelines.tools.parameters import CURE, to_parameter
from omni_pipelines.tools.problems import nearest
from omni_pipelines.tools.schema import check_tool

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__omni_tool__"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class TypedTool:
    """A definition, and how JSON arguments become the function's own types."""

    definition: ToolDefinition
    arguments: TypeAdapter[dict[str, Any]]


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
    """Make a tool of a function or a method, async or not. It stays what it is, and can be called as before.

    The description is the docstring, each parameter's is its line under `Args:`, and the types say what is taken.

    Raises:
        ConfigurationError: a parameter cannot be described, or what is stated contradicts itself.
    """
    annotations = ToolAnnotations(
        title=title,
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=open_world,
    )
    stated = {
        "name": name,
        "category": category,
        "version": version,
        "deprecated": deprecated,
        "annotations": annotations,
        "execution": ToolExecution(retry_on=retry_on, max_attempts=max_attempts, cache_ttl=cache_ttl),
    }

    def mark(function: F) -> F:
        setattr(function, _MARK, _typed_tool(function, stated))
        return function

    return mark


def typed_tool(function: Callable[..., Any]) -> TypedTool:
    """What `@tool` made of a function or a bound method.

    Raises:
        ConfigurationError: it carries no `@tool`.
    """
    found = getattr(function, _MARK, None)
    if not isinstance(found, TypedTool):
        name = getattr(function, "__qualname__", repr(function))
        raise ConfigurationError(f"{name} is no tool", cure='write @tool("category.name") above it')
    return found


def _typed_tool(function: Callable[..., Any], stated: Mapping[str, Any]) -> TypedTool:
    name = stated["name"]
    try:
        parameters, hints, docstring = _read(function)
        arguments = _adapter(parameters, hints)
        definition = ToolDefinition(
            **stated,
            description=docstring.description,
            parameters=_parameters(parameters, arguments.json_schema(), docstring),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"tool {name}: {error.message}", cure=error.cure) from error
    except PydanticUserError as error:
        first = str(error).splitlines()[0]
        raise ConfigurationError(f"tool {name} has a type that JSON cannot carry: {first}", cure=CURE) from error
    found = check_tool(written(definition))
    if found:
        raise ConfigurationError(f"tool {name}: {found[0].field}: {found[0].message}", cure=found[0].suggestion)
    return TypedTool(definition, arguments)


def _read(
    function: Callable[..., Any],
) -> tuple[dict[str, inspect.Parameter], dict[str, Any], Docstring]:
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"the type {error.name} is not found", cure="import it at the top of the module, outside TYPE_CHECKING"
        ) from error
    docstring = parse_docstring(function.__doc__ or "")
    if not docstring.description:
        raise ConfigurationError("it has no docstring", cure="say in one line what it does")
    for name, parameter in parameters.items():
        if parameter.kind not in _NAMED:
            raise ConfigurationError(f"parameter {parameter} has no name in a call", cure="name each parameter")
        if name not in hints:
            raise ConfigurationError(f"parameter {name} has no type", cure=f"write {name}: TYPE")
    for name in docstring.arguments:
        if name not in parameters:
            raise ConfigurationError(
                f"the docstring tells of {name}, which is no parameter", cure=nearest(name, parameters)
            )
    return parameters, hints, docstring


def _adapter(parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> TypeAdapter[dict[str, Any]]:
    """Arguments as a typed dictionary: a model would forbid names such as `copy`, and fill in defaults twice."""
    fields = {
        name: hints[name] if parameter.default is parameter.empty else NotRequired[hints[name]]
        for name, parameter in parameters.items()
    }
    make: Any = TypedDict  # mypy knows only those with a literal
    arguments = make("Arguments", fields)
    arguments.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(arguments)


def _parameters(
    parameters: Mapping[str, inspect.Parameter], schema: Mapping[str, Any], docstring: Docstring
) -> ToolParameters:
    described: dict[str, ToolParameter] = {}
    for name, parameter in parameters.items():
        if name not in schema["properties"]:
            raise ConfigurationError(
                f"parameter {name} has an alias", cure="give it the name that callers shall write"
            )
        found = to_parameter(name, schema["properties"][name], schema.get("$defs", {}))
        text = docstring.arguments.get(name) or found.description
        described[name] = found.model_copy(update={"description": text, "default": _default(parameter)})
    required = tuple(name for name, each in parameters.items() if each.default is each.empty)
    return ToolParameters(type="object", properties=described, required=required)


def _default(parameter: inspect.Parameter) -> Any:
    if parameter.default is parameter.empty:
        return None
    try:
        return to_jsonable_python(parameter.default)
    except PydanticSerializationError as error:
        raise ConfigurationError(
            f"the default of parameter {parameter.name} cannot be written as JSON", cure="use None, or a plain value"
        ) from error
