"""What a tool is: the models of a tool document. `tool.schema.yaml` is the contract they are written to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from omni_pipelines.records import Record

TOOL_SCHEMA_ID = "https://omni.dev/schema/tool/v1"


class ParameterType(StrEnum):
    """The types of JSON, with the whole numbers apart."""

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
    """One argument, or a part of one: a JSON Schema reduced to what a person can fill in."""

    type: ParameterType | tuple[ParameterType, ...]
    description: str = ""
    default: Any = None
    """What stands in when it is left out; None where nothing does."""
    enum: tuple[Any, ...] | None = None
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
    """Of an object: the names that must be given."""
    additional_properties: bool | ToolParameter | None = None

    @property
    def types(self) -> tuple[ParameterType, ...]:
        """The types that are taken."""
        return self.type if isinstance(self.type, tuple) else (self.type,)


class ToolParameters(Record):
    """The arguments of a tool, by name. No others are taken."""

    type: Literal["object"]
    properties: dict[str, ToolParameter]
    required: tuple[str, ...] = ()


class ToolAnnotations(_CamelCase):
    """What a call may do, as the Model Context Protocol names it."""

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
    """How a call is carried out."""

    retry_on: tuple[str, ...] = ()
    """Numbers of errors after which a call is tried again; without them, whatever is marked retryable."""
    max_attempts: int = Field(default=1, ge=1, le=10)
    cache_ttl: float = Field(default=0, ge=0)
    """Seconds that an answer is kept for equal arguments."""


class ToolMetadata(_CamelCase):
    """A tool in a list."""

    name: str
    """The last word of the full name."""
    full_name: str
    description: str
    category: str = "general"
    version: str = "1.0.0"
    deprecated: bool = False


class ToolDefinition(Record):
    """A tool: its name, what it does, what it takes and what a call may do."""

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
        """The tool as it stands in a list."""
        return ToolMetadata(
            name=self.name.rpartition(".")[2],
            full_name=self.name,
            description=self.description,
            category=self.category,
            version=self.version,
            deprecated=self.deprecated,
        )

    @property
    def input_schema(self) -> dict[str, Any]:
        """The arguments as a JSON Schema (2020-12): an object that takes nothing but what is named."""
        return {**written(self.parameters), "additionalProperties": False}


class ToolInfo(Record):
    """What a document is about."""

    name: str
    version: str
    generated_at: datetime | None = None


class ToolDocument(Record):
    """A catalogue of tools, as it stands in a file."""

    model_config = ConfigDict(validate_by_name=True)

    schema_id: Literal["https://omni.dev/schema/tool/v1"] = Field(
        default="https://omni.dev/schema/tool/v1", alias="$schema"
    )
    info: ToolInfo
    tools: tuple[ToolDefinition, ...]


def written(model: BaseModel) -> dict[str, Any]:
    """A model as it is written to a document: JSON values, nothing that is only a default."""
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
