"""What was asked, and what of it the sources do not tell: gaps, until a later release closes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson

from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.answer import Answer
from omni_pipelines.knowledge.state import journal
from omni_pipelines.records import Moment, Record
from omni_pipelines.schemas import ANSWERS, QUESTIONS

WEAK = 0.55
"""An answer with less evidence is kept as a gap, though it was given."""
ALIKE = 0.5
"""Share of their words that two questions must have in common to be one gap."""

Terms = Callable[[str], Sequence[str]]
Ask = Callable[[str, Mapping[str, str]], Answer]


class Gap(Record):
    """Questions of one kind that were not answered, or only weakly."""

    question: str
    """As it was asked last."""
    wordings: tuple[str, ...]
    """All of them, the newest first."""
    times: int
    """How often it was asked in vain."""
    abstained: int
    """How often there was no answer at all."""
    evidence: float
    """The best that was found, 0 to 1."""
    first_asked: Moment
    last_asked: Moment
    release: int
    """The newest release that could not answer it."""
    closed_by: int | None = None
    """The release that answers it."""


def keep_question(home: Home, answer: Answer, filters: Mapping[str, str]) -> None:
    """Put a question, and where its answer stands, into the journal. The words of the answer are not copied.

    A home that cannot be written to keeps none: an answer matters more.
    """
    question_id = uuid4().hex
    asked = {
        "question_id": question_id,
        "asked_at": datetime.now(UTC),
        "question": answer.question.encode("utf-8", "replace").decode(),
        "filters": orjson.dumps(dict(filters)).decode(),
        "release": answer.release,
        "abstained": answer.abstained,
        "evidence": answer.evidence,
        "mode": answer.mode,
    }
    try:
        journal.append(home, QUESTIONS, [asked])
        journal.append(home, ANSWERS, _cited(answer, question_id))
    except OSError:
        return


def _cited(answer: Answer, question_id: str) -> list[dict[str, Any]]:
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
class _Group:
    terms: Set[str]
    filters: str
    asked: list[dict[str, Any]] = field(default_factory=list)

    def takes(self, terms: Set[str], filters: str) -> bool:
        shared, either = len(terms & self.terms), len(terms | self.terms)
        return filters == self.filters and (shared >= ALIKE * either if either else True)


def find_gaps(home: Home, terms: Terms, newest: int, ask: Ask) -> list[Gap]:
    """The gaps, open ones first, and among them what is asked most.

    A gap is closed by a release that answered it when somebody asked again. Where the newest release is newer than
    the last asking, it is asked here and now. Nothing of this is kept.

    Args:
        home: whose questions are looked at.
        terms: a text to its content words.
        newest: number of the newest release, which `ask` asks.
        ask: a question and filters to an answer.
    """
    groups: list[_Group] = []
    for row in journal.read(home, QUESTIONS).to_pylist():
        found = frozenset(terms(row["question"]))
        group = next((each for each in groups if each.takes(found, row["filters"])), None)
        if group is None:
            group = _Group(found, row["filters"])
            groups.append(group)
        group.asked.append(row)
    gaps = [gap for group in groups if (gap := _gap(group, newest, ask)) is not None]
    return sorted(gaps, key=lambda gap: (gap.closed_by is not None, -gap.times, gap.question))


def _is_weak(abstained: bool, evidence: float) -> bool:
    return abstained or evidence < WEAK


def _gap(group: _Group, newest: int, ask: Ask) -> Gap | None:
    """The gap of a group; None where it was always answered."""
    vain = [row for row in group.asked if _is_weak(row["abstained"], row["evidence"])]
    if not vain:
        return None
    last = max(vain, key=lambda row: row["asked_at"])
    release = max(row["release"] for row in vain)
    well = [row["release"] for row in group.asked if row not in vain and row["release"] > release]
    closed_by = min(well, default=None)
    if closed_by is None and newest > max(row["release"] for row in group.asked):
        answer = ask(last["question"], orjson.loads(last["filters"]))
        closed_by = None if _is_weak(answer.abstained, answer.evidence) else newest
    return Gap(
        question=last["question"],
        wordings=tuple(dict.fromkeys(row["question"] for row in reversed(vain))),
        times=len(vain),
        abstained=sum(row["abstained"] for row in vain),
        evidence=max(row["evidence"] for row in vain),
        first_asked=min(row["asked_at"] for row in vain),
        last_asked=last["asked_at"],
        release=release,
        closed_by=closed_by,
    )
