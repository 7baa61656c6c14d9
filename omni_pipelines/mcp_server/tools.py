"""The tools that the server offers: a name for each, the tool of the library behind it, and what it answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel

from omni_pipelines.mcp_server.results import (
    AnswerResult,
    ChangesResult,
    ExplainResult,
    FoundTexts,
    OutlineResult,
    PassageResult,
    StatusResult,
    output_schema,
)
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.commands import PREFIX
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import ToolDefinition

Shape = Callable[[Any, int], BaseModel]
"""Makes a result from the data of a response and the number of the release that it was read from."""


@dataclass(frozen=True)
class OfferedTool:
    """A tool as clients see it."""

    name: str
    definition: ToolDefinition
    result: type[BaseModel] | None = None
    """The type of its answer; None is whatever object the tool of the library returns."""
    shape: Shape | None = None

    @cached_property
    def described(self) -> Tool:
        """Its entry in the list of tools."""
        hints = self.definition.annotations
        return Tool(
            name=self.name,
            title=hints.title,
            description=self.definition.description,
            input_schema=self.definition.input_schema,
            output_schema=output_schema(self.result) if self.result is not None else None,
            annotations=ToolAnnotations(
                read_only_hint=hints.read_only_hint,
                # the hints below say nothing about a tool that only reads
                destructive_hint=None if hints.read_only_hint else hints.destructive_hint,
                idempotent_hint=None if hints.read_only_hint else hints.idempotent_hint,
                open_world_hint=hints.open_world_hint,
            ),
        )

    def answer(self, response: ToolResponse, release: int) -> CallToolResult:
        """The answer to a call. An error has the whole envelope, with code and cure, as its structured content."""
        if response.is_success and self.shape is not None:
            data = self.shape(response.data, release).model_dump(mode="json")
            response = response.model_copy(update={"data": data})
        return to_result(response)


def to_result(response: ToolResponse) -> CallToolResult:
    """A response as a result of the protocol: the data, or the whole envelope of an error.

    Data that are no object, as commands of skills may return, become the field `result` of one.
    """
    result = response.to_mcp()
    data = response.data if response.is_success else result["structuredContent"]
    return CallToolResult(
        content=[TextContent(type="text", text=block["text"]) for block in result["content"]],
        structured_content=dict(data) if isinstance(data, Mapping) else {"result": data},
        is_error=result["isError"],
    )


_READING: Mapping[str, tuple[str, type[BaseModel], Shape]] = {
    "search": ("knowledge.search", FoundTexts, FoundTexts.of),
    "get": ("knowledge.show", PassageResult, PassageResult.of),
    "outline": ("knowledge.outline", OutlineResult, OutlineResult.of),
    "status": ("knowledge.status", StatusResult, StatusResult.of),
    "explain": ("knowledge.explain", ExplainResult, ExplainResult.of),
    "ask": ("knowledge.ask", AnswerResult, AnswerResult.of),
    "changes": ("knowledge.changes", ChangesResult, ChangesResult.of),
}
"""Name of each tool that only reads, in the order of the list."""
RUN_TASK = "knowledge.run_task"
WRITING: Sequence[str] = ("knowledge.ingest", "knowledge.rollback", "knowledge.add_entry", RUN_TASK)
"""Tools that change the knowledge base, in the order of the list; their names are the last parts of these."""


def offered_tools(catalog: ToolCatalog) -> dict[str, OfferedTool]:
    """The tools that clients see, by name, in the order of the list: those that the catalog has."""
    return {tool.name: tool for tool in (*_reading(catalog), *_writing(catalog), *_of_skills(catalog))}


def _reading(catalog: ToolCatalog) -> Iterable[OfferedTool]:
    for name, (tool, result, shape) in _READING.items():
        yield OfferedTool(name, catalog.get_tool_schema(tool), result, shape)


def _writing(catalog: ToolCatalog) -> Iterable[OfferedTool]:
    for tool in WRITING:
        if tool in catalog.names:
            yield OfferedTool(tool.rpartition(".")[2], catalog.get_tool_schema(tool))


def _of_skills(catalog: ToolCatalog) -> Iterable[OfferedTool]:
    """The command `skill.csv_tool.convert` is `csv_tool__convert`: clients accept no dots."""
    for definition in catalog.tools:
        prefix, _, rest = definition.name.partition(".")
        if prefix == PREFIX:
            yield OfferedTool(rest.replace(".", "__"), definition)
