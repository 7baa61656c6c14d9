"""The types that processes, files and other languages share, and the JSON Schema of each.

`make schemas` writes the schemas to `docs/schemas/`; a test fails if a file differs from its type.
"""

from pathlib import Path

import orjson
from pydantic import BaseModel
from pydantic.alias_generators import to_snake

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.status import Status
from omni_pipelines.receipt_records import Receipt
from omni_pipelines.records import Event, KnowledgeEntry, Release, SkillMetadata, StepRecord
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.argument_check import ArgumentProblem
from omni_pipelines.tools.definition import ToolDefinition, ToolDocument, ToolMetadata
from omni_pipelines.tools.problems import nearest

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SUFFIX = ".schema.json"
_KNOWLEDGE = (Answer, Citation, Event, Hit, KnowledgeEntry, Receipt, Release, SkillMetadata, Status, StepRecord)
_TOOLS = (ArgumentProblem, ToolDefinition, ToolDocument, ToolMetadata, ToolResponse)
SHARED: dict[str, type[BaseModel]] = dict(
    sorted((to_snake(model.__name__), model) for model in (*_KNOWLEDGE, *_TOOLS))
)
"""The shared types by name, such as `tool_response`."""


def shared_type(name: str) -> type[BaseModel]:
    """Return the model of a shared type.

    Raises:
        ConfigurationError: there is no such type; the cure is the nearest name.
    """
    if name not in SHARED:
        raise ConfigurationError(f"there is no shared type {name!r}", cure=nearest(name, SHARED))
    return SHARED[name]


def json_schema(name: str) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a shared type.

    Raises:
        ConfigurationError: there is no such type.
    """
    return schema_of(name, shared_type(name))


def schema_of(name: str, model: type[BaseModel]) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a model under the id of this name."""
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "$id": f"https://omni.dev/schema/{name}/v1", **schema}


def schema_text(name: str) -> str:
    """Return the content of a schema file: indented JSON with sorted keys and a final line end."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(json_schema(name), option=options).decode()


def write_schemas(folder: Path) -> list[Path]:
    """Write the schema of every shared type, delete other schema files, and return the paths that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / f"{name}{SUFFIX}": schema_text(name) for name in SHARED}
    stale = [path for path in sorted(folder.glob(f"*{SUFFIX}")) if path not in wanted]
    for path in stale:
        path.unlink()
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in changed:
        path.write_text(wanted[path], "utf-8")
    return [*stale, *changed]
