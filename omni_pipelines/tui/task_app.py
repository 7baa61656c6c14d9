"""The screen of `omni run TASK --tui`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Footer, Input, RichLog, Static

from omni_pipelines.agent.person import Inquiry
from omni_pipelines.agent.reasoner import TaskReport
from omni_pipelines.agent.session import TaskSession, session_ids
from omni_pipelines.agent.task_events import Phase, TaskEnded
from omni_pipelines.agent.task_runner import TaskResult
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.events import payload_of
from omni_pipelines.home import Home
from omni_pipelines.records import Event
from omni_pipelines.threads import CallCancelled
from omni_pipelines.tui.screens import HELP, History, Page, figures_page
from omni_pipelines.tui.task_thread import MakeRunner, TaskThread
from omni_pipelines.tui.task_view import TaskView, plain

MAX_HISTORY = 50
MAX_QUOTE = 200
MAX_LINES = 2_000
"""That can be scrolled to."""


@dataclass(frozen=True)
class TaskDesk:
    """What the screen needs: where tasks are, how they are made, carried out and told."""

    home: Home
    new_session: Callable[[str], TaskSession]
    make_runner: MakeRunner
    line_of: Callable[[Event], str]
    """An event as a line; "" for one that only programs need."""


class Heard(Message):
    """The task published an event."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class Asked(Message):
    """The task asks the person."""

    def __init__(self, inquiry: Inquiry) -> None:
        super().__init__()
        self.inquiry = inquiry


class TaskApp(App[None]):
    """Shows a task while it is carried out, and takes answers and further tasks."""

    TITLE = "omni"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "task_app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help"),
        Binding("f2", "history", "History"),
        Binding("f3", "figures", "Statistics"),
        Binding("f4", "pause", "Pause"),
        Binding("ctrl+c", "abort", "End", priority=True),
    ]

    def __init__(self, desk: TaskDesk, session: TaskSession) -> None:
        super().__init__()
        self._desk, self._first = desk, session
        self._inquiry: Inquiry | None = None
        self.result: TaskResult | None = None
        """Of the last task; None if it was cancelled or could not end."""
        self.error: OmniError | None = None
        """Why it could not."""

    def compose(self) -> ComposeResult:
        """Task and phases above, plan and figures at the left, what happens and its evidence at the right."""
        yield Static(id="task", markup=False)
        yield Static(id="phases")
        with Horizontal():
            with Vertical(id="left"):
                yield Static(id="plan", markup=False)
                yield Static(id="figures", markup=False)
            with Vertical(id="right"):
                yield RichLog(id="log", wrap=True, markup=False, max_lines=MAX_LINES, min_width=1)
                yield RichLog(id="evidence", wrap=True, markup=False, max_lines=MAX_LINES, min_width=1)
        yield Input(id="input", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Name the parts, and begin."""
        for part, title in (
            ("plan", "Plan"),
            ("figures", "Figures"),
            ("log", "What it does"),
            ("evidence", "Evidence"),
        ):
            self.query_one(f"#{part}").border_title = title
        self.query_one(Input).focus()
        self._begin(self._first)

    def _begin(self, session: TaskSession) -> None:
        self.result = self.error = None
        self._view = TaskView(session.text, task=session.record.task)
        self._thread = TaskThread(
            session,
            self._desk.make_runner,
            heard=lambda event: self.post_message(Heard(event)),
            asked=lambda inquiry: self.post_message(Asked(inquiry)),
        )
        self._thread.result.add_done_callback(lambda _: self.call_later(self._end))
        self._show()

    def on_heard(self, heard: Heard) -> None:
        """Show an event."""
        for cited in self._view.hear(heard.event):
            quote = plain(cited.quote)[:MAX_QUOTE]
            self.query_one("#evidence", RichLog).write(f"{plain(cited.citation)}\n  {quote}")
        if line := self._desk.line_of(heard.event):
            self._write(line)
        payload = payload_of(heard.event)
        if isinstance(payload, TaskEnded) and payload.report:
            self._write_report(TaskReport.model_validate_json(self._thread.session.text(payload.report)))
        self._show()

    def on_asked(self, asked: Asked) -> None:
        """Show a question, and let the person answer."""
        self._inquiry = asked.inquiry
        self._write(f"? {asked.inquiry.text}")
        self._show()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Answer the question, or begin a new task."""
        said = submitted.value.strip()
        if not said:
            return
        if self._inquiry is not None:
            self._inquiry = None
            self._thread.answers.put(said)
        elif self._thread.result.done():
            try:
                self._begin(self._desk.new_session(said))
            except OmniError as error:
                self.notify(error.message, title=error.cure, severity="error")
                return
            self._write("")
        else:
            self.notify("the agent is at work; F4 pauses it, Ctrl+C ends it")
            return
        submitted.input.clear()
        self._show()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Page("Help", HELP))

    def action_figures(self) -> None:
        """Show the statistics."""
        self.push_screen(figures_page(self._view.figures()))

    def action_history(self) -> None:
        """Show earlier tasks; the chosen one is told in the log."""
        self.push_screen(History(self._earlier), self._tell)

    def action_pause(self) -> None:
        """Pause the task, or let it go on."""
        if not self._thread.result.done():
            self._thread.pause()
            self._show()

    def action_abort(self) -> None:
        """End the task; leave if there is none."""
        if self._thread.result.done():
            self.exit()
        else:
            self._thread.cancel()

    def _end(self) -> None:
        """Show how the task ended."""
        self._inquiry = None
        error = self._thread.result.exception()
        if error is None:
            self.result = self._thread.result.result()
            if problem := self.result.problem:
                self._write(f"✗ {problem.message}")
        elif isinstance(error, CallCancelled):
            self._view.state = "ended by you"
            self._write(f"go on with: omni run --resume {self._thread.session.id}")
        elif isinstance(error, OmniError):
            self.error, self._view.state = error, "stopped"
            self._write(f"✗ {error.message}\n  {error.cure}")
        else:
            raise error
        self._show()

    def _show(self) -> None:
        view, thread = self._view, self._thread
        state = "paused" if thread.is_paused and not thread.result.done() else view.state
        self.query_one("#task", Static).update(f"{plain(view.task)}  ({state})")
        self.query_one("#phases", Static).update(" → ".join(_marked(phase, view.phase) for phase in Phase))
        self.query_one("#plan", Static).update("\n".join(step.line for step in view.steps) or "no plan yet")
        figures = [f"{view.tools.total()} calls, {view.failures} failed", f"{view.tokens:,} tokens"]
        self.query_one("#figures", Static).update("\n".join([*figures, f"{len(view.evidence)} passages"]))
        self.query_one(Input).placeholder = self._hint()

    def _hint(self) -> str:
        if self._inquiry is not None:
            return "your answer"
        return "a new task" if self._thread.result.done() else "the agent is at work"

    def _write(self, text: str) -> None:
        lines = (plain(line) if line.strip() == line else f"  {plain(line)}" for line in text.split("\n"))
        self.query_one("#log", RichLog).write("\n".join(lines))

    def _write_report(self, report: TaskReport) -> None:
        self._write("")
        if report.answer is None:
            self._write(report.text or "no answer")
            return
        label = ""
        for number, sentence in enumerate(report.answer.sentences, 1):
            if sentence.label not in ("", label):
                self._write(f"{sentence.label}:")
            label = sentence.label
            self._write(f"{sentence.text} [{number}]")
        for number, sentence in enumerate(report.answer.sentences, 1):
            self._write(f"[{number}] {' '.join(cited.citation for cited in sentence.citations)}")

    def _earlier(self) -> Sequence[tuple[str, str, str]]:
        rows = []
        for each in session_ids(self._desk.home)[:MAX_HISTORY]:
            session = TaskSession.open(self._desk.home, each)
            try:
                rows.append((each, session.state, session.record.task))
            except ConfigurationError:
                rows.append((each, "damaged", ""))
        return rows

    def _tell(self, chosen: str | None) -> None:
        if chosen is None:
            return
        session = TaskSession.open(self._desk.home, chosen)
        self._write(f"\n{chosen}: {session.record.task}")
        for event in session.events():
            if line := self._desk.line_of(event):
                self._write(line)
            payload = payload_of(event)
            if isinstance(payload, TaskEnded) and payload.report:
                self._write_report(TaskReport.model_validate_json(session.text(payload.report)))


def _marked(phase: Phase, present: Phase | None) -> str:
    return f"[reverse bold] {phase} [/]" if phase is present else f"[dim]{phase}[/]"
