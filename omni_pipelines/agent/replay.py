"""Replays a session: the whole task runs again, with what its tools, its model and its person said then.

Nothing is called and nobody is asked, so neither a model nor a network is needed. The events must come out as they
were recorded, bit for bit: that shows that the task depended on nothing that was not recorded.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.person import PreparedAnswers
from omni_pipelines.agent.reasoner import Reasoner
from omni_pipelines.agent.session import ENDED, TaskSession
from omni_pipelines.agent.spending import Spending
from omni_pipelines.agent.task_events import PersonAnswered, Phase, TaskResumed
from omni_pipelines.agent.task_model import AskModel
from omni_pipelines.agent.task_nodes import TaskTools
from omni_pipelines.agent.task_runner import TaskRunner
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.events import Payload, payload_of
from omni_pipelines.language_models.port import Message, ModelTool, Turn
from omni_pipelines.records import Event, Record
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition

_COPIED = ("task.json", "effects.jsonl", "replies.jsonl", "texts")


class ReplayResult(Record):
    """Whether a session was replayed as it was recorded."""

    session: str
    events: int
    """Events that were recorded."""
    is_identical: bool
    difference: str = ""
    """The first difference."""


class NotRecorded(BaseException):
    """The replay needs something that was not recorded; no handler of errors may continue."""


class _RecordedTools:
    """Tools that are never called."""

    def __init__(self, tools: TaskTools) -> None:
        self._tools = tools

    @property
    def tools(self) -> Sequence[ToolDefinition]:
        return self._tools.tools

    def capability(self, name: str) -> str:
        return self._tools.capability(name)

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        raise NotRecorded(f"a call of {name}")


class _RecordedJournal(TaskJournal):
    """A journal that was also interrupted where the recorded one was."""

    def __init__(
        self, session: TaskSession, sequence: int = 0, *, recorded: Sequence[Event], **ports: object
    ) -> None:
        self._recorded = recorded
        super().__init__(session, sequence, clock=self._next_time, listener=lambda event: None)

    def _next_time(self) -> datetime:
        if self.sequence > len(self._recorded):
            raise NotRecorded(f"event {self.sequence}")
        return self._recorded[self.sequence - 1].timestamp

    def _resume(self) -> None:
        while self.sequence < len(self._recorded) and self._recorded[self.sequence].topic == TaskResumed.topics[0]:
            super().publish(TaskResumed())

    def publish(self, payload: Payload) -> Event:
        self._resume()
        return super().publish(payload)

    def enter(self, phase: Phase) -> None:
        self._resume()
        super().enter(phase)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        self._resume()
        with super().span(name):
            yield


def never_asked(messages: Sequence[Message], schema: Mapping[str, object] | None, tools: Sequence[ModelTool]) -> Turn:
    """In place of a model: its replies are recorded."""
    raise NotRecorded("a call of the language model")


MakeReasoner = Callable[[TaskSession, TaskJournal, Spending, AskModel], Reasoner]


def replay_session(session: TaskSession, tools: TaskTools, make_reasoner: MakeReasoner) -> ReplayResult:
    """Run the task of a session again from its records, in a folder that is deleted afterwards.

    Raises:
        ConfigurationError: the session has not ended.
    """
    if session.state not in ENDED:
        cure = f"let it end first: omni run --resume {session.id}"
        raise ConfigurationError(f"session {session.id} has not ended", cure=cure)
    recorded = session.events()
    with tempfile.TemporaryDirectory(prefix="omni-replay-") as folder:
        copy = _copied(session, Path(folder))
        runner = TaskRunner(
            open_tools=lambda _, approver: _RecordedTools(tools),
            open_reasoner=lambda of, journal, spending: make_reasoner(of, journal, spending, never_asked),
            prove=lambda _, report: None,
            person=PreparedAnswers(_answers(recorded)),
            open_journal=partial(_RecordedJournal, recorded=recorded),
        )
        missing = ""
        try:
            runner.run(copy)
        except NotRecorded as error:
            missing = f"it needs {error}, which was not recorded"
        difference = missing or _difference(session, copy)
    return ReplayResult(session=session.id, events=len(recorded), is_identical=not difference, difference=difference)


def _copied(session: TaskSession, folder: Path) -> TaskSession:
    """A session with the same id that has recorded calls and replies, and no events."""
    copy = folder / session.id
    copy.mkdir()
    for name in _COPIED:
        source = session.folder / name
        if source.is_dir():
            shutil.copytree(source, copy / name)
        elif source.exists():
            shutil.copy(source, copy / name)
    return TaskSession(copy)


def _answers(recorded: Sequence[Event]) -> Iterator[str]:
    """What the person said about the task and its plans; what was said about a call is recorded with the call."""
    for event in recorded:
        payload = payload_of(event)
        if isinstance(payload, PersonAnswered) and payload.kind in ("clarify", "review"):
            yield payload.answer


def _difference(session: TaskSession, copy: TaskSession) -> str:
    """The first line in which two records differ; "" if there is none."""
    recorded = session.events_file.read_bytes().splitlines()
    replayed = copy.events_file.read_bytes().splitlines()
    for number, (before, after) in enumerate(zip(recorded, replayed, strict=False), 1):
        if before != after:
            return f"event {number}: {after.decode()} instead of {before.decode()}"
    if len(recorded) != len(replayed):
        return f"{len(replayed)} events instead of {len(recorded)}"
    return ""
