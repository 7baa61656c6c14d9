"""The state of a task between two nodes: JSON values, and names of texts that the session keeps."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypedDict

from pydantic import Field, JsonValue

from omni_pipelines.errors import OmniError
from omni_pipelines.records import Record

SUCCESSES = ("success", "partial")
"""The statuses of responses that hold a result."""


class StepStatus(StrEnum):
    """What became of a step."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """A step that it needs did not complete."""


class MadeCall(Record):
    """A call of a tool that was made for a step."""

    tool: str
    arguments: str
    """Name of the text with the arguments as JSON."""
    output: str
    """Name of the text with the response as JSON."""
    status: str
    code: str = ""
    hint: str = ""
    """What the agent is told instead of an output that it has had already."""


class TaskStep(Record):
    """A step of a plan."""

    id: str
    description: str
    tool: str
    """The tool that it needs."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of its first call, if they are known already."""
    needs: tuple[str, ...] = ()
    """Ids of the steps that must be completed first."""
    status: StepStatus = StepStatus.PENDING
    message: str = ""
    calls: tuple[MadeCall, ...] = ()


class TaskProblem(Record):
    """Why a task failed."""

    code: str
    message: str
    cure: str = ""

    @classmethod
    def of(cls, error: OmniError) -> "TaskProblem":
        """The problem that an error describes."""
        return cls(code=str(error.code), message=error.message, cure=error.cure)


class TaskState(TypedDict, total=False):
    """The channels of the graph."""

    following: str
    """The node that runs next."""
    recalled: str
    """Name of the text with the notes of earlier sessions."""
    answers: list[str]
    """What the person answered to questions about the task."""
    notes: list[str]
    """What the plan must respect: the wishes of the person, and what was learned from failures."""
    steps: list[dict[str, Any]]
    """The plan, as `TaskStep`."""
    past: list[dict[str, Any]]
    """The steps of earlier plans."""
    round: int
    """How many times the plan was made again."""
    calls: int
    """Calls of tools so far."""
    max_calls: int
    """As many as the task may make, as far as is decided now."""
    loop: dict[str, Any]
    """What was read and called, as `LoopState`."""
    tokens: int
    """Tokens of the language model so far."""
    dollars: float
    """What they cost."""
    report: str
    """Name of the text with the report as JSON."""
    problem: dict[str, str]
    """Why the task failed; {} if it did not."""
    sequence: int
    """Number of the last event."""


def steps_of(state: TaskState) -> tuple[TaskStep, ...]:
    """The plan."""
    return tuple(TaskStep.model_validate(fields) for fields in state.get("steps", []))


def as_fields(steps: Sequence[TaskStep]) -> list[dict[str, Any]]:
    """A plan as it is kept in the state."""
    return [step.model_dump(mode="json") for step in steps]


def next_step(steps: Sequence[TaskStep]) -> TaskStep | None:
    """The first pending step whose needs are all completed."""
    status = {step.id: step.status for step in steps}
    ready = (step for step in steps if step.status is StepStatus.PENDING and _is_ready(step, status))
    return next(ready, None)


def _is_ready(step: TaskStep, status: Mapping[str, StepStatus]) -> bool:
    return all(status.get(need) is StepStatus.COMPLETED for need in step.needs)


def with_step(steps: Sequence[TaskStep], changed: TaskStep) -> tuple[TaskStep, ...]:
    """A plan with one step replaced by its new form."""
    return tuple(changed if step.id == changed.id else step for step in steps)


def with_skipped(steps: Sequence[TaskStep]) -> tuple[TaskStep, ...]:
    """A plan in which no step is pending: what could not run is skipped."""
    return tuple(
        step.model_copy(update={"status": StepStatus.SKIPPED}) if step.status is StepStatus.PENDING else step
        for step in steps
    )
