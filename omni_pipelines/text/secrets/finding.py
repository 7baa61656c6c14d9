"""What was found, and what is common to every way of finding it: no place is looked at twice.

The text is searched for short fixed strings first, which runs at the speed of memory; a pattern is tried only where
one stands. Every pattern is bounded or possessive, and what may stand before it is excluded from what it may begin
with, so that the time grows with the length of the text and with nothing else.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


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
MIN_DIFFERENT = 8
"""Different characters that a generated token has at least; `xxxx…` and `0000…` stand for one."""


def places(text: str, needle: str) -> Iterator[int]:
    """Where a fixed string stands."""
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def is_placeholder(value: str) -> bool:
    """Whether a value stands for a secret that the reader is to put there."""
    return _PLACEHOLDER.search(value) is not None or len(set(value)) < MIN_DIFFERENT // 2


def is_documented(token: str) -> bool:
    """Whether a token that bears a vendor's mark is made for a manual."""
    return _DOCUMENTED.search(token) is not None or len(set(token)) < MIN_DIFFERENT


def entropy(value: str) -> float:
    """Bits a character, from the counts of the value itself (Shannon, 1948)."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values()) if value else 0.0
