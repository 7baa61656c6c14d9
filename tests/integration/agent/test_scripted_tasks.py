"""Thirty tasks with a scripted language model end as they must, also when they are killed again and again."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.agent.replay import ReplayResult, replay_session
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import Killed, NewTask, OpenTools, Task
from tests.cases import IS_LONG
from tests.scripted_tasks import STRAIGHT, TASKS, Scripted, Workshop, reasoning

each_task = pytest.mark.parametrize("scripted", TASKS, ids=lambda scripted: scripted.name)
EVENTS_BETWEEN_KILLS = 1 if IS_LONG else 7
"""How much further each process comes than the one before, at first."""
Begun = tuple[Task, Workshop, ScriptedModel]


@pytest.fixture
def begin(new_task: NewTask, tmp_path: Path) -> Any:
    numbers = itertools.count()

    def begin(scripted: Scripted) -> Begun:
        workshop = Workshop(tmp_path / "files" / str(next(numbers)))
        workshop.down = scripted.down
        model = ScriptedModel(scripted.replies)
        limits = dict(scripted.limits)
        task = new_task(workshop.catalog, scripted.task, model=model, limits=limits)
        return task, workshop, model

    return begin


@each_task
def test_task_ends_as_it_must(begin: Any, scripted: Scripted) -> None:
    task, workshop, model = begin(scripted)
    result = task.run(*scripted.answers)
    problem = result.problem
    assert (result.outcome, problem.code if problem else "") == (scripted.outcome, scripted.code), problem
    assert workshop.effects == list(scripted.effects)
    assert [step.status for step in result.steps] == list(scripted.steps)
    way = [node for node, _ in itertools.groupby(task.nodes)]
    assert " ".join(way[way.index("clarify") + 1 :]) == (scripted.nodes or STRAIGHT)
    assert scripted.text in result.report.text
    assert not scripted.never or scripted.never not in result.report.text
    levels = [payload["level"] for topic, payload in task.events if topic == "agent/loop"]
    assert levels == list(scripted.loops)
    assert task.session.state == scripted.outcome
    model.check()
    assert replayed(task, workshop).is_identical


@each_task
def test_task_killed_again_and_again_has_every_side_effect_once(begin: Any, scripted: Scripted) -> None:
    whole, workshop, _ = begin(scripted)
    expected = whole.run(*scripted.answers)
    task, other, model = begin(scripted)
    kills = 0
    for kill_at in itertools.count(2, EVENTS_BETWEEN_KILLS):
        try:
            result = task.run(*task.left_of(scripted.answers), kill_at=kill_at)
            break
        except Killed:
            kills += 1
    assert kills
    assert task.events == whole.events
    assert result == expected.model_copy(update={"session": result.session})
    assert other.effects == workshop.effects
    assert other.texts == workshop.texts
    model.check()
    replay = replayed(task, other)
    assert replay.is_identical, replay.difference
    assert other.effects == workshop.effects


def test_replay_of_a_changed_record_names_the_first_difference(begin: Any) -> None:
    task, workshop, _ = begin(TASKS[0])
    task.run()
    record = task.session.events_file
    record.write_text(record.read_text().replace('"path":"a.txt"', '"path":"b.txt"'))
    assert "files.read" in replayed(task, workshop).difference


def test_replay_without_a_recorded_reply_asks_no_model(begin: Any) -> None:
    task, workshop, _ = begin(TASKS[0])
    task.run()
    replies = task.session.replies_file
    replies.write_bytes(b"".join(replies.read_bytes().splitlines(keepends=True)[:-1]))
    assert replayed(task, workshop).difference == "it needs a call of the language model, which was not recorded"


def test_long_output_is_cut_for_the_model_and_stays_in_the_session(begin: Any) -> None:
    task, workshop, model = begin(TASKS[0])
    (workshop.root / "a.txt").write_text("alpha 7 " + "long " * 5_000)
    task.make_reasoner = reasoning(model, max_tokens=400)
    assert task.run().outcome == "done"
    assert max(sum(len(message.content.split()) for message in call.messages) for call in model.calls) <= 400
    pruned = [payload for topic, payload in task.events if topic == "agent/context"]
    assert [turn["reason"] for turn in pruned[0]["turns"]][-1] == "cut"


def replayed(task: Task, workshop: Workshop) -> ReplayResult:
    return replay_session(task.session, OpenTools(workshop.catalog), reasoning(ScriptedModel()))
