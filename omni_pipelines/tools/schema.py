"""Tool documents: read, and held against `tool.schema.yaml`."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path
from typing import Any

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.consistency import disagreements
from omni_pipelines.tools.definition import ToolDocument
from omni_pipelines.tools.older_forms import folded_document
from omni_pipelines.tools.problems import Problem, problems
from omni_pipelines.tools.reading import parse_values, read_values
from omni_pipelines.tools.validators import validator_for

MAX_TOLD = 5
"""Problems that one error message names."""


@functools.cache
def tool_schema() -> dict[str, Any]:
    """The contract itself, a JSON Schema."""
    text = files("omni_pipelines.tools").joinpath("tool.schema.yaml").read_text("utf-8")
    schema: dict[str, Any] = parse_values(text, "tool.schema.yaml", as_json=False)
    return schema


def load_document(path: Path) -> ToolDocument:
    """The tool document in a `.json`, `.yaml` or `.yml` file.

    Raises:
        ConfigurationError: it cannot be read, or is not a right tool document; names the first few places.
    """
    return parse_document(read_values(path), str(path))


def parse_document(document: Any, where: str = "the tool document") -> ToolDocument:
    """A tool document from plain values.

    Raises:
        ConfigurationError: see `load_document`.
    """
    found = check_document(document)
    if found:
        told = ". ".join(str(problem) for problem in found[:MAX_TOLD])
        more = f". And {len(found) - MAX_TOLD} more" if len(found) > MAX_TOLD else ""
        raise ConfigurationError(f"{where} is not a right tool document. {told}{more}", cure="correct it there")
    return ToolDocument.model_validate(folded_document(document))


def check_document(document: Any) -> list[Problem]:
    """All that is wrong with a tool document; empty if it is right."""
    return problems(validator_for(tool_schema()), document) or list(disagreements(document))


def check_tool(tool: Any) -> list[Problem]:
    """All that is wrong with one tool of a document; the places begin inside the tool."""
    found = check_document({"info": {"name": "one", "version": "1.0.0"}, "tools": [tool]})
    return [each.model_copy(update={"field": each.field.removeprefix("tools[0]").lstrip(".")}) for each in found]
