"""Stand-ins for the models: deterministic, and quick enough to embed thousands of texts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np

DIMENSIONS = 384
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+|[^\w\s]")


def count_words(text: str) -> int:
    """A token counter: words, and marks that are neither word nor space."""
    return len(_TOKEN.findall(text))


class FakeEmbedder:
    """A hashed bag of words. Keeps what it was given in `texts`."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None) -> np.ndarray:
        self.texts += texts
        if on_batch is not None:
            on_batch(len(texts))
        return np.stack([_bag(text) for text in texts])


def _bag(text: str) -> np.ndarray:
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[0] = 0.01  # a text without words has a direction, too
    for word in _WORD.findall(text.lower()):
        place = zlib.crc32(word.encode())
        vector[1 + place % (DIMENSIONS - 1)] += 1.0 if place & 1 << 31 else -1.0
    return vector / np.float32(np.linalg.norm(vector))
