"""The words of a question, weighted by how much each says about its subject."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from native.query_words import QueryWord
from omni_pipelines.knowledge.answers.common_words import is_common

_FILLERS = frozenset(
    "many much get gets got getting please tell show explain want give let know mean means called happen happens "
    "under over via per within during upon onto across along towards throughout "
    "wie was wer wo wann welche welcher welches ist sind kann man ich eine einen ein mein der die das".split()
)
"""Words of questions that say nothing about their subject, besides the stop words of the index."""
_COMMON_SHARE = 0.3
"""How much a word counts that every subject shares, such as "take": people ask with it, but few answers have it."""


@dataclass(frozen=True)
class WeightedWords:
    """The words of a question, weighted by how rare they are in the corpus."""

    words: tuple[QueryWord, ...]
    weights: tuple[float, ...]
    """BM25's inverse document frequency, less for words that every subject shares, as a share of their sum."""

    @classmethod
    def of(cls, words: Sequence[QueryWord], entries: int) -> WeightedWords:
        """Weigh words by the number of entries that contain them, out of all entries."""
        words = [word for word in words if word.surface.casefold() not in _FILLERS] or words
        rarity = [math.log1p((max(entries - word.count, 0) + 0.5) / (word.count + 0.5)) for word in words]
        raw = [
            each * (_COMMON_SHARE if is_common(word.surface) else 1.0)
            for each, word in zip(rarity, words, strict=True)
        ]
        total = sum(raw)
        return cls(tuple(words), tuple(weight / total for weight in raw) if total else ())

    def coverage(self, forms: set[str], near: np.ndarray | None = None) -> float:
        """The share of the words, by weight, that have a form among `forms`, 0 to 1.

        `near` (n,), 0 to 1, says how much each of the other words counts because of its meaning.
        """
        return sum(
            weight * (1.0 if not word.forms.isdisjoint(forms) else share)
            for word, weight, share in zip(self.words, self.weights, self._shares(near), strict=True)
        )

    def heaviest_missing(self, forms: set[str], near: np.ndarray | None = None) -> float:
        """The largest weight of a word without a form among `forms`, less what `near` counts of it."""
        return max(
            (
                weight * (1.0 - share)
                for word, weight, share in zip(self.words, self.weights, self._shares(near), strict=True)
                if word.forms.isdisjoint(forms)
            ),
            default=0.0,
        )

    def _shares(self, near: np.ndarray | None) -> list[float]:
        return [0.0] * len(self.words) if near is None else [float(share) for share in near]
