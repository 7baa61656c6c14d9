"""Evidence: how well a text answers a question, from the similarity of their meaning and their common words."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from omni_pipelines.knowledge.search.hits import Hit

MIN_EVIDENCE = 0.41
"""Below this there is no answer; docs/explanation/search-quality.md describes how it was calibrated."""

EmbedMany = Callable[[Sequence[str]], np.ndarray]
Terms = Callable[[str], Sequence[str]]
"""A text to its content words, stemmed as the keyword index stems them."""


@dataclass(frozen=True)
class Question:
    """A question, the passages that may answer it, and the functions that measure how well they do."""

    text: str
    terms: Set[str]
    """Its content words, as `stem` gives them."""
    hits: Sequence[Hit]
    embed: EmbedMany
    stem: Terms
    readable: float = 1.0
    """Share of the question that the embedder can read, 0 to 1; vectors count by this share."""

    def evidence(self, texts: Sequence[str]) -> list[float]:
        """How well each text fits the question, 0 to 1."""
        vectors = self.embed([self.text, *texts])  # (n + 1, d)
        cosines = vectors[1:] @ vectors[0]
        return [
            evidence(float(cosine), term_coverage(self.terms, set(self.stem(text))), self.readable)
            for cosine, text in zip(cosines, texts, strict=True)
        ]


def evidence(cosine: float, coverage: float, readable: float = 1.0) -> float:
    """The mean of the cosine and the share of the question's words that a text contains.

    The less of the question the embedder can read, the less the cosine counts.
    """
    meaning = 0.5 * readable
    return meaning * max(cosine, 0.0) + (1 - meaning) * coverage


def term_coverage(terms: Set[str], present: Set[str]) -> float:
    """The share of `terms` that are in `present`; 0 if there are no terms."""
    return len(terms & present) / len(terms) if terms else 0.0
