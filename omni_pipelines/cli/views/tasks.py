"""What the commands print that carry out tasks and show their sessions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from pydantic import JsonValue

from omni_pipelines.agent.reasoner import TaskReport
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_events import ContextPruned, PersonAsked, Phase, PhaseEntered, TaskEnded
from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Rows
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.output import Stdout, narrate, say, say_now
from omni_pipelines.cli.text import cell, cut, say_fields, say_table, shell_word
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.events import payload_of
from omni_pipelines.records import Event

if TYPE_CHECKING:
    from omni_pipelines.agent.note_taker import SessionNote
    from omni_pipelines.agent.release_comparison import ComparedCall
    from omni_pipelines.agent.replay import ReplayResult

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
    with_context: bool = text_only(False)

    @classmethod
    def of(cls, session: TaskSession, *, with_context: bool = False) -> Self:
        """All that a session recorded."""
        row, events = SessionRow.of(session), session.events()
        last = payload_of(events[-1]) if events else None
        question = last.question if isinstance(last, PersonAsked) else ""
        name = last.report if isinstance(last, TaskEnded) else ""
        report = TaskReport.model_validate_json(session.text(name)) if name else None
        receipt = str(session.receipt_file) if session.receipt_file.exists() else ""
        return cls(row, question, events, report, receipt, with_context)


def show_session(shown: ShownSession) -> None:
    """Print the task, its state, what was done, and the report."""
    row = shown.session
    say_fields({"session": row.id, "state": row.state, "created": row.created, "release": row.release}, 9)
    say_fields({"task": row.task}, 9)
    for event in shown.events:
        if text := event_line(event):
            say(f"  {text}")
        payload = payload_of(event)
        if shown.with_context and isinstance(payload, ContextPruned):
            _show_context(payload)
    if shown.with_context and not any(event.topic in ContextPruned.topics for event in shown.events):
        narrate("no conversation was too long: the model was given all of each")
    if shown.question:
        first, *rest = shown.question.splitlines()
        say_fields({"question": first}, 9)
        for line in rest:
            say(f"          {line}")
        narrate(f"answer it: omni run --resume {row.id} --answer TEXT")
    if shown.report is not None:
        say()
        show_report(shown.report, shown.receipt)


def _show_context(context: ContextPruned) -> None:
    say(f"  context for {context.purpose}:")
    rows = [(turn["reason"], turn["role"], turn["tokens"], turn["kept"], turn["beginning"]) for turn in context.turns]
    say_table(("what", "role", "tokens", "kept", "beginning"), rows)


_PHASES: Mapping[str, str] = {
    Phase.SNIFFING: "finding the tools",
    Phase.RECALL: "finding notes of earlier tasks",
    Phase.PLAN: "planning",
    Phase.ACT: "acting",
    Phase.REFLECT: "checking the results",
}
"""Phase → the words that a person sees."""

_LINES: Mapping[str, str] = {
    "agent/plan": "  steps planned: {steps}",
    "agent/tool/started": "  {tool} {arguments}",
    "agent/tool/ended": "    {status} {message}",
    "agent/step/ended": "  step {step} {status} {message}",
    "agent/person/answered": "  you: {answer}",
    "agent/loop": "  {level}: {reason}",
    "agent/budget": "  up to {calls} calls: {reason}",
    "agent/task/resumed": "resumed",
}
"""Topic → the line that a person sees."""


def narrate_event(event: Event) -> None:
    """Tell a person who watches what happens."""
    if text := event_line(event):
        narrate(text)


def event_line(event: Event) -> str:
    """An event as a line for a person; "" for one that only programs need."""
    if event.topic in PhaseEntered.topics:
        return _PHASES[str(event.payload["phase"])]
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


def show_replay(result: "ReplayResult | Rows[ComparedCall]") -> None:
    """Print whether the events are the same, or each call with what differs."""
    if isinstance(result, Rows):
        for call in result.rows:
            arguments = _short(dict(call.arguments))
            say(f"{'same' if call.is_same else 'differs'}: {call.tool} {cut(arguments, MAX_LINE)}")
            for sign, citations in (("-", call.gone), ("+", call.new)):
                for citation in citations:
                    say(f"  {sign} {shell_word(citation)}")
            if call.answer[0] != call.answer[1]:
                say(f"  then: {cell(call.answer[0]) or 'no answer'}")
                say(f"  now:  {cell(call.answer[1]) or 'no answer'}")
    elif result.is_identical:
        say(f"{result.events} events are the same, bit for bit")


@dataclass(frozen=True)
class TakenNote:
    """A note of a session."""

    session: str
    note: "SessionNote"
    is_saved: bool


def show_note(taken: TakenNote) -> None:
    """Print the note, and how much shorter it is than the session."""
    say(taken.note.text.rstrip())
    narrate(f"{counted(taken.note.tokens, 'token')} of a session of {taken.note.session_tokens:,}")
    if taken.is_saved:
        narrate(f"saved as entry {taken.note.entry_id}; omni ingest makes it searchable")
    else:
        narrate("save it for later tasks with --save")
