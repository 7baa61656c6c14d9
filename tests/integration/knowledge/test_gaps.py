"""Gaps: unanswered questions are kept and grouped, until a release answers them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.quality.gaps import Gap, QuestionRow
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state import journal
from omni_pipelines.schemas import ANSWERS, QUESTIONS
from omni_pipelines.settings import Settings
from omni_pipelines.testing.builders import KnowledgeBase

KEYS = "# Keys\n\nKeys are rotated with the rotate command.\n"
OTTERS = "# Otters\n\nOtters sleep in the river holding hands.\n"
UNANSWERED = "Where do otters sleep in the river?"


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files({"keys.md": KEYS}).build()


def ask(base: KnowledgeBase, *questions: str) -> None:
    for question in questions:
        base.librarian().ask(question)


def gaps(base: KnowledgeBase) -> list[Gap]:
    return base.librarian().gaps()


def test_question_row_has_the_columns_of_its_table() -> None:
    assert list(QuestionRow.__annotations__) == QUESTIONS.schema.names


def test_ask_keeps_the_question_and_the_citations_of_its_answer(base: KnowledgeBase) -> None:
    ask(base, "How are keys rotated with the rotate command?")
    joined = "questions q join answers using (question_id) join chunks using (chunk_id)"
    sql = f"select question, q.release, abstained, path from {joined}"
    assert run_sql(base.home, sql)[1].rows == [
        ("How are keys rotated with the rotate command?", 1, False, "keys.md"),
    ]
    assert "command." not in (base.home.journal / "answers.jsonl").read_text()
    assert gaps(base) == []


def test_similar_questions_are_one_gap(base: KnowledgeBase) -> None:
    ask(base, UNANSWERED, "In the river, where do otters sleep?", "Who invented the submarine telescope?", UNANSWERED)
    first, second = gaps(base)
    assert (first.question, first.times, first.abstained, first.release) == (UNANSWERED, 3, 3, 1)
    assert first.wordings == (UNANSWERED, "In the river, where do otters sleep?")
    assert (second.times, second.closed_by) == (1, None)


def test_gap_is_closed_by_a_release_that_answers_although_nobody_asked_again(base: KnowledgeBase) -> None:
    ask(base, UNANSWERED)
    base.with_files({"otters.md": OTTERS}).build()
    (gap,) = gaps(base)
    assert (gap.closed_by, gap.release) == (2, 1)
    assert journal.read(base.home, QUESTIONS).num_rows == 1


def test_gap_stays_open_when_the_new_release_does_not_answer(base: KnowledgeBase) -> None:
    ask(base, UNANSWERED)
    base.with_files({"walrus.md": "# Walrus\n\nNobody knows this animal.\n"}).build()
    assert [gap.closed_by for gap in gaps(base)] == [None]


def test_gap_names_the_first_release_that_answered(base: KnowledgeBase) -> None:
    ask(base, UNANSWERED)
    base.with_files({"otters.md": OTTERS}).build()
    ask(base, UNANSWERED)
    base.with_files({"more.md": "# More\n\nAnchors are black.\n"}).build()
    ask(base, UNANSWERED)
    assert [gap.closed_by for gap in gaps(base)] == [2]


def test_gap_opens_again_when_a_later_release_no_longer_answers(base: KnowledgeBase) -> None:
    base.with_files({"otters.md": OTTERS}).build()
    ask(base, UNANSWERED)
    base.without("otters.md").build(allow_delete=True)
    ask(base, UNANSWERED)
    assert [(gap.closed_by, gap.release) for gap in gaps(base)] == [(None, 3)]


def test_ask_keeps_nothing_with_the_setting_off(base: KnowledgeBase) -> None:
    base.settings = Settings(keep_questions=False)
    ask(base, UNANSWERED)
    assert not base.home.journal.exists() or journal.read(base.home, QUESTIONS).num_rows == 0
    assert journal.read(base.home, ANSWERS).num_rows == 0


def test_ask_answers_when_the_journal_cannot_be_written(base: KnowledgeBase) -> None:
    (base.home.journal / "questions.jsonl").mkdir(parents=True)
    assert not base.librarian().ask("How are keys rotated with the rotate command?").abstained


def test_gaps_command_lists_open_gaps_and_with_all_every_gap(base: KnowledgeBase) -> None:
    ask(base, UNANSWERED)
    home = ["--home", str(base.home.root)]
    done = CliRunner().invoke(app, ["gaps", *home])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"   1x  {UNANSWERED}  (evidence 0.")
    printed = json.loads(CliRunner().invoke(app, ["gaps", "--all", "--json", *home]).stdout)
    assert (printed["schema_version"], printed["open"], printed["gaps"][0]["question"]) == (1, 1, UNANSWERED)
