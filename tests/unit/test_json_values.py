"""Any value becomes JSON; what is too large, too deep or circular is cut, and a text says so."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from omni_pipelines.json_values import clean, text_of, to_json_object, to_json_value


@dataclass
class Point:
    x: int
    y: Any


class Model(BaseModel):
    at: datetime.date


class Colour(enum.Enum):
    RED = "red"


class Rude:
    """An object whose attributes and repr raise."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")


class RudeMapping(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("iter")

    def __len__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "a mapping that cannot be read"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("text", "text"),
        (float("nan"), None),
        (float("-inf"), None),
        (2**63, 2**63),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (2**20_000, hex(2**20_000)),
        ("\ud800x", "?x"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\x00", "base64:/wA="),
        (bytearray(b"a"), "a"),
        (Path("a/b"), "a/b"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
        (decimal.Decimal("1.10"), "1.10"),
        (Colour.RED, "red"),
        (ValueError("bad"), "ValueError: bad"),
        ((1, [2, {3}]), [1, [2, [3]]]),
        ({"a": {"b": ()}}, {"a": {"b": []}}),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        ({1: "number", "1": "text"}, {"1": "number", "1 (str)": "text"}),
        (Point(1, Point(2, None)), {"x": 1, "y": {"x": 2, "y": None}}),
        (Model(at=datetime.date(2026, 1, 2)), {"at": "2026-01-02"}),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (pa.table({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        (Rude(), "<Rude that cannot be shown>"),
        (RudeMapping(), "a mapping that cannot be read"),
        (int, "<class 'int'>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_becomes_json(value: object, expected: object) -> None:
    assert to_json_value(value) == expected
    assert type(to_json_value(value)) is type(expected)


def test_a_circular_value_is_cut_where_it_repeats() -> None:
    circle: list[Any] = [1]
    circle.append({"again": circle})
    assert to_json_value(circle) == [1, {"again": "<cut: contains itself>"}]


def test_a_value_that_occurs_twice_is_not_cut() -> None:
    shared = [1]
    assert to_json_value([shared, shared]) == [[1], [1]]


def test_a_deep_value_is_cut_before_parsers_refuse_it() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert b"<cut: deeper than 100>" in orjson.dumps(to_json_value(deep))


def test_a_large_value_is_cut() -> None:
    doubled: list[Any] = [0]
    for _ in range(60):
        doubled = [doubled, doubled]
    assert "<cut: more than 1,000 values>" in json.dumps(to_json_value(doubled, max_values=1_000))
    numbers = to_json_value({str(number): number for number in range(5_000)}, max_values=1_000)
    assert isinstance(numbers, dict)
    assert numbers["999"] == "<cut: more than 1,000 values>"


def test_a_long_repr_is_shortened() -> None:
    class Long:
        def __repr__(self) -> str:
            return "x" * 9_000

    assert to_json_value(Long()) == "x" * 500 + "… (9,000 characters)"


def test_text_of_returns_valid_unicode_even_if_str_raises() -> None:
    assert text_of(Rude()) == "<Rude that cannot be shown>"
    assert text_of("\udcff") == clean("\udcff") == "?"


def test_a_mapping_that_cannot_be_read_becomes_an_object_with_its_repr() -> None:
    assert to_json_object(RudeMapping()) == {"value": "a mapping that cannot be read"}
    assert to_json_object({"a": (1,)}) == {"a": [1]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_json_value_is_unchanged(value: Any) -> None:
    assert to_json_value(value) == value
    assert json.loads(orjson.dumps(to_json_value(value))) == value
