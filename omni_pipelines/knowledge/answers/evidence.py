"""Evidence: the probability that a unit answers a question, from the words and the meaning that they share.

A logistic regression over features of question, unit and passage. The words of the question count by how rare they
are in the corpus, so that what a question is about (names, versions, rare words) must be in the evidence: in the text
of the unit, in its heading, symbol, path or title, or in its passage. A unit must also have something of the asked
kind, such as a number for "how many".

`python -m benchmarks.answer_evidence` fits the weights on the development half of the question set.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omni_pipelines.knowledge.answers.question import (
    Terms,
    WeightedWords,
    answers_kind,
    asked_kind,
    figures,
    is_negated,
)
from omni_pipelines.knowledge.answers.units import Unit, answer_units
from omni_pipelines.knowledge.search.hits import Hit

MIN_EVIDENCE = 0.5
"""The probability below which there is no answer; docs/explanation/answer-quality.md describes how it was chosen."""
MAX_EMBEDDED = 12
"""Units of a question that are embedded; the others lack words that these have."""
MAX_EMBEDDED_PER_HIT = 4

EmbedMany = Callable[[Sequence[str]], np.ndarray]
Forms = Callable[[str], set[str]]
"""A text to the forms of its words in the keyword index."""

FEATURES = (
    "coverage of the words by the unit",
    "by the unit with heading, title and path",
    "by the passage with heading, title and path",
    "heaviest word that the unit lacks",
    "heaviest word that the passage lacks",
    "cosine of the unit",
    "cosine of the passage",
    "has something of the asked kind",
    "lacks anything of the asked kind",
    "reciprocal rank of the passage",
    "lacks a figure of the question",
    "one is negated, the other not",
    "logarithm of the number of words of the unit",
    "word pairs of the question that are adjacent in the unit",
    "weight of words that the corpus lacks",
)
WEIGHTS = (1.0, 2.5, 1.5, -1.0, -2.0, 3.0, 1.0, 0.4, -0.8, 0.5, -0.7, -0.1, 0.0, 0.5, -1.0)
BIAS = -4.5


@dataclass(frozen=True)
class Candidate:
    """A unit that may answer the question."""

    unit: Unit
    rank: int
    """Of its passage, from 1."""
    text: str
    forms: set[str]
    """Of its text."""
    context: set[str]
    """Forms of heading, title and path."""
    passage: set[str]
    """Forms of the passage's text."""


@dataclass(frozen=True)
class Question:
    """A question, the passages that may answer it, and what measures how well they do."""

    text: str
    words: WeightedWords
    hits: Sequence[Hit]
    cosines: Mapping[str, float]
    """Chunk id to the cosine of the passage with the question; empty if the embedder cannot read the question."""
    embed: EmbedMany
    forms: Forms
    terms: Terms
    """A text to its content words, stemmed as in an English document."""
    readable: float = 1.0
    """Share of the question that the embedder can read, 0 to 1; vectors count by this share."""

    def candidates(self) -> list[Candidate]:
        """The units of the passages that share most words with the question, at most `MAX_EMBEDDED`."""
        about_licence = bool({"licens", "licenc", "copyright"} & self.forms(self.text))
        found: list[tuple[float, Candidate]] = []
        for rank, hit in enumerate(self.hits, 1):
            context = self.forms(f"{hit.heading}\n{hit.title}\n{hit.path}\n{hit.source}")
            passage = self.forms(hit.text)
            scored = []
            for unit in answer_units(hit, licences=about_licence):
                text = unit.text
                each = Candidate(unit, rank, text, self.forms(text), context, passage)
                scored.append((self._first_score(each), each))
            scored.sort(key=lambda pair: -pair[0])
            found += scored[:MAX_EMBEDDED_PER_HIT]
        found.sort(key=lambda pair: -pair[0])
        return [each for _, each in found[:MAX_EMBEDDED]]

    def _first_score(self, each: Candidate) -> float:
        words, kind = self.words, answers_kind(asked_kind(self.text), each.text)
        labelled = words.coverage(each.forms | each.context)
        near = max(self.cosines.get(each.unit.hit.chunk_id, 0.0), 0.0)
        return words.coverage(each.forms) + labelled + 0.5 * near + 0.2 * kind + 0.2 / each.rank

    def features(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """The features (n, len(FEATURES)) of each candidate."""
        vectors = self.embed([self.text, *(each.unit.with_label for each in candidates)])  # (n + 1, d)
        cosines = vectors[1:] @ vectors[0] * self.readable
        rows = [self._row(each, float(cosine)) for each, cosine in zip(candidates, cosines, strict=True)]
        return np.array(rows, np.float64).reshape(len(candidates), len(FEATURES))

    def _row(self, each: Candidate, cosine: float) -> list[float]:
        words, kind = self.words, answers_kind(asked_kind(self.text), each.text)
        labelled, whole = each.forms | each.context, each.passage | each.context
        return [
            words.coverage(each.forms),
            words.coverage(labelled),
            words.coverage(whole),
            _heaviest(words, labelled),
            _heaviest(words, whole),
            cosine,
            self.cosines.get(each.unit.hit.chunk_id, 0.0) * self.readable,
            float(kind > 0),
            float(kind < 0),
            1 / each.rank,
            float(
                not figures(self.text)
                <= figures(f"{each.unit.hit.text}\n{each.unit.hit.heading} {each.unit.hit.path}")
            ),
            float(is_negated(self.text) != is_negated(each.text)),
            math.log1p(len(each.text.split())),
            self._adjacent(each),
            sum(weight for word, weight in zip(words.words, words.weights, strict=True) if not word.count),
        ]

    def _adjacent(self, each: Candidate) -> float:
        """The share of adjacent words of the question that are adjacent in the unit or its label too."""
        pairs = list(zip(self.words.words, self.words.words[1:], strict=False))
        text = f" {' '.join(each.unit.with_label.casefold().split())} "
        near = sum(f"{one.surface} {other.surface}".casefold() in text for one, other in pairs)
        return near / len(pairs) if pairs else 0.0

    def evidence(self, candidates: Sequence[Candidate]) -> list[float]:
        """The probability that each candidate answers the question, 0 to 1."""
        return probabilities(self.features(candidates)) if candidates else []


def probabilities(features: np.ndarray) -> list[float]:
    """The logistic function of the weighted features (n, len(FEATURES))."""
    logits = features @ np.array(WEIGHTS) + BIAS
    return [float(1 / (1 + math.exp(-logit))) for logit in logits]


def _heaviest(words: WeightedWords, forms: set[str]) -> float:
    return next((weight for _, weight in words.missing(forms)), 0.0)
