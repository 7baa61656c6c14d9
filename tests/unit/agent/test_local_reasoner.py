"""A task with a small model of this machine: it words what the librarian found, and decides nothing."""

from __future__ import annotations

import pytest

from omni_pipelines.agent.local_reasoner import LocalReasoner
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import SECRET_WORDS, Library, NewTask, Task
from tests.scripted_tasks import CLEAR, GOOD, call, done, planned, reasoning, says


def claims(*said: tuple[int, str]) -> dict[str, object]:
    """A reply of a small model."""
    return {"answerable": True, "claims": [{"unit": [unit], "text": text} for unit, text in said]}


def with_model(new_task: NewTask, task: str, *replies: dict[str, object]) -> tuple[Task, ScriptedModel]:
    model = ScriptedModel(replies)
    return new_task(Library().catalog, task, make_reasoner=reasoning(model, kind=LocalReasoner)), model


def test_model_is_asked_once_and_its_sentence_cites_the_passage(new_task: NewTask) -> None:
    said = "Keys are rotated on the first of the month."
    task, model = with_model(new_task, "Find out when the keys are rotated.", claims((1, said)))
    result = task.run()
    assert (result.outcome, len(model.calls)) == ("done", 1)
    assert result.report.answer is not None
    (sentence,) = result.report.answer.sentences
    assert (sentence.text, sentence.citations[0].quote) == (said, SECRET_WORDS)
    assert "person" not in {topic.split("/")[1] for topic, _ in task.events}


def test_sentence_with_words_of_its_own_is_replaced_by_the_words_of_the_sources(new_task: NewTask) -> None:
    invented = claims((1, "Otters sleep while the moon watches."), (7, "the keys are rotated"))
    result = with_model(new_task, "When are the keys rotated?", invented)[0].run()
    assert result.report.answer is not None
    assert (result.report.answer.mode, result.report.answer.answer) == ("extractive", SECRET_WORDS)


@pytest.mark.parametrize(
    "said",
    ["…", "the keys", "When are the keys rotated", "the keys are rotated on the first of the month " * 6],
    ids=["placeholder", "two words", "the question", "cut off"],
)
def test_text_that_is_no_whole_sentence_or_only_the_question_is_replaced(new_task: NewTask, said: str) -> None:
    result = with_model(new_task, "When are the keys rotated?", claims((1, said)))[0].run()
    assert result.report.text == SECRET_WORDS


def test_question_without_a_sentence_of_the_model_has_the_words_of_its_sources(new_task: NewTask) -> None:
    said = "Keys are rotated on the first of the month."
    task = "Find out when the keys are rotated, and how a key is rotated"
    for replies, lines in (((said, "…"), [said, SECRET_WORDS]), (("…", said), [SECRET_WORDS, said])):
        result = with_model(new_task, task, *(claims((1, text)) for text in replies))[0].run()
        assert result.report.text.splitlines() == lines
        assert result.report.answer is not None
        assert result.report.answer.mode == "generative"


def test_reply_in_another_form_is_replaced_by_the_words_of_the_sources(new_task: NewTask) -> None:
    result = with_model(new_task, "When are the keys rotated?", {"claims": "none"})[0].run()
    assert result.report.text == SECRET_WORDS


def test_question_without_an_answer_is_not_shown_to_the_model(new_task: NewTask) -> None:
    task, model = with_model(new_task, "What is the capital of France?")
    result = task.run()
    assert (result.outcome, model.calls) == ("failed", [])
    assert result.report.nearest


def test_task_that_asks_for_work_is_planned_by_the_model(new_task: NewTask) -> None:
    plan = planned(("look", "knowledge.search"))
    replies = CLEAR, plan, call("knowledge.search", query="keys"), done(), GOOD, says(("near it", [1]))
    task, model = with_model(new_task, "Write a page about the keys", *map(dict, replies))
    assert task.run().outcome == "done"
    assert len(model.calls) == len(replies)
