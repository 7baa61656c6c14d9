"""Compare what a language model answers with the instructions of a skill and without them, in tasks of the skill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import Field, ValidationError

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.language_models.port import Message
from omni_pipelines.records import Record
from omni_pipelines.skills.folder import SkillFolder

TASKS = "evals/tasks.jsonl"
MAX_TASKS, MAX_BYTES = 100, 1 << 20
_WITHOUT = "Do the task. Reply with the result alone."
_WITH = f"{_WITHOUT} Work by these instructions:\n\n"


class EvalTask(Record):
    """A task, and what a right answer contains."""

    task: str = Field(min_length=1)
    contains: tuple[str, ...] = Field(min_length=1)
    """Texts that the answer must contain; case is ignored."""

    def is_right(self, answer: str) -> bool:
        """Whether an answer contains all of them."""
        return all(text.casefold() in answer.casefold() for text in self.contains)


@dataclass(frozen=True)
class ComparedTask:
    """Whether the answers to a task were right."""

    task: str
    without: bool
    with_skill: bool


def eval_tasks(folder: SkillFolder) -> list[EvalTask]:
    """The tasks of a skill, one in each line of `evals/tasks.jsonl`.

    Raises:
        ConfigurationError: there are none or too many, or a line is malformed.
    """
    cure = f'write one task per line into {TASKS}: {{"task": "…", "contains": ["…"]}}'
    if TASKS not in folder.files:
        raise ConfigurationError(f"the skill {folder.name} has no {TASKS}", cure=cure)
    content = (folder.path / TASKS).read_bytes()[: MAX_BYTES + 1]
    lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    if not 0 < len(lines) <= MAX_TASKS or len(content) > MAX_BYTES:
        raise ConfigurationError(
            f"{TASKS} of {folder.name} must have 1 to {MAX_TASKS} tasks in at most {MAX_BYTES:,} bytes", cure=cure
        )
    tasks = []
    for number, line in lines:
        try:
            tasks.append(EvalTask.model_validate_json(line))
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise ConfigurationError(
                f"{folder.path / TASKS}:{number} is not a valid task: {problem}", cure=cure
            ) from error
    return tasks


def compare(folder: SkillFolder, ask: Callable[[Sequence[Message]], str]) -> list[ComparedTask]:
    """Ask a model for each task twice. It has no tools, so only the instructions make a difference.

    Raises:
        ConfigurationError: as for `eval_tasks`.
    """
    instructions = _WITH + folder.head.body.strip()

    def is_right(task: EvalTask, told: str) -> bool:
        return task.is_right(ask([Message("system", told), Message("user", task.task)]))

    return [
        ComparedTask(each.task, is_right(each, _WITHOUT), is_right(each, instructions)) for each in eval_tasks(folder)
    ]
