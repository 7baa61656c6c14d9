"""The tasks of benchmarks/tasks/tasks.jsonl, and what a report about one of them is worth.

A task has parts. Each names the passage that says it: a question of benchmarks/questions with its gold ranges, or a
page of this project with words of it. `says` are words that a right report contains, with alternatives after `|`. A
task without parts has no answer in its corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

import orjson

from benchmarks.answer_questions import questions_about
from omni_pipelines.agent.task_runner import TaskResult
from omni_pipelines.evaluation.answer_questions import AnswerQuestion, GoldRange, QuestionKind
from omni_pipelines.evaluation.answer_scores import MIN_COVERED
from omni_pipelines.evaluation.gold_passages import GoldPassage, QuotedTexts, covered_share, find_gold
from omni_pipelines.records import Record

FILE = Path(__file__).parent / "tasks" / "tasks.jsonl"


class TaskPart(Record):
    """Something that the task asks for."""

    question: str = ""
    """The id of a question that has its passages."""
    pages: tuple[tuple[str, str], ...] = ()
    """Pages of this project, each with words of it, of which one is enough."""
    says: tuple[str, ...]


class TaskCase(Record):
    """A task, and what it asks for."""

    id: str
    corpus: str
    kind: str
    task: str
    parts: tuple[TaskPart, ...]


class TaskOutcome(StrEnum):
    """What a report is worth."""

    SOLVED = "solved"
    """Every part is said, with a citation of its passage; or the task has no answer, and the agent gave none."""
    PARTLY = "partly"
    """Some parts are."""
    WRONG = "wrong"
    """An answer with citations that has none of the parts, or one to a task without an answer."""
    UNANSWERED = "no answer"
    """No cited sentence, although the corpus answers the task."""
    FAILED = "failed"
    """The task ended with another error."""


class TaskScore(Record):
    """One task, done by one model."""

    id: str
    model: str
    outcome: TaskOutcome
    code: str = ""
    """Of the error with which it ended."""
    tokens: int = 0
    calls: int = 0
    cpu_seconds: float = 0.0
    seconds: int = 0
    session: str = ""
    report: str = ""


def load_tasks() -> list[TaskCase]:
    """All tasks."""
    return [TaskCase.model_validate(orjson.loads(line)) for line in FILE.read_bytes().splitlines()]


def find_parts(case: TaskCase, texts: QuotedTexts) -> tuple[list[list[Sequence[GoldPassage]]], list[str]]:
    """For each part the alternatives of passages, and what is not in the release."""
    found = [find_gold(_labelled(case, part), texts) for part in case.parts]
    return [passages for passages, _ in found], [
        reason for passages, reasons in found if not passages for reason in reasons
    ]


def _labelled(case: TaskCase, part: TaskPart) -> AnswerQuestion:
    if part.question:
        return _questions(case.corpus)[part.question]
    gold = tuple((GoldRange(path=path, quote=quote),) for path, quote in part.pages)
    return AnswerQuestion(id=case.id, question=case.task, kind=QuestionKind.FACT, gold=gold)


@cache
def _questions(corpus: str) -> dict[str, AnswerQuestion]:
    return {each.id: each for each in questions_about(corpus)}


def judge(case: TaskCase, result: TaskResult, texts: QuotedTexts) -> TaskOutcome:
    """What a result is worth."""
    answer = result.report.answer
    if answer is None or answer.abstained:
        return TaskOutcome.UNANSWERED if case.parts else TaskOutcome.SOLVED
    if not case.parts:
        return TaskOutcome.WRONG
    passages, _ = find_parts(case, texts)
    text = " ".join(answer.answer.lower().split())
    right = [
        _is_said(part, text)
        and any(all(covered_share(each, answer, texts) >= MIN_COVERED for each in option) for option in alternatives)
        for part, alternatives in zip(case.parts, passages, strict=True)
    ]
    if all(right):
        return TaskOutcome.SOLVED
    return TaskOutcome.PARTLY if any(right) else TaskOutcome.WRONG


def _is_said(part: TaskPart, text: str) -> bool:
    return all(any(word in text for word in words.lower().split("|")) for words in part.says)
