"""Tools as an OpenAPI 3.1 document, for HTTP clients."""

from collections.abc import Sequence

from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import JsonObject, ToolDefinition, ToolInfo, to_document

OPENAPI_VERSION = "3.1.0"
_COMPONENTS = "#/components/schemas/"
_ENVELOPE: JsonObject = {"$ref": f"{_COMPONENTS}{ToolResponse.__name__}"}


def openapi_document(info: ToolInfo, tools: Sequence[ToolDefinition]) -> JsonObject:
    """One POST per tool; every answer is a `ToolResponse`."""
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


def _operation(tool: ToolDefinition) -> JsonObject:
    summary, _, rest = tool.description.partition("\n\n")
    return {
        "operationId": tool.name,
        "summary": tool.annotations.title or summary,
        "description": rest or summary,
        "tags": [tool.category],
        "deprecated": tool.deprecated,
        "x-annotations": to_document(tool.annotations),
        "requestBody": {"required": bool(tool.parameters.required), "content": _json_content(tool.input_schema)},
        "responses": {
            "200": {"description": "A complete or partial success.", "content": _json_content(_ENVELOPE)},
            "default": {
                "description": "A failure; see error_code, error_message and retryable.",
                "content": _json_content(_ENVELOPE),
            },
        },
    }


def _json_content(schema: JsonObject) -> JsonObject:
    return {"application/json": {"schema": schema}}
