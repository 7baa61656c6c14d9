"""Sentences of different documents that say different things of the same.

Two sentences conflict that have nearly all of their words in common, and other figures, or of which one denies what
the other says. That is narrow, and meant to be: a conflict that is none would cost more trust than one that is not
noticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set

from pydantic import BaseModel, ConfigDict

ALIKE = 0.7
"""Share of common terms (Jaccard), figures and denials apart."""
FEWEST_TERMS = 3
"""That both must have in common."""
_FIGURE = re.compile(r"(?<![\w.])[-+]?\d[\d,.]*\d|(?<![\w.])\d")
_DENIAL = re.compile(
    r"\b(?:not|never|no|none|cannot|without|n't|nicht|kein\w*|nie|pas|jamais|nunca)\b|n't\b", re.IGNORECASE
)

Terms = Callable[[str], Sequence[str]]


class Conflict(BaseModel):
    """Two sentences of an answer that do not agree, by their numbers from 1."""

    model_config = ConfigDict(frozen=True)

    first: int
    second: int
    says: str
    """What differs, as `30 against 90`."""


def conflicts(texts: Sequence[str], documents: Sequence[str], terms: Terms) -> tuple[Conflict, ...]:
    """Every pair of sentences, each with its document, that do not agree."""
    return tuple(
        Conflict(first=one + 1, second=other + 1, says=says)
        for other in range(len(texts))
        for one in range(other)
        if documents[one] != documents[other] and (says := difference(texts[one], texts[other], terms))
    )


def difference(one: str, other: str, terms: Terms) -> str:
    """What two sentences say differently of the same; "" where they agree, or speak of different things."""
    if not _speak_of_the_same(_bare(one, terms), _bare(other, terms)):
        return ""
    figures = _figures(one), _figures(other)
    if figures[0] and figures[1] and not set(figures[0]) & set(figures[1]):
        return f"{', '.join(figures[0])} against {', '.join(figures[1])}"
    denials = [bool(_DENIAL.search(text)) for text in (one, other)]
    if figures[0] == figures[1] and denials[0] != denials[1]:
        return "one denies what the other says"
    return ""


def _speak_of_the_same(one: Set[str], other: Set[str]) -> bool:
    common = one & other
    return len(common) >= FEWEST_TERMS and len(common) >= ALIKE * len(one | other)


def _bare(text: str, terms: Terms) -> Set[str]:
    return set(terms(_DENIAL.sub(" ", _FIGURE.sub(" ", text))))


def _figures(text: str) -> tuple[str, ...]:
    """The figures of a text as written, without separators of thousands and trailing dots."""
    found = (figure.rstrip(".,").replace(",", "") for figure in _FIGURE.findall(text))
    return tuple(dict.fromkeys(found))
