"""The events of a task: its phases and nodes, calls of tools and models, questions to the person, and its budget.

No payload has a duration: it is the time between the event that starts a span and the one that ends it.
"""

from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from omni_pipelines.events import Payload


class Phase(StrEnum):
    """What the agent does at the moment, for a person who watches."""

    SNIFFING = "SNIFFING"
    """It looks at what there is: the knowledge base and the tools."""
    RECALL = "RECALL"
    """It searches what is known about the task."""
    PLAN = "PLAN"
    ACT = "ACT"
    REFLECT = "REFLECT"
    """It checks the results, changes its plan, or sums up."""


class TaskStarted(Payload, topics=("agent/task/started",)):
    """A task begins."""

    task: str
    release: int | None
    """The release that is read; None if there is none."""
    model: str


class TaskResumed(Payload, topics=("agent/task/resumed",)):
    """A process continues a task from its last checkpoint."""


class TaskEnded(Payload, topics=("agent/task/ended",)):
    """A task is over."""

    outcome: Literal["done", "failed"]
    code: str = ""
    """The error code of a failure."""
    message: str = ""
    cure: str = ""
    report: str = ""
    """The name of the report among the texts of the session."""


class PhaseEntered(Payload, topics=("agent/phase",)):
    """The phase has changed."""

    phase: Phase


class NodeStarted(Payload, topics=("agent/node/started",)):
    """A node of the graph begins."""

    node: str


class NodeEnded(Payload, topics=("agent/node/ended",)):
    """A node of the graph is done."""

    node: str
    following: str
    """The node that comes next."""
    changed: tuple[str, ...]
    """The fields of the state that it changed."""


class PlanMade(Payload, topics=("agent/plan",)):
    """There is a new plan."""

    round: int
    """0 for the first plan, then one more for each new one."""
    steps: tuple[dict[str, JsonValue], ...]


class StepEnded(Payload, topics=("agent/step/ended",)):
    """A step of the plan is over."""

    step: str
    status: str
    message: str = ""


class ToolStarted(Payload, topics=("agent/tool/started",)):
    """A tool is called."""

    step: str
    tool: str
    arguments: dict[str, JsonValue]


class ToolEnded(Payload, topics=("agent/tool/ended",)):
    """A tool has answered."""

    step: str
    tool: str
    status: str
    output: str
    """The name of the whole response among the texts of the session."""
    code: str = ""
    message: str = ""


class PersonAsked(Payload, topics=("agent/person/asked",)):
    """The person is asked something. If nobody answers, this is the last event until the task is resumed."""

    kind: Literal["clarify", "review", "approve", "uncertain"]
    question: str


class PersonAnswered(Payload, topics=("agent/person/answered",)):
    """The person has answered."""

    kind: str
    answer: str


class ModelStarted(Payload, topics=("agent/model/started",)):
    """The language model is asked."""

    purpose: str
    """What for: the node that asks."""
    tokens: int
    """Of the request, as we count them."""


class ModelEnded(Payload, topics=("agent/model/ended",)):
    """The language model has answered."""

    purpose: str
    input_tokens: int
    output_tokens: int
    tokens: int
    """Of the whole task so far."""
    dollars: float
    """What they cost."""


class BudgetExtended(Payload, topics=("agent/budget",)):
    """A task may make more calls than was estimated."""

    calls: int
    """The new limit."""
    reason: str


class LoopNoticed(Payload, topics=("agent/loop",)):
    """Calls bring nothing new."""

    level: Literal["hint", "replan", "stop"]
    """What the agent does about it."""
    reason: str


class ContextPruned(Payload, topics=("agent/context",)):
    """A conversation was too long for the language model."""

    purpose: str
    turns: tuple[dict[str, JsonValue], ...]
    """What became of each turn: role, beginning, tokens, those that are left, and whether it was cut or left out."""
