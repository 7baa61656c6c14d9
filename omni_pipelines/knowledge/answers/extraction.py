"""Extractive answers: the units of the sources that answer a question best, word for word, or an abstention."""

from collections.abc import Sequence

from omni_pipelines.knowledge.answers.changes import version_changes
from omni_pipelines.knowledge.answers.cited_answer import Answer, Sentence
from omni_pipelines.knowledge.answers.composing import CONTAINERS, UnitKind
from omni_pipelines.knowledge.answers.conflicts import difference, find_conflicts
from omni_pipelines.knowledge.answers.definitions import gives_value, indentation
from omni_pipelines.knowledge.answers.evidence import (
    Candidate,
    Question,
    answer_probability,
    unit_scores,
)
from omni_pipelines.knowledge.answers.passage_symbols import file_name
from omni_pipelines.knowledge.answers.question import (
    ABOUT_SYMBOLS,
    BY_CODE,
    BY_DECLARATION,
    IN_ONE_SENTENCE,
    Asked,
    wants_list,
)
from omni_pipelines.knowledge.answers.quotes import cite
from omni_pipelines.knowledge.answers.units import Unit, is_notice
from omni_pipelines.text.readers.source_code.code import is_settings

_ITEMS = {UnitKind.ITEM, UnitKind.DEFINITION}
MAX_UNITS = 3
DECLARED_EVIDENCE = 0.95
"""The evidence of an answer that is the declaration which the question asks for."""
MIN_SHARE = 0.15
"""A further unit must reach this share of the best unit's score."""
MIN_DOCUMENT_SHARE = 0.4
"""A unit of a document that reaches this share of the best unit's score comes before source code."""
MAX_REPEATED = 0.6
"""Share of a unit's words that the units before it may have; otherwise it says the same again."""
MAX_NEAREST = 3
"""Passages that an abstention names."""
MAX_AMBIGUOUS_WORDS = 3
"""A question with more content words says which thing it is about."""
MAX_LIST_LENGTH, MAX_SECTION_LENGTH, MAX_PARAGRAPH_LENGTH = 900, 700, 350
"""Characters up to which a list, a section or a paragraph is quoted as a whole."""


def extract_answer(release: int, question: Question) -> Answer:
    """The units of the hits that answer the question best, or an abstention if none is probable enough.

    The best unit comes first, see `_opening`, then the rest of its section. The others of one section keep its order.
    A document that says that another one supersedes it comes last, with this sentence. What changed in a version is
    answered by all that is below its heading.
    """
    changes = version_changes(question)
    if changes:
        return _answer(release, changes, DECLARED_EVIDENCE, question)
    scored = _scored(question)
    candidates = question.candidates
    evidence = _evidence(question, scored)
    if evidence < question.least_evidence:
        return abstention(release, question, evidence)
    fitting = [candidates[index] for index, _ in scored]
    chosen = _declarations(fitting, question)
    if question.asked not in BY_DECLARATION or not chosen:
        chosen = _chosen(fitting, [score for _, score in scored], chosen[:1], question)
    chosen += _contradictions(chosen, fitting, question)
    constants = [unit for each in chosen for unit in question.constants(each)]
    units = _merged([*(whole_unit(each, question) for each in chosen), *constants], question)
    notices = _notices(units, question)
    units = _merged([*units, *notices], question)
    outdated = {each.hit.doc_id for each in notices}
    sections = list(dict.fromkeys(_section(each) for each in units))
    near = [candidates[index] for index, score in scored if score >= MIN_DOCUMENT_SHARE]
    best = _opening(chosen, [each for each in chosen if each in near], question).unit
    units.sort(
        key=lambda each: (
            each.hit.doc_id in outdated,
            not each.contains(best),
            sections.index(_section(each)),
            each.hit.start_byte,
            each.ranges,
        )
    )
    return _answer(release, units, evidence, question)


def _answer(release: int, units: Sequence[Unit], evidence: float, question: Question) -> Answer:
    sentences = tuple(_sentence(each) for each in units)
    texts = [sentence.text for sentence in sentences]
    return Answer(
        release=release,
        abstained=False,
        answer="\n".join(texts),
        sentences=sentences,
        evidence=evidence,
        conflicts=find_conflicts(texts, [each.hit.doc_id for each in units], question.terms),
        subjects=_subjects(units, question),
    )


def abstention(release: int, question: Question, evidence: float) -> Answer:
    """No answer, with the passages that come nearest, and the words of the question that no source contains."""
    nearest: dict[str, Candidate] = {}
    for index, _ in _scored(question):
        candidate = question.candidates[index]
        nearest.setdefault(candidate.unit.hit.chunk_id, candidate)
    units = [each.unit for each in nearest.values()][:MAX_NEAREST]
    return Answer(
        release=release,
        abstained=True,
        answer="",
        sentences=(),
        evidence=evidence,
        missing=question.unmentioned if question.candidates or question.symbols else (),
        nearest=tuple(cite(unit.hit, *unit.ranges[-1]) for unit in units),
    )


def _scored(question: Question) -> list[tuple[int, float]]:
    """The index and the score of each candidate, best first."""
    if not question.candidates:
        return []
    return sorted(enumerate(unit_scores(question.features)), key=lambda pair: -pair[1])


def _evidence(question: Question, scored: Sequence[tuple[int, float]]) -> float:
    """The probability that the best candidate answers the question; a declaration that it asks for surely does."""
    if not (scored and question.words.words):  # stop words alone, such as "who?"
        return 0.0
    probability = answer_probability(question.features[scored[0][0]], question.calibration)
    is_declared = any(question.is_declaration(each) for each in question.candidates)
    return max(round(probability, 4), DECLARED_EVIDENCE if is_declared else 0.0)


def _notices(units: Sequence[Unit], question: Question) -> list[Unit]:
    """For each document of the units, the sentence of its passages that says that another document supersedes it."""
    documents = dict.fromkeys(each.hit.doc_id for each in units)
    said = [unit for found in question.units for unit in found if is_notice(unit)]
    found = (next((unit for unit in said if unit.hit.doc_id == document), None) for document in documents)
    return [unit for unit in found if unit is not None]


def _section(unit: Unit) -> tuple[str, str]:
    return unit.hit.doc_id, unit.hit.heading


def _sentence(unit: Unit) -> Sentence:
    citations = tuple(cite(unit.hit, start, end) for start, end in unit.ranges)
    return Sentence(text=unit.text, label=unit.label, citations=citations)


def _chosen(
    fitting: Sequence[Candidate], scores: Sequence[float], first: Sequence[Candidate], question: Question
) -> list[Candidate]:
    """`first`, the best of the candidates, and those nearly as good that say something else about the same."""
    chosen = [*first]
    for each, score in zip(fitting, scores, strict=True):
        is_off = chosen and (_is_fragment(each.unit) or question.is_about_another(each, chosen[0]))
        is_worth_adding = score >= MIN_SHARE * scores[0] and not is_off
        if is_worth_adding and len(chosen) < MAX_UNITS and not any(_repeats(each, one) for one in chosen):
            chosen.append(each)
    return chosen


def _declarations(fitting: Sequence[Candidate], question: Question) -> list[Candidate]:
    """The declarations that a question asks for, each text once, the outermost first.

    Of the description of an option it is the beginning, whichever sentence fits best.
    """
    found = {each.text: each for each in reversed(fitting) if question.is_declaration(each)}
    declared = sorted(reversed(found.values()), key=lambda each: indentation(each.unit))[:MAX_UNITS]
    described = [each for each in declared if question.is_described_option(each)]
    if not described:
        return declared
    best = described[0].unit
    same = [
        each
        for each in found.values()
        if (each.unit.hit.doc_id, each.unit.heading) == (best.hit.doc_id, best.heading)
    ]
    return [min(same, key=lambda each: (each.unit.hit.start_byte, each.unit.ranges))]


def _is_fragment(unit: Unit) -> bool:
    """Whether a unit is some statements of source code: they explain little."""
    return unit.kind is UnitKind.CODE and unit.hit.kind == "code"


def _is_bare(unit: Unit) -> bool:
    """Whether a unit is a signature without a description; a setting or a constant says what it is by its value."""
    is_signature = unit.kind is UnitKind.SIGNATURE and len(unit.ranges) == 1
    return is_signature and not (is_settings(unit.hit.path) or gives_value(unit))


def _speaks_to_people(unit: Unit) -> bool:
    """Whether a unit is no source code; settings are none."""
    return unit.hit.kind != "code" or is_settings(unit.hit.path)


def _opening(chosen: Sequence[Candidate], near: Sequence[Candidate], question: Question) -> Candidate:
    """The candidate that comes first, unless the question asks for a declaration or code: the best one in words.

    If one of `near`, which fit nearly as well as the best, is from a document, it comes before source code, which
    speaks to programmers.
    """
    if question.asked in ABOUT_SYMBOLS or question.is_declaration(chosen[0]):
        return chosen[0]
    documents = [each for each in near if _speaks_to_people(each.unit) and not _is_bare(each.unit)]
    if documents or question.asked in BY_CODE:
        return (documents or chosen)[0]
    in_words = (each for each in chosen if not _is_fragment(each.unit) and not _is_bare(each.unit))
    return next(in_words, chosen[0])


def whole_unit(each: Candidate, question: Question) -> Unit:
    """The unit that is quoted for a candidate: its list, if the question asks for one, or its short section.

    Where one sentence answers, such as a number, it is the short paragraph. A sentence that introduces a list is
    quoted with it, and the comment above a setting or a constant with its value. A setting whose reason is asked for
    is quoted with the object around it, whose comment may say it.
    """
    units = question.units[each.rank - 1]
    described = (unit for unit in units if gives_value(unit) and unit != each.unit and unit.contains(each.unit))
    if (declaration := next(described, None)) is not None and len(declaration.text) <= MAX_SECTION_LENGTH:
        return declaration
    around = [unit for unit in units if unit.kind in CONTAINERS and unit.contains(each.unit)]
    lists = [unit for unit in around if unit.kind is UnitKind.LIST]
    wants_many = wants_list(question.text) or question.asked is Asked.STEPS
    is_bare = len(each.unit.ranges) == 1 and is_settings(each.unit.hit.path)
    if is_bare and question.asked is Asked.REASON:
        return next((unit for unit in lists if len(unit.text) <= MAX_SECTION_LENGTH), each.unit)
    if lists and (wants_many or _introduces(each.unit, lists[0])):
        return lists[0]
    if each.unit.kind in _ITEMS:  # the items of a list need not be about the same
        return each.unit
    limits = {UnitKind.PARAGRAPH: MAX_PARAGRAPH_LENGTH}
    if wants_many or question.asked not in IN_ONE_SENTENCE:
        limits[UnitKind.SECTION] = MAX_SECTION_LENGTH
    short = [unit for unit in around if len(unit.text) <= limits.get(unit.kind, 0)]
    return max(short, key=lambda unit: len(unit.text), default=each.unit)


def _introduces(unit: Unit, whole: Unit) -> bool:
    return unit.kind is UnitKind.SENTENCE and unit.ranges[0][0] == whole.ranges[0][0]


def _subjects(units: Sequence[Unit], question: Question) -> tuple[str, ...]:
    """The titles of the documents of the units, if a short question fits several documents and names none of them.

    Source code has the name of its file.
    """
    titles = [file_name(unit.hit.path) if unit.hit.kind == "code" else unit.hit.title for unit in units]
    if len(question.words.words) > MAX_AMBIGUOUS_WORDS or len(set(titles)) < max(len(units), 2):
        return ()
    named = question.forms(question.text)
    common = set.intersection(*(question.forms(title) for title in titles))
    is_named = any(named & (question.forms(title) - common) for title in titles)
    return () if is_named else tuple(titles)


def _merged(units: Sequence[Unit], question: Question) -> list[Unit]:
    """The units without those inside another one; of several items of one list, the list."""
    lists = [unit for found in question.units for unit in found if unit.kind is UnitKind.LIST]
    for whole in lists:
        items = [unit for unit in units if unit.kind in _ITEMS and whole.contains(unit)]
        if len(whole.text) <= MAX_LIST_LENGTH and len(items) > 1:
            units = [whole if unit in items else unit for unit in units]
    distinct = list(dict.fromkeys(units))
    return [unit for unit in distinct if not any(other != unit and other.contains(unit) for other in distinct)]


def _repeats(each: Candidate, one: Candidate) -> bool:
    common = len(each.forms & one.forms)
    return common > MAX_REPEATED * max(min(len(each.forms), len(one.forms)), 1)


def _contradictions(chosen: Sequence[Candidate], fitting: Sequence[Candidate], question: Question) -> list[Candidate]:
    """For each chosen unit, the best unit of another document that contradicts it: an answer shows both."""
    contradictions: list[Candidate] = []
    for each in chosen:
        elsewhere = (other for other in fitting if other.unit.hit.doc_id != each.unit.hit.doc_id)
        rest = (other for other in elsewhere if other not in chosen and other not in contradictions)
        first = next((other for other in rest if difference(each.text, other.text, question.terms)), None)
        if first is not None:
            contradictions.append(first)
    return contradictions
