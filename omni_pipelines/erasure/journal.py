"""What was asked about something that is forgotten: questions that quote it, or were answered from it, go as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omni_pipelines.erasure.residue import Wanted
from omni_pipelines.erasure.run_history import Telltale
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import journal
from omni_pipelines.schemas import ANSWERS, GATE_RESULTS, QUESTIONS, Table


def clear_journal(home: Home, wanted: Wanted, telltale: Telltale, *, write: bool) -> int:
    """Drop questions, their answers, and measures of the gate; with `write` false, count them only.

    A question goes if its words or filters quote what is forgotten, or if its answer cites it; then all of its answer
    goes. Who asked about a passage that no kept version holds cannot be told any more: its id says nothing by itself.
    """
    cited = {
        row["question_id"]
        for row in journal.lines(home, ANSWERS)
        if row.get("chunk_id") in wanted.chunks and "question_id" in row
    }
    told = {
        row["question_id"]
        for row in journal.lines(home, QUESTIONS)
        if "question_id" in row and telltale.tells(f"{row.get('question')} {row.get('filters')}")
    }
    gone = cited | told
    rules: dict[Table, Callable[[dict[str, Any]], bool]] = {
        QUESTIONS: lambda row: row.get("question_id") in gone,
        ANSWERS: lambda row: row.get("question_id") in gone,
        GATE_RESULTS: lambda row: telltale.tells(str(row.get("detail"))),
    }
    return sum(journal.drop(home, table, unwanted, telltale.tells, write=write) for table, unwanted in rules.items())
