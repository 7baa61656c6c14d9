"""Judge answers by their gold passages, and count: right, partly, wrong, abstained, invented.

An answer is right if, of one alternative, it quotes at least `MIN_COVERED` of every gold range, and each of these
quotes is readable on its own. docs/explanation/answer-quality.md explains the rules.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from statistics import fmean

import orjson

from omni_pipelines import progress
from omni_pipelines.evaluation.answer_questions import AnswerQuestion, Missing, QuestionKind
from omni_pipelines.evaluation.gold_passages import (
    GoldPassage,
    QuotedTexts,
    covered_share,
    find_gold,
    overlaps,
)
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation, Sentence
from omni_pipelines.records import Record

MIN_COVERED = 0.8
"""Share of a gold range that must be quoted."""
MIN_WORDS = 3
"""Words that a reader must see: of the quote, or of the heading or symbol that it is shown under."""
CURVE_STEPS = 10
_MARKS = " \t\"'“”‘’«»„([{#*/`>-=~|•+_<:\u00b6"  # noqa: RUF001  # typographic quotation marks
_CLOSING = " \t\"'“”‘’«»)]}*`_>|\u00b6"  # noqa: RUF001
_SENTENCE_ENDS = ".!?:;。！？：；…"  # noqa: RUF001
_WORD = re.compile(r"\w+")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A letter of a script without spaces between words; two count as a word."""

AskQuestion = Callable[[str], Answer]


class Outcome(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    PARTLY = "partly"
    """It quotes some of a gold passage, but not enough, or not so that it can be read on its own."""
    WRONG = "wrong"
    ABSTAINED = "abstained"
    """False if the question has an answer, else correct."""
    INVENTED = "invented"
    """An answer to a question that the sources do not answer."""


class QuestionResult(Record):
    """A question, the answer, and what it is worth."""

    corpus: str = ""
    id: str
    question: str
    kind: QuestionKind
    missing: Missing
    outcome: Outcome
    covered: float
    """Share of the gold passages that is quoted, of the best alternative; 0 to 1."""
    is_readable: bool
    """Whether each quote of the gold passages begins and ends at a boundary and has enough words."""
    evidence: float
    cpu_ms: float
    quotes: tuple[str, ...]
    shown: tuple[str, ...]
    """The sentences of the answer."""
    paths: tuple[str, ...]
    """The document of each quote."""
    gold: tuple[str, ...]
    """The gold passages, and `path: text` of each."""


class OutcomeShares(Record):
    """How many answers of a group have each outcome."""

    name: str
    questions: int
    counts: Mapping[Outcome, int]

    def share(self, outcome: Outcome) -> float:
        """The share of an outcome, 0 to 1; 0 without questions."""
        return self.counts.get(outcome, 0) / self.questions if self.questions else 0.0


class CurvePoint(Record):
    """What would be, if only the answers with the most evidence were given."""

    coverage: float
    """Share of all questions that are answered."""
    evidence: float
    """The lowest evidence among them."""
    risk: float
    """Share of these answers that are not right."""
    misleading: float
    """Share of these answers that are wrong or invented."""


class AnswerReport(Record):
    """The measures of a set of questions."""

    answerable: tuple[OutcomeShares, ...]
    """By kind; first all together."""
    unanswerable: tuple[OutcomeShares, ...]
    """By what is missing; first all together."""
    curve: tuple[CurvePoint, ...]
    quoted_characters: float
    """Mean length of what an answer quotes: who quotes everything is always right."""
    cpu_ms_per_question: float
    left_out: tuple[str, ...]
    """Questions without their gold passages in this release, each with the reason."""


def ask_questions(
    questions: Sequence[AnswerQuestion], texts: QuotedTexts, ask: AskQuestion
) -> tuple[list[QuestionResult], list[str]]:
    """Ask every question; returns the results, and for each question that cannot be judged, the reason."""
    results, left_out = [], []
    for done, question in enumerate(questions):
        progress.report("asking", done, len(questions), "questions")
        gold, reasons = find_gold(question, texts)
        if question.gold and not gold:
            left_out.append(f"{question.id}: {'; '.join(dict.fromkeys(reasons))}")
            continue
        began = time.process_time()
        answer = ask(question.question)
        cpu_ms = 1000 * (time.process_time() - began)
        results.append(judge(question, gold, answer, texts, cpu_ms))
    progress.report("asking", len(questions), len(questions), "questions")
    return results, left_out


def result_lines(results: Sequence[QuestionResult]) -> bytes:
    """The results as JSON, one a line."""
    return b"".join(orjson.dumps(each.model_dump(mode="json")) + b"\n" for each in results)


def judge(
    question: AnswerQuestion,
    gold: Sequence[Sequence[GoldPassage]],
    answer: Answer,
    texts: QuotedTexts,
    cpu_ms: float = 0.0,
) -> QuestionResult:
    """What an answer is worth; `gold` holds the alternatives."""
    best, shares = -1.0, [0.0]
    chosen: Sequence[GoldPassage] = ()
    for alternative in gold:
        covered = [covered_share(each, answer, texts) for each in alternative]
        if min(covered) + fmean(covered) > best:
            best, shares, chosen = min(covered) + fmean(covered), covered, alternative
    readable = _all_readable(chosen, answer, texts)
    citations = [citation for sentence in answer.sentences for citation in sentence.citations]
    return QuestionResult(
        **question.model_dump(include={"id", "question", "kind", "missing"}),
        outcome=_outcome(question, answer, shares, readable=readable),
        covered=round(fmean(shares), 3),
        is_readable=readable,
        evidence=answer.evidence,
        cpu_ms=round(cpu_ms, 1),
        quotes=tuple(each.quote for each in citations),
        shown=tuple(each.text for each in answer.sentences),
        paths=tuple(each.path for each in citations),
        gold=tuple(each.text for alternative in gold for each in alternative),
    )


def _outcome(question: AnswerQuestion, answer: Answer, shares: Sequence[float], *, readable: bool) -> Outcome:
    if answer.abstained:
        return Outcome.ABSTAINED
    if question.missing:
        return Outcome.INVENTED
    if min(shares) >= MIN_COVERED and readable:
        return Outcome.RIGHT
    return Outcome.PARTLY if max(shares) > 0 else Outcome.WRONG


def _all_readable(gold: Sequence[GoldPassage], answer: Answer, texts: QuotedTexts) -> bool:
    return all(
        is_readable(sentence, citation, texts)
        for sentence in answer.sentences
        for citation in sentence.citations
        if any(overlaps(passage, citation, texts) for passage in gold)
    )


def is_readable(sentence: Sentence, citation: Citation, texts: QuotedTexts) -> bool:
    """Whether a quote begins and ends where a sentence, a line or a cell does, and has enough words."""
    text = texts.document(citation.uri).text
    start, end = texts.characters(citation)
    if max(_words(citation.quote), _words(sentence.text)) < MIN_WORDS:
        return False
    return _begins(text, start) and _ends(text, end)


def _words(text: str) -> int:
    wide = len(_WIDE.findall(text))
    return wide // 2 + len(_WORD.findall(_WIDE.sub(" ", text)))


def _begins(text: str, start: int) -> bool:
    """Whether only marks stand between `start` and the line end, sentence end or cell border before it."""
    if 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum():
        return False
    while start < len(text) and text[start].isspace():
        start += 1
    line = text.rfind("\n", 0, start) + 1
    before = text[line:start]
    bare = before.rstrip(_MARKS)
    return not bare or bare[-1] in _SENTENCE_ENDS or any(mark in before[len(bare) :] for mark in "|:\u00b6")


def _ends(text: str, end: int) -> bool:
    """Whether a sentence ends at `end`, or only marks stand between it and the line end or cell border after it."""
    quoted = text[:end].rstrip()
    if quoted.rstrip(_CLOSING)[-1:] in tuple(_SENTENCE_ENDS):
        return True
    line_end = text.find("\n", len(quoted))
    after = text[len(quoted) : line_end if line_end >= 0 else len(text)]
    bare = after.lstrip(_CLOSING + ",.;:")
    return not bare.strip() or any(mark in after[: len(after) - len(bare)] for mark in "|.;:\u00b6")


def report_answers(results: Sequence[QuestionResult], left_out: Iterable[str]) -> AnswerReport:
    """The measures of these results."""
    answerable = [each for each in results if not each.missing]
    unanswerable = [each for each in results if each.missing]
    lengths = [sum(map(len, each.quotes)) for each in results if each.outcome is not Outcome.ABSTAINED]
    return AnswerReport(
        answerable=(outcome_shares("answerable", answerable), *grouped(answerable, lambda each: each.kind)),
        unanswerable=(
            outcome_shares("unanswerable", unanswerable),
            *grouped(unanswerable, lambda each: each.missing),
        ),
        curve=tuple(risk_curve(results)),
        quoted_characters=round(fmean(lengths), 1) if lengths else 0.0,
        cpu_ms_per_question=round(fmean(each.cpu_ms for each in results), 1) if results else 0.0,
        left_out=tuple(left_out),
    )


def grouped(results: Sequence[QuestionResult], name: Callable[[QuestionResult], str]) -> Iterator[OutcomeShares]:
    """The outcomes of each group of results, by the name of the group."""
    for group in sorted({name(each) for each in results}):
        yield outcome_shares(group, [each for each in results if name(each) == group])


def outcome_shares(name: str, results: Sequence[QuestionResult]) -> OutcomeShares:
    """How many of these results have each outcome."""
    counts = {outcome: sum(each.outcome is outcome for each in results) for outcome in Outcome}
    return OutcomeShares(name=name, questions=len(results), counts=counts)


def risk_curve(results: Sequence[QuestionResult]) -> Iterator[CurvePoint]:
    """Points of the curve of risk against coverage, in equal steps of the answers by falling evidence.

    El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification" (2010).
    """
    answered = sorted(
        (each for each in results if each.outcome is not Outcome.ABSTAINED), key=lambda each: -each.evidence
    )
    for step in range(1, CURVE_STEPS + 1):
        given = answered[: round(len(answered) * step / CURVE_STEPS)]
        if given:
            yield CurvePoint(
                coverage=round(len(given) / len(results), 4),
                evidence=given[-1].evidence,
                risk=round(fmean(each.outcome is not Outcome.RIGHT for each in given), 4),
                misleading=round(fmean(each.outcome in (Outcome.WRONG, Outcome.INVENTED) for each in given), 4),
            )
