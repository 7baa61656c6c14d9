"""Tools as an OpenAPI document, for clients that speak HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition, ToolInfo, written

OPENAPI_VERSION = "3.1.0"
_COMPONENTS = "#/components/schemas/"


def openapi_document(info: ToolInfo, tools: Sequence[ToolDefinition]) -> dict[str, Any]:
    """One POST a tool; every answer, good or bad, is a ToolResponse."""
    envelope = ToolResponse.model_json_schema(ref_template=_COMPONENTS + "{model}")
    schemas = {**envelope.pop("$defs", {}), ToolResponse.__name__: envelope}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": info.name, "version": info.version, "description": "Tools, called by name."},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "tags": [{"name": name} for name in sorted({tool.category for tool in tools})],
        "paths": {f"/tools/{tool.name}": {"post": _operation(tool)} for tool in tools},
        "components": {"schemas": schemas},
    }


def _operation(tool: ToolDefinition) -> dict[str, Any]:
    summary, _, rest = tool.description.partition("\n\n")
    return {
        "operationId": tool.name,
        "summary": tool.annotations.title or summary,
        "description": rest or summary,
        "tags": [tool.category],
        "deprecated": tool.deprecated,
        "x-annotations": written(tool.annotations),
        "requestBody": {"required": bool(tool.parameters.required), "content": _json(tool.input_schema)},
        "responses": {
            "200": {"description": "It worked, wholly or partly.", "content": _json(_ENVELOPE)},
            "default": {
                "description": "It did not; error_code, error_message and retryable say why.",
                "content": _json(_ENVELOPE),
            },
        },
    }


_ENVELOPE = {"$ref": f"{_COMPONENTS}{ToolResponse.__name__}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
