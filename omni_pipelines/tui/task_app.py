"""The screen of `omni run TASK --tui`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Footer, Input, RichLog, Static

from omni_pipelines.agent.person import Inquiry
from omni_pipelines.agent.reasoner import TaskReport
from omni_pipelines.agent.session import TaskSession, session_ids
from omni_pipelines.agent.task_events import Phase, TaskEnded, TaskResumed
from omni_pipelines.agent.task_runner import TaskResult
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.events import payload_of
from omni_pipelines.home import Home
from omni_pipelines.records import Event
from omni_pipelines.threads import CallCancelled
from omni_pipelines.tui.screens import HELP, History, Page, figures_page
from omni_pipelines.tui.task_thread import MakeRunner, TaskThread
from omni_pipelines.tui.task_view import TaskView, plain, visible

MAX_HISTORY = 50
MAX_QUOTE = 200
"""Characters of a passage."""
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


class InquiryMade(Message):
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
        """Begin with the task of a session.

        Raises:
            ConfigurationError: its file cannot be read.
        """
        super().__init__()
        self._desk = desk
        self._open(session)

    def _open(self, session: TaskSession) -> None:
        self.session = session
        """Of the last task."""
        self.result: TaskResult | None = None
        """None if the task was cancelled or could not end."""
        self.error: BaseException | None = None
        """Why it could not."""
        self._view = TaskView(session.text, task=session.record.task)
        self._inquiry: Inquiry | None = None
        self._is_at_work = self._is_ending = False

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
        self._begin()

    def _begin(self) -> None:
        self._is_at_work = True
        self._thread = TaskThread(
            self.session,
            self._desk.make_runner,
            heard=lambda event: self.post_message(Heard(event)),
            asked=lambda inquiry: self.post_message(InquiryMade(inquiry)),
        )
        self._thread.result.add_done_callback(lambda _: self.call_later(self._end))
        self._show()

    def on_heard(self, heard: Heard) -> None:
        """Show an event."""
        if isinstance(payload_of(heard.event), TaskResumed):
            for event in self.session.events():
                if event.sequence < heard.event.sequence:
                    self._take(event)
        self._take(heard.event)
        self._show()

    def _take(self, event: Event) -> None:
        for cited in self._view.hear(event):
            quote = shorten(plain(cited.quote), MAX_QUOTE, placeholder=" …")
            self.query_one("#evidence", RichLog).write(f"{plain(cited.citation)}\n  {quote}")
        self._tell(self.session, event)

    def _tell(self, session: TaskSession, event: Event) -> None:
        if line := self._desk.line_of(event):
            self._write(line)
        payload = payload_of(event)
        if isinstance(payload, TaskEnded) and payload.report:
            self._write_report(TaskReport.model_validate_json(session.text(payload.report)))

    def on_inquiry_made(self, made: InquiryMade) -> None:
        """Show a question, and let the person answer."""
        self._inquiry = made.inquiry
        self._write(f"? {made.inquiry.text}")
        self._show()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Answer the question, or begin a new task."""
        said = submitted.value.strip()
        if not said:
            return
        if self._inquiry is not None:
            self._inquiry = None
            self._thread.answers.put(said)
        elif self._is_at_work:
            self.notify("the agent is running; F4 pauses it, Ctrl+C ends it")
            return
        else:
            try:
                self._open(self._desk.new_session(said))
            except OmniError as error:
                self.notify(f"{error.message}; {error.cure}", severity="error", markup=False)
                return
            self._write("")
            self.query_one("#evidence", RichLog).clear()
            self._begin()
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
        self.push_screen(History(self._earlier), self._tell_earlier)

    def action_pause(self) -> None:
        """Pause the task, or let it go on."""
        if self._is_at_work:
            self._thread.pause()
            self._show()

    def action_abort(self) -> None:
        """End the task; leave if there is none, or if it does not end."""
        if self._is_at_work and not self._is_ending:
            self._is_ending = True
            self._thread.cancel()
            self._show()
        else:
            self.exit()

    def _end(self) -> None:
        """Show how the task ended."""
        self._inquiry, self._is_at_work = None, False
        error = self._thread.result.exception()
        if error is None:
            self.result = self._thread.result.result()
            if problem := self.result.problem:
                self._write(f"✗ {problem.message}\n  {problem.cure}")
        elif isinstance(error, CallCancelled):
            self._view.state = "ended by you"
            self._write(f"go on with: omni run --resume {self.session.id}")
        else:
            self.error, self._view.state = error, "stopped"
            if not isinstance(error, OmniError):  # a defect
                self.exit()
                return
            self._write(f"✗ {error.message}\n  {error.cure}")
        self._show()

    def _show(self) -> None:
        view = self._view
        self.query_one("#task", Static).update(f"{plain(view.task)}  ({self._state()})")
        self.query_one("#phases", Static).update(" → ".join(_marked(phase, view.phase) for phase in Phase))
        self.query_one("#plan", Static).update("\n".join(step.line for step in view.steps) or "no plan yet")
        figures = f"calls: {view.calls}\ntokens: {view.tokens:,}\npassages: {len(view.evidence)}"
        self.query_one("#figures", Static).update(figures)
        self.query_one(Input).placeholder = self._hint()

    def _state(self) -> str:
        if not self._is_at_work:
            return self._view.state
        if self._is_ending:
            return "ends"
        if self._thread.is_paused:
            return "paused"
        return "asks you" if self._inquiry else self._view.state

    def _hint(self) -> str:
        if self._inquiry is not None:
            return "type your answer"
        if not self._is_at_work:
            return "type a new task, or leave with Ctrl+C"
        return "F4 goes on" if self._thread.is_paused else "the agent is running"

    def _write(self, text: str) -> None:
        self.query_one("#log", RichLog).write("\n".join(map(visible, text.split("\n"))))

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
        rows: list[tuple[str, str, str]] = []
        for each in session_ids(self._desk.home)[:MAX_HISTORY]:
            session = TaskSession.open(self._desk.home, each)
            try:
                rows.append((each, session.state, session.record.task))
            except ConfigurationError:
                rows.append((each, "damaged", ""))
        return rows

    def _tell_earlier(self, chosen: str | None) -> None:
        if chosen is None:
            return
        try:
            session = TaskSession.open(self._desk.home, chosen)
            self._write(f"\n{chosen}: {session.record.task}")
            for event in session.events():
                self._tell(session, event)
        except OmniError as error:
            self._write(f"✗ {error.message}\n  {error.cure}")


def _marked(phase: Phase, present: Phase | None) -> str:
    return f"[reverse bold] {phase} [/]" if phase is present else f"[dim]{phase}[/]"
