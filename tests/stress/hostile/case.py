"""A hostile file and its expected outcome: one code or one text."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.stress.harness.extent import EXTENT

READ = "read"
"""The outcome of a file that becomes a document."""


@dataclass(frozen=True)
class Hostile:
    """A file that is made to break its reader."""

    name: str
    raw: bytes = field(repr=False)
    outcome: str = READ
    """`read`, or the code with which it is refused."""
    text: str = field(default="", repr=False)
    """The exact text of the document."""


def case(name: str, content: str | bytes, outcome: str = READ, *, text: str | None = None) -> Hostile:
    """Make a case. Text is encoded as UTF-8; lone surrogates are kept.

    If a file is read and no `text` is given, its text is the content itself.
    """
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    if outcome == READ and text is None:
        assert isinstance(content, str), f"{name}: give the text of these bytes"
        text = content
    return Hostile(name, raw, outcome, text or "")


def times(count: int) -> int:
    """How often a part is repeated: `count` times in the long form, a twentieth of it in the short one."""
    return count if EXTENT.name == "long" else count // 20


def noise(size: int, seed: int = 1) -> bytes:
    """Return pseudo-random bytes that are always the same."""
    return random.Random(seed).randbytes(size)
