"""Conflicts: sentences of different documents that make different statements about the same thing.

Two sentences conflict if they share nearly all words, and either their figures differ or one negates the other. The
rule is narrow on purpose: a false conflict would cost more trust than a missed one.
"""

import itertools
import re
from collections.abc import Sequence, Set

from pydantic import BaseModel

from omni_pipelines.knowledge.answers.question import Terms
from omni_pipelines.text.sentences import lines, sentences

MIN_COMMON_SHARE = 0.7
"""Share of common terms (Jaccard), without figures and negations."""
MIN_COMMON_TERMS = 3
_FIGURE = re.compile(r"(?<![\w.])[-+]?\d[\d,.]*\d|(?<![\w.])\d")
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|cannot|without|n't|nicht|kein\w*|nie|pas|jamais|nunca)\b|n't\b", re.IGNORECASE
)
_SUPERSEDES = re.compile(r"\b(?:supersede[sd]?|replace[sd]?|obsolete[sd]?) (?:by )?\W*\w+|\bersetzt\b", re.IGNORECASE)
"""What a document says of itself and another one: the two name each other, and do not disagree."""


class Conflict(BaseModel, frozen=True):
    """Two sentences of an answer that contradict each other, by their numbers from 1."""

    first: int
    second: int
    says: str
    """The difference, as `30 against 90`."""


def find_conflicts(texts: Sequence[str], documents: Sequence[str], terms: Terms) -> tuple[Conflict, ...]:
    """Every pair of conflicting sentences; `documents` holds the document of each sentence."""
    return tuple(
        Conflict(first=one + 1, second=other + 1, says=text)
        for other in range(len(texts))
        for one in range(other)
        if documents[one] != documents[other] and (text := difference(texts[one], texts[other], terms))
    )


def difference(one: str, other: str, terms: Terms) -> str:
    """How the first two sentences about the same thing differ; "" if all agree or are about different things."""
    pairs = itertools.product(_sentences(one), _sentences(other))
    return next((found for pair in pairs if (found := _difference(*pair, terms))), "")


def _sentences(text: str) -> list[str]:
    """The sentences of a text, each line of a list for itself."""
    spans = (span for line in lines(text, 0, len(text)) for span in sentences(text, *line))
    return [text[start:end] for start, end in spans]


def _difference(one: str, other: str, terms: Terms) -> str:
    says = "" if _SUPERSEDES.search(one) and _SUPERSEDES.search(other) else _statement_difference(one, other)
    if not says:  # the words are dearer to compare
        return ""
    words, other_words = _content_words(one, terms), _content_words(other, terms)
    common = len(words & other_words)
    is_same_thing = common >= MIN_COMMON_TERMS and common >= MIN_COMMON_SHARE * len(words | other_words)
    return says if is_same_thing else ""


def _statement_difference(one: str, other: str) -> str:
    figures, other_figures = _figures(one), _figures(other)
    if figures and other_figures and not set(figures) & set(other_figures):
        return f"{', '.join(figures)} against {', '.join(other_figures)}"
    if figures == other_figures and bool(_NEGATION.search(one)) != bool(_NEGATION.search(other)):
        return "one denies what the other says"
    return ""


def _content_words(text: str, terms: Terms) -> Set[str]:
    return set(terms(_NEGATION.sub(" ", _FIGURE.sub(" ", text))))


def _figures(text: str) -> tuple[str, ...]:
    """The figures of a text, without thousands separators and trailing dots."""
    figures = (figure.rstrip(".,").replace(",", "") for figure in _FIGURE.findall(text))
    return tuple(dict.fromkeys(figures))
