"""A hostile file, and what must become of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

READ = "read"
"""It becomes a document."""

STOPPED = "E_PARSE|E_NO_TEXT|E_DEPTH|E_CPU|E_MEMORY|E_OUTPUT_LIMIT"
"""For bombs that a library stops by itself or is stopped at, by whichever limit comes first."""
READ_OR_STOPPED = f"{READ}|{STOPPED}"


@dataclass(frozen=True)
class Hostile:
    """A file that tries to break its reader."""

    name: str
    raw: bytes
    outcome: str = READ
    """`read`, or the code it is refused with; several, parted by `|`, where libraries differ."""

    @property
    def outcomes(self) -> set[str]:
        """Each of them."""
        return set(self.outcome.split("|"))


def case(name: str, content: str | bytes, outcome: str = READ) -> Hostile:
    """A case; text becomes UTF-8, with halves of characters as they are."""
    return Hostile(name, content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"), outcome)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that look random and are always the same."""
    return random.Random(seed).randbytes(size)
