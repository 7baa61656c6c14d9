"""Models of a tool document and its parts; `tool.schema.yaml` is their contract."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from omni_pipelines.records import Record

TOOL_SCHEMA_ID = "https://omni.dev/schema/tool/v1"
JsonObject = dict[str, Any]
"""A JSON object. Its values are JSON values."""


class ParameterType(StrEnum):
    """The types of JSON, with integers apart from other numbers."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    NULL = "null"


class _CamelCase(Record):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class ToolParameter(_CamelCase):
    """A parameter, or a part of one: JSON Schema without references and unions, so that a person can fill it in."""

    type: ParameterType | tuple[ParameterType, ...]
    description: str = ""
    default: object = None
    """The value used when the parameter is left out; None if there is no default."""
    enum: tuple[object, ...] | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    exclusive_minimum: int | float | None = None
    exclusive_maximum: int | float | None = None
    multiple_of: int | float | None = None
    pattern: str | None = None
    format: str | None = None
    items: ToolParameter | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool | None = None
    properties: dict[str, ToolParameter] | None = None
    required: tuple[str, ...] = ()
    """For an object: the names of its required properties."""
    additional_properties: bool | ToolParameter | None = None

    @property
    def types(self) -> tuple[ParameterType, ...]:
        """The accepted types."""
        return self.type if isinstance(self.type, tuple) else (self.type,)


class ToolParameters(Record):
    """The parameters of a tool, by name. A call with any other name is refused."""

    type: Literal["object"]
    properties: dict[str, ToolParameter]
    required: tuple[str, ...] = ()


class ToolAnnotations(_CamelCase):
    """What a call may do, in the terms of the Model Context Protocol."""

    title: str = ""
    read_only_hint: bool = False
    destructive_hint: bool = False
    idempotent_hint: bool = False
    open_world_hint: bool = False


class ToolVariant(Record):
    """One of several implementations of a tool."""

    name: str
    description: str = ""
    priority: int = Field(default=100, ge=0, le=100)
    """Lower is chosen first."""
    status: Literal["available", "degraded", "unavailable"] = "available"
    capabilities: tuple[str, ...] = ()


class ToolExecution(Record):
    """How a call is executed: retries and cached answers."""

    retry_on: tuple[str, ...] = ()
    """Error codes that are retried; if empty, every error marked as retryable."""
    max_attempts: int = Field(default=1, ge=1, le=10)
    cache_ttl: float = Field(default=0, ge=0)
    """Seconds for which an answer is reused for equal arguments."""


class ToolMetadata(_CamelCase):
    """A tool in a list."""

    name: str
    """The last part of the full name."""
    full_name: str
    description: str
    category: str = "general"
    version: str = "1.0.0"
    deprecated: bool = False


class ToolDefinition(Record):
    """A tool: its name, what it does, its parameters and what a call may do."""

    name: str
    """Words joined by dots: `knowledge.search`."""
    description: str
    category: str = "general"
    version: str = "1.0.0"
    deprecated: bool = False
    annotations: ToolAnnotations = ToolAnnotations()
    parameters: ToolParameters
    variants: tuple[ToolVariant, ...] = ()
    default_variant: str | None = None
    execution: ToolExecution = ToolExecution()

    @property
    def metadata(self) -> ToolMetadata:
        """The entry of this tool in a list."""
        return ToolMetadata(
            name=self.name.rpartition(".")[2],
            full_name=self.name,
            description=self.description,
            category=self.category,
            version=self.version,
            deprecated=self.deprecated,
        )

    @property
    def input_schema(self) -> JsonObject:
        """The arguments as a JSON Schema (2020-12): an object that allows only the named properties."""
        return {**to_document(self.parameters), "additionalProperties": False}


class ToolInfo(Record):
    """The head of a tool document."""

    name: str
    version: str
    generated_at: datetime | None = None


class ToolDocument(Record):
    """A catalog of tools, as stored in a file."""

    model_config = ConfigDict(validate_by_name=True)

    schema_id: Literal["https://omni.dev/schema/tool/v1"] = Field(
        default="https://omni.dev/schema/tool/v1", alias="$schema"
    )
    info: ToolInfo
    tools: tuple[ToolDefinition, ...]


def to_document(model: BaseModel) -> JsonObject:
    """A model as JSON values for a tool document; fields that have their default are left out."""
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
