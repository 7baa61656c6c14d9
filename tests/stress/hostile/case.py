"""A hostile file, and what must become of it: one code, or one text."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

READ = "read"
"""It becomes a document."""


@dataclass(frozen=True)
class Hostile:
    """A file that tries to break its reader."""

    name: str
    raw: bytes = field(repr=False)
    outcome: str = READ
    """`read`, or the code it is refused with."""
    text: str = field(default="", repr=False)
    """Of the document, to the character."""


def case(name: str, content: str | bytes, outcome: str = READ, *, text: str | None = None) -> Hostile:
    """A case; text becomes UTF-8, with halves of characters as they are.

    What is read without a `text` of its own is read as it stands.
    """
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    if outcome == READ and text is None:
        assert isinstance(content, str), f"{name}: say what text the bytes are"
        text = content
    return Hostile(name, raw, outcome, text or "")


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that look random and are always the same."""
    return random.Random(seed).randbytes(size)
