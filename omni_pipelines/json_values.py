"""Anything as JSON can carry it: strings, finite numbers, lists and objects, whole and in order where that can be.

It never fails and never hangs: circles, depth and size are cut, and the cut is said in the place where it was made.
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
from typing import Any

MAX_VALUES = 1_000_000
"""More are not converted: forty lists that each hold the next one twice would be a million millions."""
MAX_DEPTH = 100
"""JSON parsers give up between 200 and 1,000."""
MAX_REPR_LENGTH = 500
_INT64, _UINT64 = -(1 << 63), 1 << 64


def to_json_value(value: Any) -> Any:
    """A copy of `value` made of None, bool, int, float, str, list and dict with str keys.

    NaN and infinities become None, as JSON has no name for them; integers beyond 64 bits and what is not UTF-8 become
    text; bytes become text, or "base64:…"; dates are ISO 8601; anything else is its shortened repr.
    """
    return _Converter().convert(value, 0)


def text_of(value: object) -> str:
    """`str(value)`, whatever its `__str__` does; always valid Unicode."""
    try:
        return clean(str(value))
    except Exception:  # noqa: BLE001  # a foreign __str__ may raise anything
        return f"<{type(value).__name__} that cannot be shown>"


def clean(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 cannot carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _repr(value: object) -> str:
    try:
        told = clean(repr(value))
    except Exception:  # noqa: BLE001  # a foreign __repr__ may raise anything
        return f"<{type(value).__name__} that cannot be shown>"
    return told if len(told) <= MAX_REPR_LENGTH else f"{told[:MAX_REPR_LENGTH]}… ({len(told):,} characters)"


class _Converter:
    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._above: set[int] = set()

    def convert(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            return f"<cut: more than {MAX_VALUES:,} values>"
        try:
            for kinds, simple in _SIMPLE:
                if isinstance(value, kinds):
                    return simple(value)
            return self._nested(value, depth)
        except Exception:  # noqa: BLE001  # foreign objects may raise anything when they are looked at
            return _repr(value)

    def _nested(self, value: Any, depth: int) -> Any:
        if id(value) in self._above:
            return "<cut: contains itself>"
        if depth >= MAX_DEPTH:
            return f"<cut: deeper than {MAX_DEPTH}>"
        self._above.add(id(value))
        try:
            return self._open(value, depth + 1)
        finally:
            self._above.discard(id(value))

    def _open(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._object(value.items(), depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._array(value, depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._object(((each.name, getattr(value, each.name)) for each in dataclasses.fields(value)), depth)
        for name in ("model_dump", "to_pylist", "tolist"):  # pydantic, Arrow, numpy: known by what they can do
            method = getattr(value, name, None)
            if callable(method) and not isinstance(value, type):
                return self.convert(method(), depth)
        return _repr(value)

    def _array(self, values: Iterable[Any], depth: int) -> list[Any]:
        found: list[Any] = []
        for value in values:
            found.append(self.convert(value, depth))
            if self._left < 0:
                break
        return found

    def _object(self, pairs: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            name = clean(key) if isinstance(key, str) else text_of(key)
            if name in found:
                name = f"{name} ({type(key).__name__})"
            found[name] = self.convert(value, depth)
            if self._left < 0:
                break
        return found


def _number(value: float) -> float | None:
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


_SIMPLE: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (type(None), lambda _: None),
    (enum.Enum, lambda value: to_json_value(value.value)),
    (bool, bool),
    (str, lambda value: clean(str.__str__(value))),
    (int, _integer),
    (float, _number),
    ((bytes, bytearray, memoryview), _bytes),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: value.isoformat()),
    ((PurePath, decimal.Decimal, uuid.UUID), str),
    (BaseException, lambda value: f"{type(value).__name__}: {text_of(value)}"),
)
