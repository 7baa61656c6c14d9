"""What an embedder is, and what of a chunk it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

HEADING_SEPARATOR = " > "


class Embedder(Protocol):
    """Turns texts into unit vectors; a text's vector does not depend on the texts beside it."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None) -> np.ndarray:
        """Vectors (n, d), float32, in the order of `texts`. `on_batch` hears how many are done."""


def embedded_text(heading: str, text: str) -> str:
    """A chunk as the embedder reads it: under its heading. File names stay out, so a rename embeds nothing."""
    return f"{heading}\n{text}" if heading else text


@runtime_checkable
class KnowsItsScripts(Protocol):
    """An embedder that can tell what it cannot read."""

    def readable(self, text: str) -> float:
        """The share of the text's letters that stand in pieces of two characters or more, 0 to 1.

        A vocabulary spells a script it does not know in single letters, or not at all, and such vectors mean little.
        """


def readable_share(embedder: object, text: str) -> float:
    """How much of a text an embedder can read, 0 to 1; 1 where it does not tell."""
    return embedder.readable(text) if isinstance(embedder, KnowsItsScripts) else 1.0
