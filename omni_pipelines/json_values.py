"""Convert any value to JSON: strings, finite numbers, lists and objects.

The conversion never raises and always ends: circular, deep and very large values are cut, and a text says where.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import JsonValue

T = TypeVar("T")
MAX_VALUES = 1_000_000
"""Values that are converted; forty nested lists that each hold the next one twice would have 10^12."""
MAX_DEPTH = 100
"""Nesting that is converted; JSON parsers refuse more than 200 to 1,000 levels."""
MAX_REPR_LENGTH = 500
_INT64, _UINT64 = -(1 << 63), 1 << 64


def to_json_value(value: object, *, max_values: int = MAX_VALUES) -> JsonValue:
    """Return a copy of `value` made of None, bool, int, float, str, list and dict with str keys.

    NaN and infinities become None, because JSON has no name for them. Integers beyond 64 bits become text, bytes
    become text or "base64:…", dates become ISO 8601, and other objects become their shortened repr.
    """
    return _Converter(max_values).convert(value, 0)


def to_json_object(fields: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return a mapping as `to_json_value` converts it; one that cannot be read becomes {"value": its repr}."""
    converted = to_json_value(fields)
    return converted if isinstance(converted, dict) else {"value": converted}


def text_of(value: object) -> str:
    """Return `str(value)` as valid Unicode, or a placeholder if `__str__` raises."""
    return _safely(lambda: clean(str(value)), lambda: _placeholder(value))


def clean(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode, by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _repr_of(value: object) -> str:
    text = _safely(lambda: clean(repr(value)), lambda: _placeholder(value))
    return text if len(text) <= MAX_REPR_LENGTH else f"{text[:MAX_REPR_LENGTH]}… ({len(text):,} characters)"


def _placeholder(value: object) -> str:
    return f"<{type(value).__name__} that cannot be shown>"


def _safely(call: Callable[[], T], otherwise: Callable[[], T]) -> T:
    try:
        return call()
    except Exception:  # noqa: BLE001  # __str__, __repr__ and attributes of foreign objects may raise anything
        return otherwise()


class _Converter:
    def __init__(self, max_values: int) -> None:
        self._max_values = self._left = max_values
        self._parents: set[int] = set()

    def convert(self, value: object, depth: int) -> JsonValue:
        self._left -= 1
        if self._left < 0:
            return f"<cut: more than {self._max_values:,} values>"
        return _safely(lambda: self._convert(value, depth), lambda: _repr_of(value))

    def _convert(self, value: object, depth: int) -> JsonValue:
        for kinds, convert in _SCALARS:
            if isinstance(value, kinds):
                return convert(value)
        if id(value) in self._parents:
            return "<cut: contains itself>"
        if depth >= MAX_DEPTH:
            return f"<cut: deeper than {MAX_DEPTH}>"
        self._parents.add(id(value))
        try:
            return self._convert_container(value, depth + 1)
        finally:
            self._parents.discard(id(value))

    def _convert_container(self, value: object, depth: int) -> JsonValue:
        if isinstance(value, Mapping):
            return self._object(value.items(), depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._array(value, depth)
        if isinstance(value, type):
            return _repr_of(value)
        if dataclasses.is_dataclass(value):
            names = (field.name for field in dataclasses.fields(value))
            return self._object(((name, getattr(value, name)) for name in names), depth)
        for name in ("model_dump", "to_pylist", "tolist"):  # pydantic, Arrow and numpy, which are not imported here
            method = getattr(value, name, None)
            if callable(method):
                return self.convert(method(), depth)
        return _repr_of(value)

    def _array(self, values: Iterable[object], depth: int) -> list[JsonValue]:
        array: list[JsonValue] = []
        for value in values:
            array.append(self.convert(value, depth))
            if self._left < 0:
                break
        return array

    def _object(self, pairs: Iterable[tuple[object, object]], depth: int) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = {}
        for key, value in pairs:
            name = clean(key) if isinstance(key, str) else text_of(key)
            if name in fields:
                name = f"{name} ({type(key).__name__})"
            fields[name] = self.convert(value, depth)
            if self._left < 0:
                break
        return fields


def _float(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _integer(value: int) -> int | str:
    if _INT64 <= value < _UINT64:
        return int(value)
    return str(int(value)) if value.bit_length() < 4096 else hex(value)  # Python refuses to print longer ones


def _bytes(value: bytes | bytearray | memoryview) -> str:
    raw = bytes(value)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(raw).decode('ascii')}"


_SCALARS: tuple[tuple[type | tuple[type, ...], Callable[[Any], JsonValue]], ...] = (
    (type(None), lambda _: None),
    (enum.Enum, lambda value: to_json_value(value.value)),
    (bool, bool),
    (str, lambda value: clean(str.__str__(value))),
    (int, _integer),
    (float, _float),
    ((bytes, bytearray, memoryview), _bytes),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: value.isoformat()),
    ((PurePath, decimal.Decimal, uuid.UUID), str),
    (BaseException, lambda value: f"{type(value).__name__}: {text_of(value)}"),
)
