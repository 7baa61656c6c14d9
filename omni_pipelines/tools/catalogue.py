"""The tools there are: described in one document, checked by it, and called through it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic_core import to_jsonable_python

from omni_pipelines.errors import ConfigurationError, ToolNotFoundError
from omni_pipelines.executors import CommandExecutor
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.calls import ArgumentProblem, check_call, converted, unknown_tool
from omni_pipelines.tools.definition import (
    TOOL_SCHEMA_ID,
    ToolDefinition,
    ToolDocument,
    ToolInfo,
    ToolVariant,
    written,
)
from omni_pipelines.tools.execution import Execution
from omni_pipelines.tools.openapi import openapi_document
from omni_pipelines.tools.schema import load_document
from omni_pipelines.tools.signature import TypedTool, typed_tool
from omni_pipelines.tools.variants import ToolVariants

DEFAULT_FILE = Path("tool_schemas.json")
MAX_TOLD = 3
"""Problems that one error message names; the response's metadata hold all."""


@dataclass(frozen=True)
class _Entry:
    function: Callable[..., Any]
    typed: TypedTool


class ToolCatalogue:
    """Tools by name. Every call is checked against its definition first, and answers in one envelope."""

    def __init__(
        self, name: str = "omni_pipelines", version: str = "1.0.0", execution: Execution | None = None
    ) -> None:
        self._info = ToolInfo(name=name, version=version)
        self._entries: dict[str, _Entry] = {}
        self._execution = execution or Execution()
        self._variants = ToolVariants()

    def add(self, *functions: Callable[..., Any]) -> None:
        """Put in functions or bound methods that carry `@tool`.

        Raises:
            ConfigurationError: one carries none, or its name is taken.
        """
        for function in functions:
            entry = _Entry(function, typed_tool(function))
            name = entry.typed.definition.name
            if name in self._entries:
                raise ConfigurationError(f"there is a tool {name} already", cure="give one of them another name")
            self._entries[name] = entry

    def add_variant(self, name: str, variant: ToolVariant, function: Callable[..., Any]) -> None:
        """Let another function stand in for a tool where its own cannot be used; it takes the same arguments.

        Raises:
            ToolNotFoundError: there is no such tool.
            ConfigurationError: the tool may change something, or the variant's name is taken.
        """
        definition = self.get_tool_schema(name)
        entry = self._entries[name]
        definition = self._variants.add(definition, entry.function, variant, function)
        self._entries[name] = replace(entry, typed=replace(entry.typed, definition=definition))

    @property
    def names(self) -> list[str]:
        """The names of all tools, sorted."""
        return sorted(self._entries)

    @property
    def tools(self) -> list[ToolDefinition]:
        """All definitions, by name."""
        return [self._entries[name].typed.definition for name in self.names]

    def get_tool_schema(self, name: str) -> ToolDefinition:
        """The definition of one tool.

        Raises:
            ToolNotFoundError: there is no such tool; the cure is the nearest name.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise ToolNotFoundError(name, self.names)
        return entry.typed.definition

    def generate_tool_schemas(self, *names: str, generated_at: datetime | None = None) -> dict[str, Any]:
        """The tool document of all tools, or of some: what `tool.schema.yaml` describes.

        Raises:
            ToolNotFoundError: a name is not known.
        """
        info = self._info.model_copy(update={"generated_at": generated_at})
        tools = tuple(self.get_tool_schema(name) for name in names) if names else tuple(self.tools)
        return {"$schema": TOOL_SCHEMA_ID, **written(ToolDocument(info=info, tools=tools))}

    def export_json_schema(self) -> dict[str, Any]:
        """The arguments of every tool as one JSON Schema (2020-12): `$defs` by the names of the tools."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"Arguments of the tools of {self._info.name}",
            "$defs": {tool.name: {**tool.input_schema, "description": tool.description} for tool in self.tools},
        }

    def export_openapi(self) -> dict[str, Any]:
        """An OpenAPI 3.1.0 document: POST `/tools/<name>`, answered by the envelope."""
        return openapi_document(self._info, self.tools)

    def save_schemas(self, path: Path = DEFAULT_FILE) -> Path:
        """Write the tool document, as YAML where the name says so, else as JSON."""
        document = self.generate_tool_schemas()
        yaml_wanted = path.suffix.lower() in (".yaml", ".yml")
        path.write_text(as_yaml(document) if yaml_wanted else as_json(document), "utf-8")
        return path

    @staticmethod
    def load_schemas(path: Path = DEFAULT_FILE) -> ToolDocument:
        """Read a tool document and hold it against the schema.

        Raises:
            ConfigurationError: it cannot be read or is not right; the message gives the places.
        """
        return load_document(path)

    def validate_tool_args(self, name: str, arguments: Any) -> list[ArgumentProblem]:
        """All that is wrong with a call; empty if it may run. A tool that is not there is a problem too."""
        return self._checked(name, arguments)[1]

    def validate_tool_call(self, name: str, arguments: Any) -> tuple[bool, list[str]]:
        """Whether a call may run, and if not, why."""
        found = self.validate_tool_args(name, arguments)
        return not found, [str(each) for each in found]

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> ToolResponse:
        """Check a call, carry it out, and answer; whatever happens is told by the response."""
        given = {} if arguments is None else arguments
        return CommandExecutor().execute(functools.partial(self._answer, name, given))

    def _answer(self, name: str, arguments: Any) -> ToolResponse:
        values, found = self._checked(name, arguments)
        if found:
            return _refused(name, found)
        entry = self._entries[name]
        if entry.typed.definition.variants:
            run = functools.partial(self._variants.run, name, values)
        else:
            run = functools.partial(entry.function, **values)
        return self._execution.run(entry.typed.definition, dict(arguments), functools.partial(_call, run))

    def _checked(self, name: str, arguments: Any) -> tuple[dict[str, Any], list[ArgumentProblem]]:
        entry = self._entries.get(name)
        if entry is None:
            return {}, [unknown_tool(name, self.names)]
        found = check_call(entry.typed.definition, arguments)
        return ({}, found) if found else converted(entry.typed.arguments, arguments)


def _call(function: Callable[[], Any]) -> ToolResponse:
    executor = CommandExecutor()
    return executor.execute(_plain, executor.execute(function))


def _plain(response: ToolResponse) -> ToolResponse:
    """The response with its data as JSON values: a caller may be in another process or language."""
    return response.model_copy(update={"data": to_jsonable_python(response.data)})


def _refused(name: str, found: list[ArgumentProblem]) -> ToolResponse:
    told = ". ".join(str(each) for each in found[:MAX_TOLD])
    more = f". And {len(found) - MAX_TOLD} more" if len(found) > MAX_TOLD else ""
    where = "" if found[0].type == "tool" else f"{name}: "
    return ToolResponse.error(
        f"{where}{told}{more}",
        found[0].code,
        metadata={"tool": name, "problems": [each.model_dump(mode="json") for each in found]},
    )


def as_json(document: Mapping[str, Any]) -> str:
    """A document as indented JSON with a line end."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def as_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML, in the order it has."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)
