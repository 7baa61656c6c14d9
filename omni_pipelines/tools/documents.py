"""Read, check and write tool documents; `tool.schema.yaml` is their contract."""

import functools
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import orjson
import yaml
from pydantic import ValidationError

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.consistency import contradictions
from omni_pipelines.tools.definition import JsonObject, ToolDocument
from omni_pipelines.tools.problems import Problem, conversion_problems, find_problems, summary
from omni_pipelines.tools.strict_parsing import read_values

MAX_LISTED = 5
"""Problems that one error message lists."""


@functools.cache
def tool_schema() -> JsonObject:
    """The JSON Schema of tool documents."""
    text = files("omni_pipelines.tools").joinpath("tool.schema.yaml").read_text("utf-8")
    # each process with a tool reads it at its start, and the parser in C takes a tenth of the time of the other one
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema: JsonObject = yaml.load(text, Loader=loader)  # noqa: S506
    return schema


def load_document(path: Path) -> ToolDocument:
    """Read a tool document from a `.json`, `.yaml` or `.yml` file.

    Raises:
        ConfigurationError: it cannot be read or is not valid; the message lists the first problems.
    """
    return parse_document(read_values(path), str(path))


def parse_document(document: object, origin: str = "the document") -> ToolDocument:
    """A tool document from plain values.

    Raises:
        ConfigurationError: it is not valid; the message lists the first problems.
    """
    problems = check_document(document)
    if problems:
        message = f"{origin} is not a valid tool document. {summary(problems, MAX_LISTED)}"
        raise ConfigurationError(message, cure="correct these places")
    return ToolDocument.model_validate(document)


def check_document(document: object) -> list[Problem]:
    """The problems of a tool document, given as plain values; empty if it is valid."""
    problems = find_problems(tool_schema(), document)
    if problems:
        return problems
    try:
        return list(contradictions(ToolDocument.model_validate(document)))
    except ValidationError as error:
        return conversion_problems(error)


def check_tool(tool: object) -> list[Problem]:
    """The problems of one tool of a document; their paths start inside the tool."""
    problems = check_document({"info": {"name": "one", "version": "1.0.0"}, "tools": [tool]})
    return [
        problem.model_copy(update={"field": problem.field.removeprefix("tools[0]").lstrip(".")})
        for problem in problems
    ]


def as_json(document: Mapping[str, object]) -> str:
    """A document as indented JSON that ends with a newline."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def as_yaml(document: Mapping[str, object]) -> str:
    """A document as YAML; fields keep their order."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)
