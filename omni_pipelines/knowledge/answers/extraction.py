"""Extractive answers: the units of the sources that answer a question best, word for word, or an abstention."""

from collections.abc import Sequence

from omni_pipelines.knowledge.answers.cited_answer import Answer, Sentence
from omni_pipelines.knowledge.answers.conflicts import difference, find_conflicts
from omni_pipelines.knowledge.answers.evidence import MIN_EVIDENCE, Candidate, Question
from omni_pipelines.knowledge.answers.quotes import cite

MAX_UNITS = 3
MAX_GAP = 0.15
"""A further unit may be less probable than the one before it by this much."""
MAX_REPEATED = 0.6
"""Share of a unit's words that the units before it may have; otherwise it says the same again."""
LARGER_SHARE = 0.9
"""A unit that contains the best one replaces it if its evidence reaches this share."""

Scored = tuple[Candidate, float]


def extract_answer(release: int, question: Question) -> Answer:
    """The units of the hits that answer the question best, or an abstention if none is probable enough.

    The best unit comes first. Units of one document keep its order.
    """
    candidates = question.candidates()
    scored = sorted(zip(candidates, question.evidence(candidates), strict=True), key=lambda pair: -pair[1])
    best = scored[0][1] if scored else 0.0
    if best < MIN_EVIDENCE:
        return Answer(release=release, abstained=True, answer="", sentences=(), evidence=round(best, 4))
    chosen = _chosen(scored)
    chosen += _contradictions(chosen, [each for each, score in scored if score >= MIN_EVIDENCE], question)
    documents = list(dict.fromkeys(each.unit.hit.doc_id for each in chosen))
    chosen.sort(key=lambda each: (documents.index(each.unit.hit.doc_id), each.unit.hit.start_byte, each.unit.ranges))
    sentences = tuple(_sentence(each) for each in chosen)
    texts = [sentence.text for sentence in sentences]
    return Answer(
        release=release,
        abstained=False,
        answer="\n".join(texts),
        sentences=sentences,
        evidence=round(best, 4),
        conflicts=find_conflicts(texts, [each.unit.hit.doc_id for each in chosen], question.terms),
    )


def _sentence(candidate: Candidate) -> Sentence:
    unit = candidate.unit
    return Sentence(
        text=unit.text, label=unit.label, citations=tuple(cite(unit.hit, start, end) for start, end in unit.ranges)
    )


def _chosen(scored: Sequence[Scored]) -> list[Candidate]:
    """The best unit, in a larger one if that is nearly as probable, and those that follow without a gap."""
    best, score = scored[0]
    larger = [each for each, other in scored if other >= LARGER_SHARE * score and _contains(each, best)]
    chosen = [max(larger, key=_length)] if larger else [best]
    for each, other in scored[1:]:
        if other < score - MAX_GAP or other < MIN_EVIDENCE or len(chosen) == MAX_UNITS:
            break
        if not any(_repeats(each, one) for one in chosen):
            chosen.append(each)
            score = other
    return chosen


def _contains(one: Candidate, other: Candidate) -> bool:
    (start, end), (first, last) = ((each.unit.ranges[0][0], each.unit.ranges[-1][1]) for each in (one, other))
    return one.unit.hit.chunk_id == other.unit.hit.chunk_id and start <= first and last <= end


def _length(each: Candidate) -> int:
    return sum(end - start for start, end in each.unit.ranges)


def _repeats(each: Candidate, one: Candidate) -> bool:
    overlaps = each.unit.hit.chunk_id == one.unit.hit.chunk_id and any(
        start < last and first < end for start, end in each.unit.ranges for first, last in one.unit.ranges
    )
    return overlaps or len(each.forms & one.forms) > MAX_REPEATED * max(min(len(each.forms), len(one.forms)), 1)


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
