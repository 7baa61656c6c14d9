"""Turns the record of a session into a note of at most 500 tokens that the next session finds.

Without a model: what counts is taken from the events themselves, the most important first: what was decided and by
whom, what was changed, what failed and why, what is still open, and what was found. What does not fit is left out
from the end of that order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatchmethod

import orjson

from omni_pipelines.agent.reasoner import TaskReport
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_events import (
    LoopNoticed,
    PersonAnswered,
    PersonAsked,
    PlanMade,
    StepEnded,
    TaskEnded,
    TaskStarted,
    ToolEnded,
    ToolStarted,
)
from omni_pipelines.agent.task_state import SUCCESSES
from omni_pipelines.agent_tools.notes import SOURCE
from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.events import Payload, payload_of
from omni_pipelines.home import Home
from omni_pipelines.records import KnowledgeEntry

MAX_TOKENS = 500
MAX_FACT = 240
"""Characters of one fact."""
_HEADINGS = ("Decisions", "Changes", "Errors", "Open questions", "Found")
_REJECTED = "7004"


@dataclass(frozen=True)
class SessionNote:
    """A note, and how much shorter it is than its session."""

    title: str
    text: str
    tokens: int
    session_tokens: int = 0
    entry_id: str = ""

    @property
    def entry(self) -> KnowledgeEntry:
        """The note as a knowledge entry, which the next ingest reads and `notes.find` finds at once."""
        entry = KnowledgeEntry(id=self.entry_id, title=self.title, content=self.text, source=SOURCE)
        return entry.with_tags("session")


class NoteTaker:
    """Takes notes.

    Args:
        count: the number of tokens of a text.
        reads: whether a tool, by its name, changes nothing.
    """

    def __init__(self, count: Callable[[str], int], reads: Callable[[str], bool]) -> None:
        self._count, self._reads = count, reads

    def distill(self, events: Sequence[Payload], report: str = "") -> SessionNote:
        """The note of a session with these events and this report."""
        facts = _Facts(self._reads)
        for payload in events:
            facts.add(payload)
        facts.finish(report)
        return self._fitted(facts)

    def _fitted(self, facts: "_Facts") -> SessionNote:
        """The facts that fit, in the order of their importance, under the headings of the note."""
        kept: dict[str, list[str]] = {}
        text = _text(facts.task, kept)
        for heading in _HEADINGS:
            for fact in dict.fromkeys(facts.found[heading]):
                tried = {**kept, heading: [*kept.get(heading, []), fact]}
                if self._count(_text(facts.task, tried)) <= MAX_TOKENS:
                    kept, text = tried, _text(facts.task, tried)
        return SessionNote(_short(facts.task, 80), text, self._count(text))


class _Facts:
    """Facts of a session, by the heading under which they stand."""

    def __init__(self, reads: Callable[[str], bool]) -> None:
        self._reads = reads
        self.task = ""
        self.found: dict[str, list[str]] = {heading: [] for heading in _HEADINGS}
        self._question = ""
        self._arguments: dict[str, object] = {}
        self._plan: dict[str, str] = {}

    @singledispatchmethod
    def add(self, payload: Payload) -> None:
        """Take an event into account; most hold no fact."""

    def finish(self, report: str) -> None:
        """Take the end of the session into account."""
        if self._question:
            self.found["Open questions"].append(_short(self._question))
        self.found["Found"] += [_short(line) for line in report.splitlines() if line.strip()]

    @add.register
    def _(self, payload: TaskStarted) -> None:
        self.task = payload.task

    @add.register
    def _(self, payload: PersonAsked) -> None:
        self._question = payload.question.splitlines()[0]

    @add.register
    def _(self, payload: PersonAnswered) -> None:
        self.found["Decisions"].append(f"{_short(self._question, 120)} {_short(payload.answer, 120)}")
        self._question = ""

    @add.register
    def _(self, payload: PlanMade) -> None:
        self._plan = {str(step["id"]): str(step["description"]) for step in payload.steps}
        steps = "; ".join(self._plan.values())
        self.found["Decisions"].append(_short(f"plan {payload.round + 1}: {steps}"))

    @add.register
    def _(self, payload: ToolStarted) -> None:
        self._arguments = dict(payload.arguments)

    @add.register
    def _(self, payload: ToolEnded) -> None:
        named = " ".join(f"{name}={_short(_as_text(value), 80)}" for name, value in self._arguments.items())
        if payload.status in SUCCESSES and not self._reads(payload.tool):
            self.found["Changes"].append(_short(f"{payload.tool} {named}"))
        if payload.status not in SUCCESSES:
            self.found["Errors"].append(_short(f"{payload.tool} {named}: {payload.message} [{payload.code}]"))

    @add.register
    def _(self, payload: StepEnded) -> None:
        what = self._plan.get(payload.step, payload.step)
        if payload.status != "completed":
            self.found["Open questions"].append(_short(f"not done: {what}: {payload.message}"))
        elif payload.message:
            self.found["Found"].append(_short(f"{what}: {payload.message}"))

    @add.register
    def _(self, payload: LoopNoticed) -> None:
        self.found["Errors"].append(_short(payload.reason))

    @add.register
    def _(self, payload: TaskEnded) -> None:
        if payload.code:
            heading = "Decisions" if payload.code == _REJECTED else "Errors"
            self.found[heading].insert(0, _short(f"{payload.message} [{payload.code}]"))


def taken_note(home: Home, session: TaskSession, count: Callable[[str], int]) -> SessionNote:
    """The note of a session.

    Raises:
        ConfigurationError: the session has nothing to tell yet.
    """
    payloads = [payload for event in session.events() if (payload := payload_of(event)) is not None]
    last = payloads[-1] if payloads else None
    if not isinstance(last, TaskEnded):
        raise ConfigurationError(f"session {session.id} has not ended", cure="let it end: omni sessions resume ID")
    report = TaskReport.model_validate_json(session.text(last.report)).text if last.report else ""
    reading = {tool.name for tool in shipped_tools(home).catalog.tools if tool.annotations.read_only_hint}
    note = NoteTaker(count, reading.__contains__).distill(payloads, report)
    outputs = {payload.output for payload in payloads if isinstance(payload, ToolEnded)}
    size = count(session.events_file.read_text("utf-8")) + sum(count(session.text(output)) for output in outputs)
    return replace(note, session_tokens=size, entry_id=f"session-{session.id}")


def _text(task: str, kept: dict[str, list[str]]) -> str:
    parts = [f"# {_short(task)}"]
    parts += [
        f"## {heading}\n\n" + "\n".join(f"- {fact}" for fact in kept[heading])
        for heading in _HEADINGS
        if heading in kept
    ]
    return "\n\n".join(parts) + "\n"


def _short(text: str, length: int = MAX_FACT) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
