"""Files of questions: each line is read or refused with its number, and the halves do not move."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.answer_questions import (
    AnswerQuestion,
    Half,
    load_questions,
    questions_of,
    range_hash,
)

GOLD = {"path": "leave.md", "start": 3, "end": 9, "sha256": range_hash(b"30 day")}
QUESTION = {"id": "q-1", "question": "How long?", "kind": "fact", "gold": [[GOLD]], "missing": ""}


def _written(folder: Path, *rows: Mapping[str, object]) -> Path:
    path = folder / "questions.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def test_a_file_is_read_in_its_order(tmp_path: Path) -> None:
    absent = {"id": "q-2", "question": "Who?", "kind": "fact", "missing": "thing"}
    first, second = load_questions(_written(tmp_path, QUESTION, absent))
    assert (first.id, first.gold[0][0].path, first.gold[0][0].end) == ("q-1", "leave.md", 9)
    assert (second.id, second.gold, second.missing) == ("q-2", (), "thing")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "riddle"}, "kind: "),
        ({"question": " "}, "question: "),
        ({"gold": []}, "a question has either gold ranges, or says in `missing`"),
        ({"missing": "fact"}, "a question has either gold ranges, or says in `missing`"),
        ({"gold": [[]]}, "an alternative of `gold` has no range"),
        ({"gold": [[{**GOLD, "end": 3}]]}, "gold.0.0: a gold range needs a quote, or a start below its end"),
        ({"gold": [[{**GOLD, "sha256": "xyz"}]]}, "gold.0.0.sha256: "),
        ({"gold": [[{**GOLD, "line": 3}]]}, "gold.0.0.line: "),
    ],
)
def test_a_line_that_is_no_question_is_refused_with_its_number(
    tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_questions(_written(tmp_path, QUESTION, {**QUESTION, "id": "q-2", **change}))
    assert f"questions.jsonl, line 2: {problem}" in raised.value.message


def test_a_line_that_is_no_json_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(b"\n" + orjson.dumps(QUESTION) + b"\n{oops\n")
    with pytest.raises(ConfigurationError, match="line 3: is not JSON"):
        load_questions(path)


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has the id q-1 twice"):
        load_questions(_written(tmp_path, QUESTION, QUESTION))


def test_a_file_without_a_question_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no question"):
        load_questions(_written(tmp_path))


def test_words_stand_for_a_range_in_questions_of_users(tmp_path: Path) -> None:
    (question,) = load_questions(_written(tmp_path, {**QUESTION, "gold": [[{"path": "a.md", "quote": "30 days"}]]}))
    assert question.gold[0][0].quote == "30 days"


def test_the_halves_are_disjoint_about_equal_and_do_not_depend_on_other_questions() -> None:
    questions = [AnswerQuestion.model_validate({**QUESTION, "id": f"q-{number}"}) for number in range(400)]
    development, held_out = (questions_of(questions, half) for half in (Half.DEVELOPMENT, Half.HELD_OUT))
    assert not {each.id for each in development} & {each.id for each in held_out}
    assert questions_of(questions, Half.ALL) == questions
    assert 160 < len(development) < 240
    assert questions_of(questions[7:9], Half.DEVELOPMENT) == [each for each in development if each in questions[7:9]]
