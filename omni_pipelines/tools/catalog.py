"""A catalog of tools: described by one document, and called with checked arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from omni_pipelines.errors import ConfigurationError, ToolNotFoundError
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.argument_check import ArgumentProblem, check_arguments, convert_arguments, unknown_tool
from omni_pipelines.tools.definition import (
    TOOL_SCHEMA_ID,
    JsonObject,
    ToolDefinition,
    ToolDocument,
    ToolInfo,
    ToolVariant,
    to_document,
)
from omni_pipelines.tools.documents import as_json, as_yaml, load_document
from omni_pipelines.tools.execution import ToolRunner, run_function
from omni_pipelines.tools.openapi import openapi_document
from omni_pipelines.tools.problems import summary
from omni_pipelines.tools.signature import typed_tool
from omni_pipelines.tools.variants import ToolFunction, ToolVariants

DEFAULT_FILE = Path("tool_schemas.json")
MAX_LISTED = 3
"""Problems that an error message lists; the metadata of the response hold all of them."""
_JSON_VALUES: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


@dataclass
class _RegisteredTool:
    definition: ToolDefinition
    converter: TypeAdapter[dict[str, object]]
    function: ToolFunction

    def invoke(self, function: ToolFunction, arguments: Mapping[str, object]) -> object:
        """Call a function with the arguments converted to its types; a response if they cannot be converted."""
        values, problems = convert_arguments(self.converter, arguments)
        return refusal(self.definition.name, problems) if problems else function(**values)


class ToolCatalog:
    """Tools by name. Every call is checked against its definition first and is answered by a `ToolResponse`."""

    def __init__(
        self, name: str = "omni_pipelines", version: str = "1.0.0", runner: ToolRunner | None = None
    ) -> None:
        self._info = ToolInfo(name=name, version=version)
        self._tools: dict[str, _RegisteredTool] = {}
        self._runner = runner or ToolRunner()
        self._variants = ToolVariants()

    def add(self, *functions: ToolFunction) -> None:
        """Add functions or bound methods that are decorated with `@tool`.

        Raises:
            ConfigurationError: a function is not a tool, or its name is taken.
        """
        for function in functions:
            typed = typed_tool(function)
            self.add_described(typed.definition, function, typed.converter)

    def add_described(
        self,
        definition: ToolDefinition,
        function: ToolFunction,
        converter: TypeAdapter[dict[str, object]] | None = None,
    ) -> None:
        """Add a function that is described elsewhere. Without a `converter`, it gets the JSON values of a call.

        Raises:
            ConfigurationError: the name is taken.
        """
        name = definition.name
        if name in self._tools:
            raise ConfigurationError(f"there is a tool {name} already", cure="give one of them another name")
        self._tools[name] = _RegisteredTool(definition, converter or _JSON_VALUES, function)

    def add_variant(self, name: str, variant: ToolVariant, function: ToolFunction) -> None:
        """Add a function with the same arguments that replaces a tool's own function where that cannot be used.

        Raises:
            ToolNotFoundError: there is no such tool.
            ConfigurationError: the tool may change something, or the name of the variant is taken.
        """
        definition = self.get_tool_schema(name)
        registered = self._tools[name]
        registered.definition = self._variants.add(definition, registered.function, variant, function)

    @property
    def names(self) -> list[str]:
        """The names of all tools, sorted."""
        return sorted(self._tools)

    @property
    def tools(self) -> list[ToolDefinition]:
        """All definitions, sorted by name."""
        return [self._tools[name].definition for name in self.names]

    def get_tool_schema(self, name: str) -> ToolDefinition:
        """The definition of a tool.

        Raises:
            ToolNotFoundError: there is no such tool; the cure names the most similar one.
        """
        if name not in self._tools:
            raise ToolNotFoundError(name, self.names)
        return self._tools[name].definition

    def generate_tool_schemas(self, *names: str, generated_at: datetime | None = None) -> JsonObject:
        """The tool document of all tools, or of the named ones; see `tool.schema.yaml`.

        Raises:
            ToolNotFoundError: a name is unknown.
        """
        info = self._info.model_copy(update={"generated_at": generated_at})
        tools = tuple(self.get_tool_schema(name) for name in names or self.names)
        return {"$schema": TOOL_SCHEMA_ID, **to_document(ToolDocument(info=info, tools=tools))}

    def export_json_schema(self) -> JsonObject:
        """The arguments of every tool as one JSON Schema (2020-12), with one `$defs` entry per tool."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"Arguments of the tools of {self._info.name}",
            "$defs": {tool.name: {**tool.input_schema, "description": tool.description} for tool in self.tools},
        }

    def export_openapi(self) -> JsonObject:
        """An OpenAPI 3.1.0 document: POST `/tools/<name>`, answered by a `ToolResponse`."""
        return openapi_document(self._info, self.tools)

    def save_schemas(self, path: Path = DEFAULT_FILE) -> Path:
        """Write the tool document: as YAML if the file name ends so, else as JSON."""
        formatted = as_yaml if path.suffix.lower() in (".yaml", ".yml") else as_json
        path.write_text(formatted(self.generate_tool_schemas()), "utf-8")
        return path

    @staticmethod
    def load_schemas(path: Path = DEFAULT_FILE) -> ToolDocument:
        """Read a tool document and check it.

        Raises:
            ConfigurationError: it cannot be read or is not valid; the message lists the first problems.
        """
        return load_document(path)

    def validate_tool_args(self, name: str, arguments: object) -> list[ArgumentProblem]:
        """The problems of a call, without running it; empty if it may run. An unknown tool is a problem too."""
        problems = self._problems(name, arguments)
        if not problems and isinstance(arguments, Mapping):
            _, problems = convert_arguments(self._tools[name].converter, arguments)
        return problems

    def validate_tool_call(self, name: str, arguments: object) -> tuple[bool, list[str]]:
        """Whether a call may run, and if not, why."""
        problems = self.validate_tool_args(name, arguments)
        return not problems, [str(problem) for problem in problems]

    def call(self, name: str, arguments: Mapping[str, object] | None = None) -> ToolResponse:
        """Check a call and run it. Errors are answered in the response as well."""
        given = {} if arguments is None else arguments
        problems = self._problems(name, given)
        if problems:
            return refusal(name, problems)
        registered = self._tools[name]
        return self._runner.run(registered.definition, given, partial(self._run, registered, given))

    def _problems(self, name: str, arguments: object) -> list[ArgumentProblem]:
        if name not in self._tools:
            return [unknown_tool(name, self.names)]
        return check_arguments(self._tools[name].definition, arguments)

    def _run(self, registered: _RegisteredTool, arguments: Mapping[str, object]) -> ToolResponse:
        def invoke(function: ToolFunction) -> object:
            return registered.invoke(function, arguments)

        if registered.definition.variants:
            return self._variants.run(registered.definition.name, invoke)
        return run_function(partial(invoke, registered.function))


def refusal(name: str, problems: Sequence[ArgumentProblem]) -> ToolResponse:
    """The response to a call whose arguments have problems."""
    prefix = "" if problems[0].type == "tool" else f"{name}: "
    return ToolResponse.error(
        f"{prefix}{summary(problems, MAX_LISTED)}",
        problems[0].code,
        metadata={"tool": name, "problems": [problem.model_dump(mode="json") for problem in problems]},
    )
