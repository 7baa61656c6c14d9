"""Support: whether a unit of a source says what a claim says.

A claim is borne out if the unit has its figures and names, each in a clause about the same thing; if neither denies
what the other says; if every other word of the claim is in the unit or says little; and if both mean nearly the same.
The rules are strict, because a claim that is lost costs less than one that nobody made. `benchmarks/claims.py`
measures them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from omni_pipelines.knowledge.answers.evidence import EmbedMany
from omni_pipelines.knowledge.answers.question import Terms
from omni_pipelines.text.statements import (
    CLAUSE,
    NEGATION,
    STATEMENT,
    Word,
    is_in,
    is_slight,
    is_stated,
    keeps_measures,
    read_words,
    share,
    split,
    topic,
)

MIN_COSINE = 0.5
"""Of the claim and the unit, or one of its clauses."""
MIN_DENIED_SHARE = 0.5
"""Share of the words of a denying claim that a denying clause of the unit must have."""


@dataclass(frozen=True)
class Support:
    """Compares claims with units."""

    embed: EmbedMany
    stem: Terms

    def bears_out(self, claim: str, unit: str, label: str = "") -> bool:
        """Whether a unit says what a claim says; the label of the unit says what it is about."""
        clauses = split(CLAUSE, unit)
        about = self._words(f"{label} {topic(unit)}")
        statements = [(each, self._words(each)) for each in split(STATEMENT, unit)]
        present = [*about, *(word for _, words in statements for word in words)]
        said = [self._words(each) for each in split(STATEMENT, claim)]
        return (
            bool(said)
            and all(is_stated(words, statements, about) and keeps_measures(words, present) for words in said)
            and all(self._agrees(each, clauses, about) for each in split(CLAUSE, claim))
            and self._is_close(claim, label, unit, clauses)
        )

    def says_the_same(self, text: str, earlier: str) -> bool:
        """Whether a text has no word of its own, compared with an earlier one."""
        present = self._words(earlier)
        is_denied, was_denied = (NEGATION.search(each) is not None for each in (text, earlier))
        return is_denied == was_denied and all(is_slight(word) or is_in(word, present) for word in self._words(text))

    def _words(self, text: str) -> list[Word]:
        return read_words(text, self.stem)

    def _agrees(self, claim: str, clauses: Sequence[str], about: Sequence[Word]) -> bool:
        """Whether a clause of the claim is denied exactly if the clause of the unit with the same words is."""
        words = [word for word in self._words(claim) if not is_slight(word) and not NEGATION.fullmatch(word.text)]
        is_denied = NEGATION.search(claim) is not None
        same = [self._words(each) for each in clauses if bool(NEGATION.search(each)) == is_denied]
        if is_denied:
            return any(share(words, [*each, *about]) >= MIN_DENIED_SHARE for each in same)
        present = [*about, *(word for each in same for word in each)]
        return all(is_in(word, present) for word in words)

    def _is_close(self, claim: str, label: str, unit: str, clauses: Sequence[str]) -> bool:
        vectors = self.embed([claim, f"{label}: {unit}" if label else unit, *clauses], "document")  # (n, d)
        return float(np.max(vectors[1:] @ vectors[0])) >= MIN_COSINE
