"""Gaps: questions that the sources do not answer, until a later release answers them."""

import contextlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict
from uuid import uuid4

import orjson

from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.question import Terms
from omni_pipelines.knowledge.state import journal
from omni_pipelines.record_fields import Moment
from omni_pipelines.records import Record
from omni_pipelines.rows import rows_of
from omni_pipelines.schemas import ANSWERS, QUESTIONS

WEAK_EVIDENCE = 0.55
"""A question whose answer has less evidence is a gap although it was answered."""
MIN_COMMON_WORDS = 0.5
"""Share of their words that two questions must have in common to belong to one gap."""

AskQuestion = Callable[[str, Mapping[str, str]], Answer]
"""A question and its filters to an answer."""


class Gap(Record):
    """Similar questions that were not answered, or only weakly."""

    question: str
    """The latest wording."""
    wordings: tuple[str, ...]
    """All wordings, newest first."""
    times: int
    """How often it was asked without a good answer."""
    abstained: int
    """How often there was no answer at all."""
    evidence: float
    """The highest evidence of these answers, 0 to 1."""
    first_asked: Moment
    last_asked: Moment
    release: int
    """The newest release that could not answer it."""
    closed_by: int | None = None
    """The release that answers it."""


class QuestionRow(TypedDict):
    """A row of `questions`."""

    question_id: str
    asked_at: datetime
    question: str
    filters: str
    release: int
    abstained: bool
    evidence: float
    mode: str


def keep_question(home: Home, answer: Answer, filters: Mapping[str, str]) -> None:
    """Add a question and the citations of its answer to the journal; the text of the answer is not copied.

    If the home cannot be written to, nothing is kept: the answer matters more.
    """
    asked = QuestionRow(
        question_id=uuid4().hex,
        asked_at=datetime.now(UTC),
        question=answer.question.encode("utf-8", "replace").decode(),
        filters=orjson.dumps(dict(filters)).decode(),
        release=answer.release,
        abstained=answer.abstained,
        evidence=answer.evidence,
        mode=answer.mode,
    )
    with contextlib.suppress(OSError):
        journal.append(home, QUESTIONS, [asked])
        journal.append(home, ANSWERS, _citations(answer, asked["question_id"]))


def _citations(answer: Answer, question_id: str) -> list[dict[str, object]]:
    return [
        {
            "answer_id": ids.text_hash(question_id, str(ordinal), str(number)),
            "question_id": question_id,
            "release": answer.release,
            "ordinal": ordinal,
            "chunk_id": cited.chunk_id,
            "start_byte": cited.start_byte,
            "end_byte": cited.end_byte,
        }
        for ordinal, sentence in enumerate(answer.sentences)
        for number, cited in enumerate(sentence.citations)
    ]


@dataclass
class _SimilarQuestions:
    terms: Set[str]
    filters: str
    asked: list[QuestionRow] = field(default_factory=list)

    def includes(self, terms: Set[str], filters: str) -> bool:
        common, either = len(terms & self.terms), len(terms | self.terms)
        return filters == self.filters and (common >= MIN_COMMON_WORDS * either if either else True)


def find_gaps(home: Home, terms: Terms, newest: int, ask: AskQuestion) -> list[Gap]:
    """The gaps, open ones first, and among them the most frequent.

    A gap is closed by a release that answered the question when it was asked again. If the newest release is newer
    than the last time the question was asked, the question is asked now; this is not recorded.

    `newest` is the number of the newest release, which `ask` asks.
    """
    groups: list[_SimilarQuestions] = []
    for row in rows_of(journal.read(home, QUESTIONS), QuestionRow):
        words = frozenset(terms(row["question"]))
        group = next((each for each in groups if each.includes(words, row["filters"])), None)
        if group is None:
            group = _SimilarQuestions(words, row["filters"])
            groups.append(group)
        group.asked.append(row)
    gaps = [gap for group in groups if (gap := _gap(group.asked, newest, ask)) is not None]
    return sorted(gaps, key=lambda gap: (gap.closed_by is not None, -gap.times, gap.question))


def _is_weak(abstained: bool, evidence: float) -> bool:
    return abstained or evidence < WEAK_EVIDENCE


def _gap(asked: Sequence[QuestionRow], newest: int, ask: AskQuestion) -> Gap | None:
    """The gap of similar questions; None if they were always answered well."""
    weak = [row for row in asked if _is_weak(row["abstained"], row["evidence"])]
    if not weak:
        return None
    last = max(weak, key=lambda row: row["asked_at"])
    release = max(row["release"] for row in weak)
    answered_by = [row["release"] for row in asked if row not in weak and row["release"] > release]
    closed_by = min(answered_by, default=None)
    if closed_by is None and newest > max(row["release"] for row in asked):
        answer = ask(last["question"], orjson.loads(last["filters"]))
        closed_by = None if _is_weak(answer.abstained, answer.evidence) else newest
    return Gap(
        question=last["question"],
        wordings=tuple(dict.fromkeys(row["question"] for row in reversed(weak))),
        times=len(weak),
        abstained=sum(row["abstained"] for row in weak),
        evidence=max(row["evidence"] for row in weak),
        first_asked=min(row["asked_at"] for row in weak),
        last_asked=last["asked_at"],
        release=release,
        closed_by=closed_by,
    )
