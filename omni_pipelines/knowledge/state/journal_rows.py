"""Typed rows of the journal's tables, one TypedDict per table of `schemas`."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class QuestionRow(TypedDict):
    """A row of `questions`: a question that was asked."""

    question_id: str
    asked_at: datetime
    question: str
    filters: str
    release: int
    abstained: bool
    evidence: float
    mode: str


class AnswerRow(TypedDict):
    """A row of `answers`: one citation of an answer."""

    answer_id: str
    question_id: str
    release: int
    ordinal: int
    chunk_id: str
    start_byte: int
    end_byte: int


class GateResultRow(TypedDict):
    """A row of `gate_results`: one measure of a gate."""

    gate_result_id: str
    gate_id: str
    measured_at: datetime
    run_id: str
    candidate: str
    serving: int | None
    measure: str
    passed: bool
    value: float | None
    before: float | None
    least: float | None
    p: float | None
    detail: str
