"""What nobody could answer is kept and grouped, until a release answers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.quality.gaps import Gap
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state import journal
from omni_pipelines.schemas import ANSWERS, QUESTIONS
from omni_pipelines.settings import Settings
from omni_pipelines.testing.builders import KnowledgeBase

KEYS = "# Keys\n\nKeys are rotated with the rotate command.\n"
OTTERS = "# Otters\n\nOtters sleep in the river holding hands.\n"
LOST = "Where do otters sleep in the river?"


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files({"keys.md": KEYS}).build()


def ask(base: KnowledgeBase, *questions: str) -> None:
    for question in questions:
        base.librarian().ask(question)


def gaps(base: KnowledgeBase) -> list[Gap]:
    return base.librarian().gaps()


def test_a_question_and_the_places_of_its_answer_are_kept(base: KnowledgeBase) -> None:
    ask(base, "How are keys rotated with the rotate command?")
    joined = "questions q join answers using (question_id) join chunks using (chunk_id)"
    sql = f"select question, q.release, abstained, path from {joined}"
    assert run_sql(base.home, sql)[1].rows == [
        ("How are keys rotated with the rotate command?", 1, False, "keys.md"),
    ]
    assert "command." not in (base.home.journal / "answers.jsonl").read_text()
    assert gaps(base) == []


def test_questions_of_one_kind_are_one_gap(base: KnowledgeBase) -> None:
    ask(base, LOST, "In the river, where do otters sleep?", "Who invented the submarine telescope?", LOST)
    first, second = gaps(base)
    assert (first.question, first.times, first.abstained, first.release) == (LOST, 3, 3, 1)
    assert first.wordings == (LOST, "In the river, where do otters sleep?")
    assert (second.times, second.closed_by) == (1, None)


def test_a_release_that_answers_closes_the_gap_though_nobody_asked_again(base: KnowledgeBase) -> None:
    ask(base, LOST)
    base.with_files({"otters.md": OTTERS}).build()
    (gap,) = gaps(base)
    assert (gap.closed_by, gap.release) == (2, 1)
    assert journal.read(base.home, QUESTIONS).num_rows == 1


def test_a_release_that_does_not_answer_leaves_it_open(base: KnowledgeBase) -> None:
    ask(base, LOST)
    base.with_files({"walrus.md": "# Walrus\n\nNobody knows this animal.\n"}).build()
    assert [gap.closed_by for gap in gaps(base)] == [None]


def test_the_first_release_that_answered_is_named(base: KnowledgeBase) -> None:
    ask(base, LOST)
    base.with_files({"otters.md": OTTERS}).build()
    ask(base, LOST)
    base.with_files({"more.md": "# More\n\nAnchors are black.\n"}).build()
    ask(base, LOST)
    assert [gap.closed_by for gap in gaps(base)] == [2]


def test_what_is_answered_and_then_no_more_is_open_again(base: KnowledgeBase) -> None:
    base.with_files({"otters.md": OTTERS}).build()
    ask(base, LOST)
    base.without("otters.md").build(allow_delete=True)
    ask(base, LOST)
    assert [(gap.closed_by, gap.release) for gap in gaps(base)] == [(None, 3)]


def test_nothing_is_kept_where_nothing_shall_be(base: KnowledgeBase) -> None:
    base.settings = Settings(keep_questions=False)
    ask(base, LOST)
    assert not base.home.journal.exists() or journal.read(base.home, QUESTIONS).num_rows == 0
    assert journal.read(base.home, ANSWERS).num_rows == 0


def test_an_answer_is_given_where_nothing_can_be_kept(base: KnowledgeBase) -> None:
    (base.home.journal / "questions.jsonl").mkdir(parents=True)
    assert not base.librarian().ask("How are keys rotated with the rotate command?").abstained


def test_the_command_shows_open_gaps_and_all_of_them(base: KnowledgeBase) -> None:
    ask(base, LOST)
    home = ["--home", str(base.home.root)]
    done = CliRunner().invoke(app, ["gaps", *home])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"   1x  {LOST}  (evidence 0.")
    found = json.loads(CliRunner().invoke(app, ["gaps", "--all", "--json", *home]).stdout)
    assert (found["schema_version"], found["open"], found["gaps"][0]["question"]) == (1, 1, LOST)
