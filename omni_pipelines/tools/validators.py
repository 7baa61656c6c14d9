"""JSON Schema 2020-12, with numbers that are numbers."""

from __future__ import annotations

import functools
import math
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from jsonschema.validators import extend

_DIALECT = Draft202012Validator.TYPE_CHECKER


def _is_number(checker: Any, value: object) -> bool:
    """NaN and the infinities are not: no bound would ever refuse them."""
    return _DIALECT.is_type(value, "number") and not (isinstance(value, float) and not math.isfinite(value))


_VALIDATOR: Any = extend(Draft202012Validator, type_checker=_DIALECT.redefine("number", _is_number))  # type: ignore[no-untyped-call]


def validator_for(schema: dict[str, Any]) -> Validator:
    """A validator for a schema that is known to be right; formats are checked where Python can."""
    found: Validator = _VALIDATOR(schema, format_checker=_formats())
    return found


@functools.cache
def _formats() -> FormatChecker:
    return FormatChecker()
