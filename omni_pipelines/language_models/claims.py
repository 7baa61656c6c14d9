"""Replies of a language model that make claims about numbered units: their schema, and how they are read."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence

import orjson
from pydantic import BaseModel, ValidationError, field_validator

MAX_CLAIMS = 3
MAX_CLAIM_LENGTH = 240


class Claim(BaseModel, strict=True, frozen=True):
    """A statement of a model, and the numbers of the units that it is said to come from."""

    text: str
    unit: tuple[int, ...]

    @field_validator("unit", mode="before")
    @classmethod
    def _from_array(cls, unit: object) -> object:
        """Accept the array of JSON, and a single number, which some models write."""
        return tuple(unit) if isinstance(unit, list) else (unit,)


class _Reply(BaseModel):
    claims: list[object]
    answerable: bool = True


def schema(units: int) -> Mapping[str, object]:
    """The JSON schema of a reply about this number of units."""
    claim = {
        "type": "object",
        "properties": {
            "unit": {"type": "array", "items": {"enum": list(range(1, units + 1))}, "minItems": 1, "maxItems": 2},
            "text": {"type": "string", "maxLength": MAX_CLAIM_LENGTH},
        },
        "required": ["unit", "text"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "answerable": {"type": "boolean"},
            "claims": {"type": "array", "maxItems": MAX_CLAIMS, "items": claim},
        },
        "required": ["answerable", "claims"],
        "additionalProperties": False,
    }


def read_claims(reply: str) -> list[Claim]:
    """The claims in a model's reply; items of another form are left out, and all if it says that there is no answer.

    Raises:
        ValueError: the reply holds no JSON object with claims.
    """
    start, end = reply.find("{"), reply.rfind("}")  # some models add a fence, or a word before it
    given = _Reply.model_validate(orjson.loads(reply[start : end + 1] if start >= 0 else ""))
    return _valid_claims(given.claims) if given.answerable else []


def written_claims(reply: str) -> list[Claim]:
    """The claims that are complete in a reply that is still being written."""
    name = reply.find('"claims"')
    verdict, start = reply[: max(name, 0)], reply.find("[", name)
    if name < 0 or start < 0 or "false" in verdict:
        return []
    return _valid_claims(list(_objects(reply, start + 1)))[:MAX_CLAIMS]


def _objects(text: str, position: int) -> Iterator[object]:
    """The JSON objects of an array, from the position of its first one, as far as they are complete."""
    decoder = json.JSONDecoder()
    with contextlib.suppress(ValueError):  # the last one is incomplete, or the array has ended
        while True:
            item, position = decoder.raw_decode(text, text.index("{", position))
            yield item


def _valid_claims(items: Sequence[object]) -> list[Claim]:
    claims = []
    for item in items:
        with contextlib.suppress(ValidationError):
            claims.append(Claim.model_validate(item))
    return claims
