"""A task of the agent in a folder of its own: a clock that kills, a library, and everything that was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from omni_pipelines.agent.extractive import ExtractiveReasoner
from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.person import Person, PreparedAnswers
from omni_pipelines.agent.reasoner import Reasoner
from omni_pipelines.agent.session import TaskRecord, TaskSession
from omni_pipelines.agent.spending import Spending
from omni_pipelines.agent.task_approver import TaskApprover
from omni_pipelines.agent.task_graph import last_state, opened_checkpoints
from omni_pipelines.agent.task_nodes import TaskTools
from omni_pipelines.agent.task_runner import TaskResult, TaskRunner
from omni_pipelines.errors import NetworkUnreachable, NoAnswer
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation, Sentence
from omni_pipelines.permissions.capabilities import capability_of_tool
from omni_pipelines.records import Event
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import ToolDefinition
from omni_pipelines.tools.signature import tool

NewTask = Callable[..., "Task"]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Killed(KeyboardInterrupt):
    """The process ends here."""


@dataclass(frozen=True)
class OpenTools:
    """Tools that everybody may call."""

    catalog: ToolCatalog

    @property
    def tools(self) -> Sequence[ToolDefinition]:
        return self.catalog.tools

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        return self.catalog.call(name, arguments)

    def capability(self, name: str) -> str:
        return capability_of_tool(name)


class Clock:
    """One second later at each event; it kills the process at one of them."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at, self.events = kill_at, 0

    def __call__(self) -> datetime:
        self.events += 1
        if self.events == self.kill_at:
            raise Killed
        return BEGIN + timedelta(seconds=self.events)


@dataclass
class Task:
    """A task, new or begun, and the processes that carry it out one after the other."""

    home: Home
    open_tools: Callable[[TaskSession, TaskApprover], TaskTools]
    text: str
    make_reasoner: Callable[[TaskSession, TaskJournal, Spending], Reasoner] = lambda *_: ExtractiveReasoner()
    limits: dict[str, Any] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener: Callable[[Event], object] = self.heard.append
        record = TaskRecord(
            id="20260101-000000-abcd",
            task=self.text,
            release=1,
            model="scripted",
            **{"steps": None, "tokens": 50_000, **self.limits},
            created=BEGIN,
        )
        folder = self.home.sessions / record.id
        self.session = TaskSession(folder) if folder.exists() else TaskSession.create(self.home, record)

    def run(self, *answers: str, person: Person | None = None, kill_at: int | None = None) -> TaskResult:
        """Let a new process begin or resume it; `kill_at` kills that process at one of its events."""
        runner = TaskRunner(
            open_tools=self.open_tools,
            open_reasoner=self.make_reasoner,
            prove=lambda session, report: None,
            person=person or PreparedAnswers(answers),
            clock=Clock(kill_at),
            listener=self.listener,
        )
        return runner.run(self.session)

    def left_of(self, answers: Sequence[str]) -> Sequence[str]:
        """The answers to questions that are asked after the last checkpoint, for the first time or again."""
        with opened_checkpoints(self.session) as checkpoints:
            kept = last_state(checkpoints).get("sequence", 0)
        answered = [event for event in self.session.events() if event.topic == "agent/person/answered"]
        return answers[sum(event.sequence <= kept for event in answered) :]

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Topic and payload of every recorded event, without the notes that it was resumed."""
        recorded = ((event.topic, dict(event.payload)) for event in self.session.events())
        return [event for event in recorded if event[0] != "agent/task/resumed"]

    def topics(self, *kinds: str) -> list[str]:
        """The recorded topics of some kinds, in order."""
        return [topic for topic, _ in self.events if topic.split("/")[1] in kinds]

    @property
    def nodes(self) -> list[str]:
        """The nodes that were begun, in order."""
        return [payload["node"] for topic, payload in self.events if topic == "agent/node/started"]


SECRET_WORDS = "the keys are rotated on the first of the month"


class Library:
    """Answers questions about keys, and nothing else."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[str] = []
        self.failures = failures

    @tool("knowledge.ask", read_only=True)
    def ask(self, question: str) -> Answer:
        """Answer a question.

        Args:
            question: A question.
        """
        self.calls.append(question)
        if self.failures:
            self.failures -= 1
            raise NetworkUnreachable("the server is down")
        if "key" not in question:
            raise NoAnswer("the sources do not answer this")
        cited = citation(SECRET_WORDS)
        sentences = (Sentence(text=SECRET_WORDS, citations=(cited,)),)
        return Answer(release=1, abstained=False, answer=SECRET_WORDS, sentences=sentences, evidence=0.9)

    @tool("knowledge.search", read_only=True)
    def search(self, query: str, k: int = 10) -> list[dict[str, object]]:
        """Find passages.

        Args:
            query: What to look for.
            k: Number of hits.
        """
        self.calls.append(query)
        return [{**citation("near it").model_dump(), "text": "near it"}]

    @property
    def catalog(self) -> ToolCatalog:
        catalog = ToolCatalog()
        catalog.add(self.ask, self.search)
        return catalog


def citation(quote: str) -> Citation:
    place = {"start_byte": 0, "end_byte": len(quote), "start_line": 1, "end_line": 1}
    names = {"citation": "docs/keys.md:1", "uri": "file:///keys.md", "path": "keys.md", "chunk_id": "c"}
    return Citation(quote=quote, encoding="utf-8", verbatim=True, **names, **place)
