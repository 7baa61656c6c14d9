"""JSON of others to typed fields: fast where it is sound, and saved field by field where it is not.

Metadata is written by people, by other programs and by older versions. A field of the wrong type costs that field
and no other; what a strict parser refuses is tried by a lenient one; JSON that was put into JSON twice is taken out
twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
MAX_WRAPPED = 3
"""How often JSON may stand in a string of JSON."""


@dataclass
class MetadataCounts:
    """What became of the metadata that was read."""

    read: int = 0
    fallbacks: int = 0
    """Read by the lenient parser, or out of a string."""
    unreadable: int = 0
    """Nothing could be saved."""
    salvaged: Counter[str] = field(default_factory=Counter)
    """Field to how often its value was dropped so that the others could be kept."""

    @property
    def counts(self) -> dict[str, int]:
        """For the metadata of an asset."""
        return {
            "metadata read": self.read,
            "metadata fallbacks": self.fallbacks,
            "metadata unreadable": self.unreadable,
            "metadata fields dropped": self.salvaged.total(),
        }


@dataclass(frozen=True)
class _Decoded:
    fields: dict[str, Any]
    fell_back: bool


class MetadataReader(Generic[M]):
    """Reads one kind of metadata and counts what it had to do for it. Not for several threads at once."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self.counts = MetadataCounts()

    def read(self, text: str | bytes, given: Mapping[str, Any] | None = None) -> M | None:
        """The typed fields of a JSON object; `given` go before those of the text.

        A field that is wrong or unknown is left at its default. None where the text is no object, or a field that
        has no default cannot be saved.
        """
        self.counts.read += 1
        decoded = decode_object(text)
        if decoded is None:
            self.counts.unreadable += 1
            return None
        self.counts.fallbacks += decoded.fell_back
        return self._typed({**decoded.fields, **(given or {})})

    def _typed(self, fields: dict[str, Any]) -> M | None:
        try:
            return self._model.model_validate(fields)
        except ValidationError as error:
            wrong = {str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"]}
        kept = {name: value for name, value in fields.items() if name not in wrong}
        try:
            found = self._model.model_validate(kept)
        except ValidationError:  # one that has no default
            self.counts.unreadable += 1
            return None
        self.counts.salvaged.update(wrong)
        return found


def decode_object(text: str | bytes) -> _Decoded | None:
    """A JSON object; by orjson, else by the standard library, which takes NaN, control characters and half pairs.

    None where it is no object, or wrapped in more than `MAX_WRAPPED` strings.
    """
    fell_back = False
    for _ in range(MAX_WRAPPED + 1):
        value, lenient = _loads(text)
        fell_back = fell_back or lenient
        if isinstance(value, dict):
            return _Decoded(value, fell_back)
        if not isinstance(value, str):
            return None
        text, fell_back = value, True
    return None


def _loads(text: str | bytes) -> tuple[Any, bool]:
    try:
        return orjson.loads(text), False
    except orjson.JSONDecodeError:
        pass
    try:
        written = text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return json.loads(written, strict=False), True
    except (ValueError, RecursionError):
        return None, True
