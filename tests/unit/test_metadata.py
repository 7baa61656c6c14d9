"""Metadata of other programs: valid fields are kept, and corrections are counted."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from omni_pipelines.metadata import MetadataReader, decode_object


class Tool(BaseModel):
    name: str
    category: str = "none"
    intents: tuple[str, ...] = ()
    weight: float = 1.0


GOOD = {"name": "git.commit", "category": "vcs", "intents": ["save"], "weight": 2.5}


def read(text: str | bytes) -> tuple[Tool | None, dict[str, int]]:
    reader = MetadataReader(Tool)
    tool = reader.read(text)
    return tool, {name.removeprefix("metadata "): count for name, count in reader.counts.counts.items()}


def test_valid_metadata_needs_no_fallback() -> None:
    assert read(orjson.dumps(GOOD)) == (
        Tool.model_validate(GOOD), {"read": 1, "fallbacks": 0, "unreadable": 0, "fields dropped": 0}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wrong"), [("category", 5), ("intents", "save"), ("weight", "heavy"), ("weight", None)]
)
def test_a_wrong_type_drops_only_that_field(name: str, wrong: object) -> None:
    tool, counts = read(json.dumps({**GOOD, name: wrong}))
    assert tool == Tool.model_validate({key: value for key, value in GOOD.items() if key != name})
    assert (counts["fields dropped"], counts["fallbacks"]) == (1, 0)


def test_every_wrong_field_is_dropped_and_counted() -> None:
    tool, counts = read(json.dumps({**GOOD, "category": [], "intents": {}, "weight": []}))
    assert tool == Tool(name="git.commit")
    assert counts["fields dropped"] == 3


def test_an_invalid_required_field_makes_the_metadata_unreadable() -> None:
    assert read(json.dumps({**GOOD, "name": 7})) == (
        None, {"read": 1, "fallbacks": 0, "unreadable": 1, "fields dropped": 0}
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "weight": NaN}',
        '{"name": "a", "category": "one\ntwo"}',
        '\ufeff{"name": "a"}',
        b'\xef\xbb\xbf{"name": "a"}',
        '{"name": "a", "other": "\\ud800"}',
        b'{"name": "a", "category": "\xff"}',
    ],
)
def test_text_that_orjson_refuses_is_read_by_the_lenient_parser(text: str | bytes) -> None:
    tool, counts = read(text)
    assert tool is not None
    assert tool.name == "a"
    assert counts["fallbacks"] == 1


@pytest.mark.parametrize(
    ("times", "expected"), [(1, Tool.model_validate(GOOD)), (3, Tool.model_validate(GOOD)), (4, None)]
)
def test_json_inside_up_to_three_strings_is_unwrapped(times: int, expected: Tool | None) -> None:
    text = json.dumps(GOOD)
    for _ in range(times):
        text = json.dumps(text)
    tool, counts = read(text)
    assert tool == expected
    assert (counts["fallbacks"], counts["unreadable"]) == ((1, 0) if expected else (0, 1))
    assert decode_object(json.dumps("x" * 9)) is None


@pytest.mark.parametrize("text", ["", "[]", "5", '"a"', "{", "[" * 100_000, '{"a":' * 100_000, b"\x00"])
def test_text_without_an_object_is_counted_as_unreadable(text: str | bytes) -> None:
    tool, counts = read(text)
    assert tool is None
    assert counts["unreadable"] == 1


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_no_text_raises(text: str | bytes) -> None:
    reader = MetadataReader(Tool)
    reader.read(text)
    assert reader.counts.read == 1


_NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False, allow_infinity=False)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["name", "category", "intents", "weight", "more"]), _VALUES))
def test_both_parsers_return_the_same_fields(fields: dict[str, Any]) -> None:
    strict, lenient = decode_object(orjson.dumps(fields)), decode_object("\ufeff" + json.dumps(fields))
    assert strict is not None
    assert lenient is not None
    assert strict.fields == lenient.fields
