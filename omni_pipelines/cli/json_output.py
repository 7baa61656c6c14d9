"""Records as JSON documents on stdout."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import orjson
from pydantic import BaseModel

from omni_pipelines.cli.output import Stdout, say

SCHEMA_VERSION = 1
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_DATACLASS
T = TypeVar("T")


@runtime_checkable
class SupportsJson(Protocol):
    """A record whose JSON document has other fields than the record."""

    def as_json(self) -> Mapping[str, object]:
        """Fields of the JSON document."""
        ...


def text_only(default: T) -> T:
    """A field of a record with this default that the text shows and the JSON document leaves out."""
    field: T = dataclasses.field(default=default, metadata={"text_only": True})
    return field


def say_json(record: object, stdout: Stdout | None = None) -> None:
    """Print a record as a JSON document, with the version of its shape."""
    fields = {"schema_version": SCHEMA_VERSION, **_fields(record)}
    document = orjson.dumps(fields, default=_json_value, option=_OPTIONS).decode()
    if stdout is not None:
        stdout.has_document = True
    say(document)


def _fields(record: object) -> Mapping[str, object]:
    if isinstance(record, Mapping):
        return record
    if isinstance(record, SupportsJson):
        return record.as_json()
    if isinstance(record, BaseModel):
        return record.model_dump(mode="json")
    if dataclasses.is_dataclass(record):
        fields = [field for field in dataclasses.fields(record) if "text_only" not in field.metadata]
        return {field.name: getattr(record, field.name) for field in fields}
    raise TypeError(f"{type(record).__name__} has no JSON form")


def _json_value(value: object) -> object:
    return str(value) if isinstance(value, Path) else _fields(value)
