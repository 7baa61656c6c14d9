"""Support: whether a unit of a source says what a claim says.

A claim is borne out if the unit has its figures and names, each in a clause about the same thing; if neither denies
what the other says; if every other word of the claim is in the unit or says little; and if both mean nearly the same.
The rules are strict, because a claim that is lost costs less than one that nobody made. `benchmarks/claims.py`
measures them.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from omni_pipelines.knowledge.answers.evidence import EmbedMany
from omni_pipelines.knowledge.answers.question import Terms
from omni_pipelines.knowledge.answers.quotes import NUMBER_WORDS

MIN_COSINE = 0.5
"""Of the claim and the unit, or one of its clauses."""
SUBJECT_WORDS = 3
"""Words at the beginning of a statement that the next one may refer to."""
MAX_TERM_LENGTH = 60
"""Characters of a term that a colon separates from its definition."""
MIN_DENIED_SHARE = 0.5
"""Share of the words of a denying claim that a denying clause of the unit must have."""
MIN_PREFIX = 4
"""Letters in common that make two words one, as in `week` and `weekly`."""
_ALIKE = {
    form: forms.split("/")[0]
    for forms in (
        "buy/bought keep/kept lose/lost/loss send/sent make/made run/ran take/took/taken write/wrote/written "
        "begin/began/begun begin/start begin/starts begin/started give/gave/given find/found hold/held pay/paid "
        "build/built leave/left set/sets get/got leave/leaves choose/chose/chosen say/said mean/meant grow/grew/grown"
    ).split()
    for form in forms.split("/")[1:]
}
"""Irregular forms, and words that mean the same, to the form that is compared."""
_SLIGHT = frozenset(
    "a an the this that these those it its they them their there he she his her you your we our i one ones of in on "
    "at to for from by with as and or so if when while where which who whose what how be is are was were been being "
    "am do does did done has have had having can could may might must should shall will would than then once each "
    "every also get gets given happen happens called call named following use used uses using set setting value "
    "values occur occurs need needs needed require requires allow allows mean means say says state states include "
    "includes last lasts take takes during within about between into per such thing way case possible able der die "
    "das den dem des ein eine einen einem einer eines und oder ist sind war wird werden kann können muss müssen hat "
    "haben sich es sie er im zum zur von mit für auf bei aus nach als auch man wenn dass".split()
)
"""Words that may differ: a claim does not say more by them."""
_RELATIONS = frozenset(
    "above below before after under over until more less most least longer shorter larger smaller faster slower "
    "higher lower earlier later first last next both only all any always north south east west left right up down "
    "default über unter vor nach mehr weniger nur alle immer zuerst zuletzt".split()
)
"""Words that change a statement if they stand in another clause of it."""
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"-{0,2}[^\W_]+(?:[-_.'\u2019:,][^\W_]+)*")
_IDENTIFIER = re.compile(r"[^\W\d_]*[a-zß-ÿ][A-ZÄ-Þ]|.*[_\d]|-|[A-ZÄ-Þ]{2}")
_ENDS = (".", ":", "!", "?", ";")
_STATEMENT = re.compile(r"[.;!?](?=\s|$)|\n|,?\s(?=(?:but|aber|sondern)\s)")
_REFERENCE = re.compile(
    r"^(?:but|and|or|aber|und|oder)\b"
    r"|\b(?:it|its|they|them|their|these|those|this|one|ones|er|sie|es|ihn|ihr|diese\w*)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(rf"{_STATEMENT.pattern}|,\s|\s(?=(?:and|or|unless|und|oder)\s)")
_NEGATION = re.compile(
    r"\b(?:[Nn]ot|[Nn]o|[Nn]ever|none|[Nn]obody|[Nn]othing|[Nn]either|nor|cannot|[Nn]icht|[Kk]ein\w*|[Nn]ie"
    r"|[Nn]iemals)\b|n['\u2019]t\b"
)
"""`None` is left out because it is a value in programs, `without` because it denies less than the clause."""


@dataclass(frozen=True)
class _Word:
    """A word of a text as it is compared."""

    text: str
    """In lower case, numbers as digits, irregular forms as their stem."""
    stems: frozenset[str]
    is_anchor: bool
    """Whether it is a figure, a name or a relation, which must be the same word."""


_Statement = tuple[str, list[_Word]]
"""The text of a statement and its words."""


@dataclass(frozen=True)
class Support:
    """Compares claims with units."""

    embed: EmbedMany
    stem: Terms

    def bears_out(self, claim: str, unit: str, label: str = "") -> bool:
        """Whether a unit says what a claim says; the label of the unit says what it is about."""
        clauses = _split(_CLAUSE, unit)
        about = self._words(f"{label} {_topic(unit)}")
        statements = [(each, self._words(each)) for each in _split(_STATEMENT, unit)]
        present = [*about, *(word for _, words in statements for word in words)]
        said = [self._words(each) for each in _split(_STATEMENT, claim)]
        return (
            bool(said)
            and all(_is_stated(words, statements, about) and _keeps_measures(words, present) for words in said)
            and all(self._agrees(each, clauses, about) for each in _split(_CLAUSE, claim))
            and self._is_close(claim, label, unit, clauses)
        )

    def says_the_same(self, text: str, earlier: str) -> bool:
        """Whether a text has no word of its own, compared with an earlier one."""
        present = self._words(earlier)
        is_denied, was_denied = (_NEGATION.search(each) is not None for each in (text, earlier))
        return is_denied == was_denied and all(
            _is_slight(word) or _is_in(word, present) for word in self._words(text)
        )

    def _words(self, text: str) -> list[_Word]:
        words = []
        for match in _WORD.finditer(text):
            raw = match[0].rstrip("-_.'\u2019:,")
            plain = NUMBER_WORDS.get(raw.lower(), raw.lower())
            plain = _ALIKE.get(plain, plain)
            is_name = raw.lower() != raw and match.start() > 0 and not text[: match.start()].rstrip().endswith(_ENDS)
            is_anchor = bool(_FIGURE.match(plain) or is_name or _IDENTIFIER.match(raw) or plain in _RELATIONS)
            words.append(_Word(plain, frozenset(self.stem(plain)), is_anchor))
        return words

    def _agrees(self, claim: str, clauses: Sequence[str], about: Sequence[_Word]) -> bool:
        """Whether a clause of the claim is denied exactly if the clause of the unit with the same words is."""
        words = [word for word in self._words(claim) if not _is_slight(word) and not _NEGATION.fullmatch(word.text)]
        is_denied = _NEGATION.search(claim) is not None
        same = [self._words(each) for each in clauses if bool(_NEGATION.search(each)) == is_denied]
        if is_denied:
            return any(_share(words, [*each, *about]) >= MIN_DENIED_SHARE for each in same)
        present = [*about, *(word for each in same for word in each)]
        return all(_is_in(word, present) for word in words)

    def _is_close(self, claim: str, label: str, unit: str, clauses: Sequence[str]) -> bool:
        vectors = self.embed([claim, f"{label}: {unit}" if label else unit, *clauses])  # (n, d)
        return float(np.max(vectors[1:] @ vectors[0])) >= MIN_COSINE


def _split(pattern: re.Pattern[str], text: str) -> list[str]:
    return [each.strip() for each in pattern.split(text) if _WORD.search(each)]


def _topic(unit: str) -> str:
    """What all statements of a unit are about: its first line, as of a table or a list, or a term before a colon."""
    line, _, rest = unit.partition("\n")
    term, _, definition = line.partition(": ")
    return line if rest else term if definition and len(term) <= MAX_TERM_LENGTH else ""


def _is_stated(words: Sequence[_Word], statements: Sequence[_Statement], about: Sequence[_Word]) -> bool:
    """Whether one statement of the unit has all words that say something.

    A statement that refers back, as "It is cleaned every week", also has the subject of the one before.
    """
    said = [word for word in words if not _is_slight(word)]
    before: Sequence[_Word] = ()
    for text, found in statements:
        subject = before[:SUBJECT_WORDS] if _REFERENCE.search(text) else ()
        if all(_is_in(word, [*found, *about, *subject]) for word in said):
            return True
        before = [word for word in found if not _is_slight(word)]
    return False


def _is_slight(word: _Word) -> bool:
    return word.text in _SLIGHT and not word.is_anchor


def _is_in(word: _Word, present: Sequence[_Word]) -> bool:
    return any(_are_one(word, other) for other in present)


def _are_one(word: _Word, other: _Word) -> bool:
    if word.text == other.text or (word.stems and word.stems <= other.stems):
        return True
    if word.is_anchor or other.is_anchor:
        return False
    length = min(len(word.text), len(other.text))
    return (
        length >= MIN_PREFIX and word.text[: max(MIN_PREFIX, length - 2)] == other.text[: max(MIN_PREFIX, length - 2)]
    )


def _share(words: Sequence[_Word], present: Sequence[_Word]) -> float:
    return sum(_is_in(word, present) for word in words) / len(words) if words else 1.0


def _keeps_measures(words: Sequence[_Word], present: Sequence[_Word]) -> bool:
    """Whether each figure of the claim stands before the same word as in the unit: 8 metres are not 8 tonnes."""
    found = {(one.text, stem) for one, other in itertools.pairwise(present) for stem in other.stems}
    for figure, measure in itertools.pairwise(words):
        if _FIGURE.match(figure.text) and not _is_slight(measure) and measure.stems:
            measures = {stem for text, stem in found if text == figure.text}
            if measures and not measure.stems & measures:
                return False
    return True
