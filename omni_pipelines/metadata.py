"""Read JSON metadata into typed fields: fast when it is valid, field by field when it is not.

People, other programs and older versions write metadata. A field of the wrong type loses its value and no other
field does. Text that the strict parser refuses goes to a lenient one, and JSON inside a JSON string is unwrapped.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
MAX_WRAPPED = 3
"""Number of JSON strings around an object that are unwrapped."""


@dataclass
class MetadataCounts:
    """How much metadata was read, and how."""

    read: int = 0
    fallbacks: int = 0
    """Texts that the lenient parser read, or that were inside a JSON string."""
    unreadable: int = 0
    """Texts without a usable object."""
    salvaged: Counter[str] = field(default_factory=Counter)
    """Field name to the number of invalid values that were dropped."""

    @property
    def counts(self) -> dict[str, int]:
        """The numbers with the labels that the metadata of an asset shows."""
        return {
            "metadata read": self.read,
            "metadata fallbacks": self.fallbacks,
            "metadata unreadable": self.unreadable,
            "metadata fields dropped": self.salvaged.total(),
        }


@dataclass(frozen=True)
class JsonObject:
    """A decoded JSON object."""

    fields: dict[str, object]
    is_fallback: bool
    """Whether the lenient parser read it or it was inside a JSON string."""


class MetadataReader(Generic[M]):
    """Reads metadata as one model and counts what it had to correct. Not thread-safe."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self.counts = MetadataCounts()

    def read(self, text: str | bytes, given: Mapping[str, object] | None = None) -> M | None:
        """Return the typed fields of a JSON object; `given` overrides fields of the text.

        An invalid or unknown field keeps its default. The result is None if the text is not an object or a field
        without a default is invalid.
        """
        self.counts.read += 1
        decoded = decode_object(text)
        if decoded is None:
            self.counts.unreadable += 1
            return None
        self.counts.fallbacks += decoded.is_fallback
        return self._validate({**decoded.fields, **(given or {})})

    def _validate(self, fields: dict[str, object]) -> M | None:
        try:
            return self._model.model_validate(fields)
        except ValidationError as error:
            invalid = {str(problem["loc"][0]) for problem in error.errors(include_url=False) if problem["loc"]}
        valid = {name: value for name, value in fields.items() if name not in invalid}
        try:
            metadata = self._model.model_validate(valid)
        except ValidationError:  # an invalid field has no default
            self.counts.unreadable += 1
            return None
        self.counts.salvaged.update(invalid)
        return metadata


def decode_object(text: str | bytes) -> JsonObject | None:
    """Decode a JSON object with orjson, or with the standard library if orjson refuses it.

    The standard library accepts NaN, control characters and lone surrogates. The result is None if the text is not an
    object or is wrapped in more than `MAX_WRAPPED` strings.
    """
    is_fallback = False
    for _ in range(MAX_WRAPPED + 1):
        value, is_lenient = _loads(text)
        is_fallback = is_fallback or is_lenient
        if not isinstance(value, str):
            return JsonObject(value, is_fallback) if isinstance(value, dict) else None
        text, is_fallback = value, True
    return None


def _loads(text: str | bytes) -> tuple[object, bool]:
    try:
        return orjson.loads(text), False
    except orjson.JSONDecodeError:
        pass
    try:
        decoded = text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return json.loads(decoded, strict=False), True
    except (ValueError, RecursionError):
        return None, True
