"""Erases from the journal: questions that quote what is erased, or were answered from it."""

from collections.abc import Callable
from typing import Any

from omni_pipelines.erasure.residue import Wanted
from omni_pipelines.erasure.run_history import PhraseMatcher
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import journal
from omni_pipelines.schemas import ANSWERS, GATE_RESULTS, QUESTIONS, Table


def clear_journal(home: Home, wanted: Wanted, phrases: PhraseMatcher, *, write: bool) -> int:
    """Delete questions, their answers, and gate measures; with `write` false, only count them.

    A question is deleted if its words or filters quote what is erased, or if its answer cites it, and all citations
    of the answer with it. Citations of chunks that no kept version contains cannot be recognised any more.
    """
    cited = {
        row["question_id"]
        for row in journal.lines(home, ANSWERS)
        if row.get("chunk_id") in wanted.chunks and "question_id" in row
    }
    quoting = {
        row["question_id"]
        for row in journal.lines(home, QUESTIONS)
        if "question_id" in row and phrases.matches(f"{row.get('question')} {row.get('filters')}")
    }
    deleted = cited | quoting
    rules: dict[Table, Callable[[dict[str, Any]], bool]] = {
        QUESTIONS: lambda row: row.get("question_id") in deleted,
        ANSWERS: lambda row: row.get("question_id") in deleted,
        GATE_RESULTS: lambda row: phrases.matches(str(row.get("detail"))),
    }
    return sum(journal.drop(home, table, unwanted, phrases.matches, write=write) for table, unwanted in rules.items())
