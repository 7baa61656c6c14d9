"""What an embedder is, and what of a chunk it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

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
