"""Answers of a language model with a skill and without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.language_models.port import Message
from omni_pipelines.skills.comparison import ComparedTask, compare, eval_tasks
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.testing.builders import Skill, SourceTree
from tests.unit.cli.conftest import Omni, omni  # noqa: F401


def skill_with(folder: Path, tasks: str) -> SkillFolder:
    path = Skill("mine").create(folder)
    SourceTree(path).file("evals/tasks.jsonl", tasks)
    return SkillFolder(path)


def obedient(messages: Sequence[Message]) -> str:
    """Says the name of a skill only if it was given its instructions."""
    return "MINE and more" if "# mine" in messages[0].content else f"about {messages[1].content}"


def test_each_task_is_asked_without_the_skill_and_with_it(tmp_path: Path) -> None:
    folder = skill_with(
        tmp_path, '{"task": "a", "contains": ["mine"]}\n\n{"task": "b", "contains": ["about", "B"]}\n'
    )
    assert compare(folder, obedient) == [
        ComparedTask("a", without=False, with_skill=True),
        ComparedTask("b", without=True, with_skill=False),
    ]


@pytest.mark.parametrize("tasks", ["", "no json\n", '{"task": "a"}\n', '{"task": "a", "contains": []}\n'])
def test_malformed_tasks_are_refused_with_a_cure(tmp_path: Path, tasks: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        eval_tasks(skill_with(tmp_path, tasks))
    assert '{"task": "…", "contains": ["…"]}' in refused.value.cure


def test_without_a_language_model_the_command_says_so(omni: Omni) -> None:  # noqa: F811
    done = omni("skill", "eval", "knowledge")
    assert done.code == 2
    assert "comparing answers needs a language model" in done.err
