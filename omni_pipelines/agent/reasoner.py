"""What decides in a task: what to ask, the plan, the next call, whether the result is right, and the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from omni_pipelines.agent.task_state import MadeCall, TaskStep
from omni_pipelines.errors import OmniError
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.records import Record
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition


@dataclass(frozen=True)
class TaskBrief:
    """All that is known about a task at one moment."""

    task: str
    release: int | None
    answers: tuple[str, ...]
    """What the person answered to questions."""
    notes: tuple[str, ...]
    """What the plan must respect: the wishes of the person, and what was learned from failures."""
    tools: Sequence[ToolDefinition]
    steps: tuple[TaskStep, ...]
    past: tuple[TaskStep, ...]
    """The steps of earlier plans."""
    text: Callable[[str], str]
    """The text with a name, such as the output of a call."""
    recalled: str = ""
    """Name of the text with the notes of earlier sessions; "" if there are none."""

    def responses(self, step: TaskStep) -> tuple[ToolResponse, ...]:
        """What the tools answered in a step, in order."""
        return tuple(ToolResponse.model_validate_json(self.text(call.output)) for call in step.calls)

    def output(self, made: MadeCall) -> str:
        """What a call returned, as a text for a language model."""
        return self.told(made.output)

    def told(self, name: str) -> str:
        """A response with a name, as a text for a language model."""
        return ToolResponse.model_validate_json(self.text(name)).to_mcp()["content"][0]["text"]


@dataclass(frozen=True)
class NextCall:
    """A tool to call."""

    tool: str
    arguments: dict[str, JsonValue]


@dataclass(frozen=True)
class StepResult:
    """The end of a step."""

    is_completed: bool
    message: str = ""


@dataclass(frozen=True)
class Judgement:
    """Whether the results fulfil the task."""

    is_fulfilled: bool
    message: str = ""
    """What is wrong."""
    error: OmniError | None = None
    """Why another plan would not help; None if it may."""


class TaskReport(Record):
    """What came of a task."""

    text: str
    answer: Answer | None = None
    """The cited answer, if the task asked for one."""
    nearest: tuple[Citation, ...] = ()
    """Passages near the task, if there is no answer."""


class Reasoner(Protocol):
    """Decides. It has no memory: everything that it may use is in the brief."""

    name: str
    recalls: bool
    """Whether it reads the notes of earlier sessions."""

    def clarify(self, brief: TaskBrief) -> str | None:
        """A question to the person without whose answer the task cannot be planned; None if there is none."""

    def plan(self, brief: TaskBrief) -> Sequence[TaskStep]:
        """Steps that fulfil the task, each with one of the tools of the brief.

        Raises:
            OmniError: it cannot plan this task.
        """

    def act(self, brief: TaskBrief, step: TaskStep) -> NextCall | StepResult:
        """The next call of a step, or its end."""

    def judge(self, brief: TaskBrief) -> Judgement:
        """Whether the steps, all of which are over, fulfil the task."""

    def reflect(self, brief: TaskBrief, problem: str) -> str:
        """What the next plan must do otherwise."""

    def report(self, brief: TaskBrief) -> TaskReport:
        """What came of the task, also if it failed."""
