"""Evidence: the probability that a unit answers a question, from the words and the meaning that they share.

Two logistic regressions over the same features. One ranks the units of the passages; the other decides, by the best
unit, whether one of the best three is an answer. The words of the question count by how rare they are in the corpus,
and what it names must be in the evidence: in the unit, its heading, symbol, path or title, or in its passage. A word
that the unit does not contain counts in part if its meaning is near the unit's. A unit must also have something of
the asked kind, such as a number for "how many".

`python -m benchmarks.answer_evidence` fits the weights on the development half of the question set.
"""

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from omni_pipelines.knowledge.answers.common_words import named_words
from omni_pipelines.knowledge.answers.composing import CONTAINERS, UnitKind
from omni_pipelines.knowledge.answers.definitions import (
    constant_defaults,
    declares,
    describes,
    describes_option,
    has_default,
    has_option,
    is_named,
    stated_constants,
)
from omni_pipelines.knowledge.answers.question import (
    ABOUT_SYMBOLS,
    Asked,
    Terms,
    answers_every_kind,
    answers_kind,
    asked_kind,
    defined_names,
    figures,
    has_symbol,
    is_negated,
    mentions,
    name_parts,
    named_options,
    names,
    symbols,
    versions,
    wants_list,
)
from omni_pipelines.knowledge.answers.units import (
    Unit,
    answer_units,
    context_of,
    headings_of,
    is_beside,
    is_notice,
    is_undivided,
    label_of,
    subject,
)
from omni_pipelines.knowledge.answers.weighted_words import WeightedWords
from omni_pipelines.knowledge.answers.weights import DECISION_BIAS, MIN_EVIDENCE, WEIGHTS
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.calibration import Calibration
from omni_pipelines.text.embedding import TextKind

MAX_EMBEDDED_LENGTH = 250
"""Characters of a unit."""
MAX_CANDIDATES = 8
"""Units of a question that are embedded; the others share fewer words with it, or stand in passages further down."""
MAX_CANDIDATES_PER_HIT = 6
DECLARED_BONUS = 5.0
"""Of a candidate that is the declaration asked for: more than all others together can reach."""
MIN_OPTION_COVERAGE = 0.8
"""Share of the words of a question, weighed by how rare they are, that the description of an option must have."""
UNREADABLE_MARGIN = 0.08
"""How much more evidence a question needs that the embedder cannot read: words alone mislead easily."""
NEAR_MEANING = 0.5
"""Nearness from which a text is about a word that it does not contain."""

_HOW_MANY = re.compile(r"\b(?:how many|wie ?viele) (\w{3,})", re.IGNORECASE)
_DEFAULT = re.compile(r"\b(?:default|standard|vorgabe)|デフォルト|既定|默认", re.IGNORECASE)
_NUMBER = r"(?:\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|zwei|drei|vier|fünf)\b)"
EmbedMany = Callable[[Sequence[str], TextKind], np.ndarray]
"""Texts of one kind to their vectors (n, d)."""
Forms = Callable[[str], set[str]]
"""A text to the forms of its words in the keyword index."""

FEATURES = tuple(WEIGHTS)
_RANKING, _DECISION = (np.array(column) for column in zip(*WEIGHTS.values(), strict=True))  # (len(FEATURES),) each


@dataclass(frozen=True)
class Candidate:
    """A unit that may answer the question."""

    unit: Unit
    rank: int
    """Of its passage, from 1."""
    text: str
    forms: set[str]
    """Of its text."""
    context: str
    """Title, headings, path and source."""
    context_forms: set[str]
    passage_forms: set[str]
    """Of the passage with its context."""

    @property
    def text_in_context(self) -> str:
        """Its context and its text."""
        return f"{self.context}\n{self.text}"


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
    calibration: Calibration
    readable: float = 1.0
    """Share of the question that the embedder can read, 0 to 1; vectors count by this share."""

    @cached_property
    def asked(self) -> Asked:
        """The kind of answer that it wants."""
        return asked_kind(self.text)

    @cached_property
    def names(self) -> list[str]:
        """What it names, see `names`."""
        return names(self.text)

    @cached_property
    def symbols(self) -> list[str]:
        """The signs that it asks about, see `symbols`."""
        return symbols(self.text)

    @cached_property
    def units(self) -> list[list[Unit]]:
        """The units of each passage."""
        licences = bool({"licens", "licenc", "copyright"} & self.forms(self.text))
        return [answer_units(hit, licences=licences) for hit in self.hits]

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The units of the passages that share most with the question, at most `MAX_CANDIDATES`."""
        found: list[tuple[float, Candidate]] = []
        for rank, (hit, units) in enumerate(zip(self.hits, self.units, strict=True), 1):
            passage_forms = self.forms(f"{context_of(hit, hit.heading)}\n{hit.text}")
            forms = functools.cache(self.forms)  # most units of a passage have the same context
            scored = []
            for unit in units:
                if self._may_answer(unit, units):
                    text, context = unit.text, context_of(hit, headings_of(unit))
                    each = Candidate(unit, rank, text, self.forms(text), context, forms(context), passage_forms)
                    scored.append((self._first_score(each), each))
            scored.sort(key=lambda pair: -pair[0])
            found += scored[:MAX_CANDIDATES_PER_HIT]
        found.sort(key=lambda pair: -pair[0])
        return [each for _, each in found[:MAX_CANDIDATES]]

    def _may_answer(self, unit: Unit, units: Sequence[Unit]) -> bool:
        """Whether a unit is not made of others, and has a sign that the question asks about, if it does."""
        is_divided = unit.kind in CONTAINERS and not is_undivided(unit, units)
        if is_divided or is_notice(unit):  # an answer from the document of a notice quotes it anyway
            return False
        text = f"{unit.heading or label_of(unit.hit)}\n{unit.text}" if self.symbols else ""
        return not self.symbols or any(has_symbol(text, each) for each in self.symbols)

    def is_about_another(self, each: Candidate, first: Candidate) -> bool:
        """Whether a candidate is about another option, version or row than `first`, which an answer begins with.

        Another row is one with no word of the question, if one of the same table has some and answers. Words count
        that one row has, or fewer than half of the rows.
        """
        if self.is_described_option(first):
            return not any(has_option(each.text_in_context, option) for option in self._options)
        named = [version for version in versions(self.text) if mentions(first.context, version)]
        if not all(mentions(each.text_in_context, version) for version in named):
            return True
        if each.unit.kind is not UnitKind.ROW or wants_list(self.text):
            return False
        table = [self.forms(unit.quotes[-1]) for unit in self.units[each.rank - 1] if is_beside(unit, each.unit)]
        counts = [(word, sum(not word.forms.isdisjoint(own) for own in table)) for word in self.words.words]
        telling = [word for word, count in counts if count == 1 or 2 * count < len(table)]

        def is_told(row: Candidate) -> bool:
            own = self.forms(row.unit.quotes[-1])
            return any(not word.forms.isdisjoint(own) for word in telling)

        beside = (other for other in self.candidates if is_beside(other.unit, each.unit))
        return not is_told(each) and any(
            is_told(other) and answers_every_kind(self.text, other.text) for other in beside
        )

    def _first_score(self, each: Candidate) -> float:
        """A score that needs no embedding: shared words, the passage's meaning and rank, and the asked kind."""
        near = self._passage_nearness[each.rank - 1]
        words = self.words.coverage(each.forms | each.context_forms)
        kind = 0.2 * answers_kind(self.asked, each.text)
        return words + near + kind + 0.5 / each.rank + DECLARED_BONUS * self.is_declaration(each)

    def is_declaration(self, each: Candidate) -> bool:
        """Whether a candidate declares the thing whose place, parameters or default value the question asks for.

        What else the question names must mostly be there too: otherwise it asks for more than the declaration. The
        description of an option is one too, if the question asks what the option does, or how.
        """
        if self.is_described_option(each):
            return True
        if self.asked is Asked.DEFAULT and (is_named(each.unit, self.text) or self._is_entry_with_default(each)):
            return True
        declared = [name for name in self._defined if declares(each.unit, name)]
        if self.asked not in ABOUT_SYMBOLS or not declared:
            return False
        if self.asked is Asked.DEFAULT:
            parameters = (name for name in self._defined if name not in declared)
            return any(has_default(each.unit.quotes[0], name) for name in parameters) or bool(self.constants(each))
        mentioned = sum(mentions(each.text_in_context, name_parts(name)[-1]) for name in self._defined)
        return mentioned > len(self._defined) / 2

    def is_described_option(self, each: Candidate) -> bool:
        """Whether a candidate describes an option that the question names, of the command that it names."""
        return (
            self.asked in (Asked.ANY, Asked.STEPS)
            and any(describes_option(each.unit, option) for option in self._options)
            and self.words.coverage(each.forms | each.context_forms) >= MIN_OPTION_COVERAGE
        )

    def _is_entry_with_default(self, each: Candidate) -> bool:
        """Whether a candidate is the entry of a setting that the question names, and says what its default is."""
        settings = [name for name in self._defined if name in self.names]
        text = each.text_in_context
        return (
            any(describes(each.unit, name) for name in settings)
            and all(mentions(text, name_parts(name)[-1]) for name in self._defined)
            and _DEFAULT.search(each.text) is not None
        )

    def constants(self, each: Candidate) -> list[Unit]:
        """The declarations of the constants that a candidate gives as default values of what the question names."""
        if self.asked is not Asked.DEFAULT:
            return []
        if each.unit.kind is UnitKind.SIGNATURE:
            defaults = constant_defaults(each.unit.quotes[0], self._defined)
        else:
            defaults = stated_constants(each.text)
        units = (unit for own in self.units for unit in own if unit.hit.path == each.unit.hit.path)
        return [unit for unit in units if any(declares(unit, constant) for constant in defaults)]

    @property
    def nearness(self) -> np.ndarray:
        """How near the meaning of each candidate is to the question and to each of its words (n, 1 + words)."""
        return self._nearness[0]

    @cached_property
    def _nearness(self) -> tuple[np.ndarray, np.ndarray]:
        """`nearness`, and the same of the headings of each candidate."""
        asked = [self.text, *(word.surface for word in self.words.words)]
        texts = [each.text[:MAX_EMBEDDED_LENGTH] for each in self.candidates]
        headings = list(dict.fromkeys(subject(each.unit) for each in self.candidates))
        cosines = self.embed([*texts, *headings], "document") @ self.embed(asked, "query").T
        near = self.calibration.scaled_all(cosines) * self.readable
        of_heading = dict(zip(headings, near[len(texts) :], strict=True))
        headed = [of_heading[subject(each.unit)] for each in self.candidates]
        return near[: len(texts)], np.array(headed).reshape(len(texts), len(asked))

    @cached_property
    def features(self) -> np.ndarray:
        """The features (n, len(FEATURES)) of each candidate."""
        rows = [self._row(each, *near) for each, *near in zip(self.candidates, *self._nearness, strict=True)]
        return np.array(rows, np.float64).reshape(len(rows), len(FEATURES))

    @cached_property
    def _local(self) -> WeightedWords:
        """The words of the question, weighted by how few of the candidates contain them."""
        forms = [each.forms for each in self.candidates]
        counts = [sum(not word.forms.isdisjoint(own) for own in forms) for word in self.words.words]
        counted = [replace(word, count=count) for word, count in zip(self.words.words, counts, strict=True)]
        return WeightedWords.of(counted, len(forms))

    @property
    def least_evidence(self) -> float:
        """The probability below which there is no answer."""
        return MIN_EVIDENCE + UNREADABLE_MARGIN * (1 - self.readable)

    @property
    def unmentioned(self) -> tuple[str, ...]:
        """The words of the question that no source contains, and whose meaning no candidate is near.

        Words that every subject shares, such as "use", are not among them.
        """
        if self.symbols and not self.candidates:
            return tuple(self.symbols)
        nearest = self.nearness[:, 1:].max(axis=0, initial=0.0)
        words = zip(self.words.words, nearest, strict=True)
        return named_words(word.surface for word, near in words if not word.count and near < NEAR_MEANING)

    def _row(self, each: Candidate, unit: np.ndarray, heading: np.ndarray) -> list[float]:
        words, kind = self.words, answers_kind(self.asked, each.text)
        near, near_or_headed = np.clip(unit[1:], 0, 1), np.clip(np.maximum(unit, heading)[1:], 0, 1)
        labelled = each.forms | each.context_forms
        is_signature = each.unit.kind is UnitKind.SIGNATURE
        return [
            words.coverage(each.forms),
            words.coverage(labelled),
            words.coverage(each.passage_forms),
            words.coverage(labelled, near_or_headed),
            words.coverage(each.forms, near),
            self._local.coverage(each.forms),
            self._local.coverage(each.forms, near),
            words.heaviest_missing(labelled),
            words.heaviest_missing(labelled, near_or_headed),
            _counted(self.text, each.text),
            words.heaviest_missing(each.passage_forms),
            words.heaviest_missing(each.passage_forms, near_or_headed),
            float(unit[0]),
            float(heading[0]),
            self._passage_nearness[each.rank - 1],
            max(self._passage_nearness),
            float(kind > 0),
            float(kind < 0),
            1 / each.rank,
            self._missing_names(each.text_in_context),
            self._missing_names(f"{each.context}\n{each.unit.hit.text}"),
            self._names_missing_everywhere,
            float(not figures(self.text) <= figures(f"{each.context}\n{each.unit.hit.text}")),
            float(is_negated(self.text) != is_negated(each.text)),
            math.log1p(len(each.text.split())),
            self._adjacent(each),
            sum(weight for word, weight in zip(words.words, words.weights, strict=True) if not word.count),
            float(is_signature and self.asked in ABOUT_SYMBOLS),
            float(self._declares(each.unit)),
            words.coverage(each.context_forms),
            float(self.asked is Asked.STEPS and each.unit.kind in (UnitKind.CODE, UnitKind.ITEM)),
        ]

    def _declares(self, unit: Unit) -> bool:
        declared = unit.quotes[0].partition("(")[0] if unit.kind is UnitKind.SIGNATURE else label_of(unit.hit)
        return any(mentions(declared.partition("(")[0], name_parts(name)[-1]) for name in self._defined)

    @cached_property
    def _defined(self) -> list[str]:
        return defined_names(self.text)

    @cached_property
    def _options(self) -> list[str]:
        return named_options(self.text)

    @cached_property
    def _passage_nearness(self) -> list[float]:
        """How near the meaning of each passage is to the question."""
        scale = self.calibration.scaled
        return [scale(self.cosines.get(hit.chunk_id, 0.0)) * self.readable for hit in self.hits]

    @cached_property
    def _names_missing_everywhere(self) -> float:
        return self._missing_names("\n".join(f"{context_of(hit, hit.heading)}\n{hit.text}" for hit in self.hits))

    def _missing_names(self, text: str) -> float:
        return sum(not mentions(text, name) for name in self.names) / max(len(self.names), 1)

    def _adjacent(self, each: Candidate) -> float:
        """The share of adjacent words of the question that are adjacent in the unit or its headings too."""
        pairs = list(zip(self.words.words, self.words.words[1:], strict=False))
        text = f" {' '.join(f'{each.context} {each.text}'.casefold().split())} "
        near = sum(f"{one.surface} {other.surface}".casefold() in text for one, other in pairs)
        return near / len(pairs) if pairs else 0.0


def _counted(question: str, text: str) -> float:
    """1 if a number of the text stands next to what the question asks to count, -1 if not; 0 if it counts nothing."""
    noun = _HOW_MANY.search(question)
    if noun is None:
        return 0.0
    stem = re.escape(noun[1][: max(len(noun[1]) - 2, 3)])
    near = rf"{_NUMBER}(?:\W+\w+){{0,3}}?\W+{stem}|\b{stem}\w*(?:\W+\w+){{0,3}}?\W+{_NUMBER}"
    return 1.0 if re.search(near, text, re.IGNORECASE) else -1.0


def unit_scores(features: np.ndarray) -> list[float]:
    """How well each candidate fits, from its features (n, len(FEATURES)), as a share of the best one: 0 to 1."""
    logits = features @ _RANKING
    return [float(score) for score in np.exp(logits - logits.max())]


def answer_probability(features: np.ndarray, calibration: Calibration) -> float:
    """The probability that one of the best three answers, from the features (len(FEATURES),) of the best one."""
    return 1 / (1 + math.exp(-float(features @ _DECISION) - DECISION_BIAS - calibration.answer_bias))
