"""What the commands print that carry out tasks and show their sessions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from pydantic import JsonValue

from omni_pipelines.agent.reasoner import TaskReport
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_events import PersonAsked, TaskEnded
from omni_pipelines.cli.output import Stdout, narrate, say, say_now
from omni_pipelines.cli.text import cell, cut, say_fields, shell_word
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.events import payload_of
from omni_pipelines.records import Event

MAX_LINE = 160


@dataclass(frozen=True)
class SessionRow:
    """A session in a list."""

    id: str
    state: str
    created: datetime
    release: int | None
    task: str

    @classmethod
    def of(cls, session: TaskSession) -> Self:
        """The row of a session; one whose file is damaged has a note instead of its task."""
        try:
            record = session.record
        except ConfigurationError as error:
            created = datetime.fromtimestamp(session.folder.stat().st_mtime, UTC)
            return cls(session.id, "damaged", created, None, error.message)
        return cls(session.id, session.state, record.created, record.release, record.task)


@dataclass(frozen=True)
class ShownSession:
    """A session with its events."""

    session: SessionRow
    question: str
    """What it waits for; "" if it waits for nothing."""
    events: Sequence[Event]
    report: TaskReport | None
    receipt: str

    @classmethod
    def of(cls, session: TaskSession) -> Self:
        """All that a session recorded."""
        row, events = SessionRow.of(session), session.events()
        last = payload_of(events[-1]) if events else None
        question = last.question if isinstance(last, PersonAsked) else ""
        name = last.report if isinstance(last, TaskEnded) else ""
        report = TaskReport.model_validate_json(session.text(name)) if name else None
        receipt = str(session.receipt_file) if session.receipt_file.exists() else ""
        return cls(row, question, events, report, receipt)


def show_session(shown: ShownSession) -> None:
    """Print the task, its state, what was done, and the report."""
    row = shown.session
    say_fields({"session": row.id, "state": row.state, "created": row.created, "release": row.release}, 9)
    say_fields({"task": row.task}, 9)
    for event in shown.events:
        if text := event_line(event):
            say(f"  {text}")
    if shown.question:
        say_fields({"question": shown.question}, 9)
        narrate(f"answer it: omni run --resume {row.id} --answer TEXT")
    if shown.report is not None:
        say()
        show_report(shown.report, shown.receipt)


_LINES: Mapping[str, str] = {
    "agent/phase": "{phase}",
    "agent/plan": "  plan of {steps} steps",
    "agent/tool/started": "  {tool} {arguments}",
    "agent/tool/ended": "    {status} {message}",
    "agent/step/ended": "  step {step} {status} {message}",
    "agent/task/resumed": "resumed",
}
"""Topic → the line that a person sees."""


def narrate_event(event: Event) -> None:
    """Tell a person who watches what happens."""
    if text := event_line(event):
        narrate(text)


def event_line(event: Event) -> str:
    """An event as a line for a person; "" for one that only programs need."""
    template = _LINES.get(event.topic, "")
    fields = {name: _short(value) for name, value in event.payload.items()}
    return cut(template.format(**fields).rstrip(), MAX_LINE)


def _short(value: JsonValue) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={shell_word(cell(each))}" for name, each in value.items())
    return str(len(value)) if isinstance(value, list) else cell(value)


def event_printer(stdout: Stdout | None) -> Callable[[Event], None]:
    """Prints each event as a line of JSON, at once."""

    def write(event: Event) -> None:
        if stdout is not None:
            stdout.has_document = True  # an error is told by the last event, not by a document
        say_now(event.model_dump_json())

    return write


def show_report(report: TaskReport, receipt: str) -> None:
    """Print the answer with its citations, or what the task did."""
    from omni_pipelines.cli.views.search import show_answer  # loads the library of answers

    if report.answer is not None:
        show_answer(report.answer)
    elif report.text:
        say(report.text)
    if report.nearest:
        narrate("the nearest passages, which do not answer it:")
        for cited in report.nearest:
            narrate(f"  {shell_word(cited.citation)}")
    if receipt:
        narrate(f"receipt: {receipt}")
