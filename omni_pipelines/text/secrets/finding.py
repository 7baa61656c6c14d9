"""A finding, and the functions that all detectors share.

Detectors search for short fixed strings first, which is as fast as reading memory, and try a pattern only where one
occurs. Every pattern is bounded or possessive, and excludes before a match what a match may start with. So no text is
scanned twice, and the time grows linearly with its length.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import AnyStr


@dataclass(frozen=True)
class Finding:
    """A range of characters that should not be shown."""

    start: int
    end: int
    kind: str


_PLACEHOLDER = re.compile(
    r"example|placeholder|redacted|change.?me|dummy|your[_-]|my[_-]?(?:pass|secret|token|key)|insert|xxxx|\.\.\.|\*\*\*|<|>|\$\{"
    r"|\{\{|12345678|abcdefg|0123456|notasecret|fake",
    re.IGNORECASE,
)
_DOCUMENTED = re.compile(r"example|placeholder|redacted|xxxxx", re.IGNORECASE)
MIN_DISTINCT = 8
"""Distinct characters of a generated token; `xxxx…` and `0000…` have fewer and are placeholders."""


def occurrences(text: AnyStr, needle: AnyStr) -> Iterator[int]:
    """The positions of a fixed string."""
    position = text.find(needle)
    while position >= 0:
        yield position
        position = text.find(needle, position + 1)


def is_placeholder(value: str) -> bool:
    """Whether a value is a placeholder for a secret."""
    return _PLACEHOLDER.search(value) is not None or len(set(value)) < MIN_DISTINCT // 2


def is_documentation_example(token: str) -> bool:
    """Whether a token with a vendor's prefix is an example from a manual."""
    return _DOCUMENTED.search(token) is not None or len(set(token)) < MIN_DISTINCT


def entropy(value: str) -> float:
    """Bits per character, from the character counts of the value itself (Shannon, 1948)."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values()) if value else 0.0
