"""How many generated cases a property is tried with."""

from __future__ import annotations

import os

IS_LONG = os.environ.get("OMNI_STRESS") == "long"
"""Whether this is the long form of the tests, as `make stress` and `python -m benchmarks.security` run it."""


def cases(short: int, long: int = 10_000) -> int:
    """The number of cases, in the short or the long form of the tests."""
    return long if IS_LONG else short
