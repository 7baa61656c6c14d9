"""What the screen shows of a task, computed from its events."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from omni_pipelines.agent.report_sources import citations_in
from omni_pipelines.agent.task_events import (
    ModelEnded,
    Phase,
    PhaseEntered,
    PlanMade,
    StepEnded,
    TaskEnded,
    TaskResumed,
    TaskStarted,
    ToolEnded,
    ToolStarted,
)
from omni_pipelines.agent.task_state import SUCCESSES
from omni_pipelines.events import payload_of
from omni_pipelines.knowledge.answers.cited_answer import Citation
from omni_pipelines.records import Event
from omni_pipelines.responses import ToolResponse

MARKS = {"pending": "○", "running": "◉", "completed": "✓", "failed": "✗", "skipped": "-"}
"""State of a step → its mark."""


@dataclass
class ShownStep:
    """A step of the plan."""

    id: str
    description: str
    status: str = "pending"

    @property
    def line(self) -> str:
        """The step on one line."""
        return f"{MARKS[self.status]} {plain(self.description)}"


@dataclass
class TaskView:
    """A task as far as it has come. `text` finds the texts that its events name."""

    text: Callable[[str], str]
    task: str = ""
    model: str = ""
    phase: Phase | None = None
    state: str = "running"
    steps: list[ShownStep] = field(default_factory=list)
    evidence: list[Citation] = field(default_factory=list)
    tools: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    requests: int = 0
    tokens: int = 0
    dollars: float = 0.0
    began: datetime | None = None
    last: datetime | None = None

    @property
    def seconds(self) -> float:
        """From the first event, or from the one that resumed it, to the last one."""
        return (self.last - self.began).total_seconds() if self.began and self.last else 0.0

    @property
    def calls(self) -> str:
        """How many calls of tools there were, and failed."""
        return f"{self.tools.total()}, {self.failures} failed"

    def hear(self, event: Event) -> Sequence[Citation]:
        """Take an event in, and return the passages that are new."""
        self.began, self.last = self.began or event.timestamp, event.timestamp
        known = len(self.evidence)
        match payload_of(event):
            case TaskStarted(task=task, model=model):
                self.task, self.model = task, model
            case TaskResumed():
                self.began = event.timestamp
            case TaskEnded(outcome=outcome):
                self.state = outcome
            case PhaseEntered(phase=phase):
                self.phase = phase
            case PlanMade(steps=steps):
                self.steps = [ShownStep(str(step["id"]), str(step["description"])) for step in steps]
            case StepEnded(step=step, status=status):
                self._mark(step, status)
            case ToolStarted(step=step, tool=tool):
                self.tools[tool] += 1
                self._mark(step, "running")
            case ToolEnded() as ended:
                self._end(ended)
            case ModelEnded(tokens=tokens, dollars=dollars):
                self.requests += 1
                self.tokens, self.dollars = tokens, dollars
        return self.evidence[known:]

    def figures(self) -> Iterator[tuple[str, str]]:
        """The statistics: names and values."""
        yield "model", self.model
        yield "time", f"{self.seconds:.1f} s"
        yield "calls of tools", self.calls
        for tool, calls in self.tools.most_common():
            yield f"  {tool}", str(calls)
        yield "requests to the model", str(self.requests)
        yield "tokens", f"{self.tokens:,}"
        if self.dollars:
            yield "price", f"${self.dollars:.4f}"
        yield "passages", str(len(self.evidence))

    def _mark(self, step: str, status: str) -> None:
        for each in self.steps:
            if each.id == step:
                each.status = status

    def _end(self, ended: ToolEnded) -> None:
        if ended.status not in SUCCESSES:
            self.failures += 1
            return
        known = {each.citation for each in self.evidence}
        response = ToolResponse.model_validate_json(self.text(ended.output))
        self.evidence += [each for each in citations_in(response.data) if each.citation not in known]


def visible(text: str) -> str:
    r"""A line as it is, with what a terminal would obey as an escape, such as \x1b."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else character.encode("unicode_escape").decode()


def plain(text: str) -> str:
    """A text on one line, for a list or a title."""
    return " ".join(visible(text).split())
