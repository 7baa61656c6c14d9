"""The screen of a task, driven without a terminal."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from omni_pipelines.agent.extractive import ExtractiveReasoner
from omni_pipelines.agent.gated_tools import gated_tools
from omni_pipelines.agent.journal import Listener
from omni_pipelines.agent.person import Person
from omni_pipelines.agent.reasoner import Reasoner
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_approver import TaskApprover
from omni_pipelines.agent.task_nodes import TaskTools
from omni_pipelines.agent.task_runner import TaskRunner
from omni_pipelines.cli.views.tasks import event_line
from omni_pipelines.home import Home
from omni_pipelines.records import Event
from omni_pipelines.testing.fakes import ScriptedModel, ScriptedReply
from omni_pipelines.tools.catalog import ToolCatalog
from tests.agent_task import SECRET_WORDS, Killed, Library, OpenTools, Task
from tests.scripted_tasks import GOOD, call, done, lesson, planned, reasoning, says

textual = pytest.importorskip("textual")
from textual.pilot import Pilot  # noqa: E402
from textual.widgets import Input, OptionList, RichLog, Static  # noqa: E402

from omni_pipelines.tui.screens import History, Page  # noqa: E402
from omni_pipelines.tui.task_app import TaskApp, TaskDesk  # noqa: E402
from omni_pipelines.tui.task_view import plain, visible  # noqa: E402

QUESTION = "When are the keys rotated?"
Act = Callable[[Pilot[None], TaskApp], Awaitable[None]]


def screen(
    home: Home,
    text: str = QUESTION,
    library: Library | None = None,
    make_reasoner: Callable[..., Reasoner] = lambda *_: ExtractiveReasoner(),
    session: TaskSession | None = None,
    heard: Callable[[Event], object] = lambda _: None,
    open_tools: Callable[[TaskSession, TaskApprover], TaskTools] | None = None,
) -> TaskApp:
    catalog: ToolCatalog = (library or Library()).catalog
    open_tools = open_tools or (lambda *_: OpenTools(catalog))
    tasks = iter(range(100))

    def new_session(task: str) -> TaskSession:
        return Task(Home(home.root / str(next(tasks))), open_tools, task).session

    def make_runner(person: Person, listener: Listener) -> TaskRunner:
        def listen(event: Event) -> None:
            heard(event)
            listener(event)

        return TaskRunner(open_tools, make_reasoner, lambda *_: None, person=person, listener=listen)

    return TaskApp(
        TaskDesk(Home(home.root / "0"), new_session, make_runner, event_line), session or new_session(text)
    )


def drive(app: TaskApp, act: Act, size: tuple[int, int] = (80, 24)) -> None:
    """Let a person act on the screen, and leave."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await act(pilot, app)

    asyncio.run(run())


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    for _ in range(400):
        await pilot.pause(0.05)
        if condition():
            return
    pytest.fail("the screen never showed it")


def text_of(app: TaskApp, part: str) -> str:
    widget = app.screen_stack[0].query_one(f"#{part}")
    if isinstance(widget, RichLog):
        return "\n".join(line.text for line in widget.lines)
    assert isinstance(widget, Static)
    return str(widget.content)


async def ended(pilot: Pilot[None], app: TaskApp) -> None:
    await until(pilot, lambda: app.query_one(Input).placeholder.startswith("type a new task"))


def test_task_is_shown_from_its_first_phase_to_its_answer(home: Home) -> None:
    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await ended(pilot, app)
        assert text_of(app, "task") == f"{QUESTION}  (done)"
        assert "reverse bold] REFLECT" in text_of(app, "phases")
        assert text_of(app, "plan") == f"✓ {QUESTION}"
        assert "calls: 1, 0 failed" in text_of(app, "figures")
        assert "knowledge.ask" in text_of(app, "log")
        assert f"{SECRET_WORDS} [1]" in text_of(app, "log").replace("\n", " ").replace("  ", " ")
        assert "docs/keys.md:1" in text_of(app, "evidence")
        assert app.result is not None

    drive(screen(home), act, size=(120, 40))


def test_keys_open_help_history_and_statistics(home: Home) -> None:
    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await ended(pilot, app)
        for key in ("f1", "f3"):
            await pilot.press(key)
            assert isinstance(app.screen, Page)
            await pilot.press("escape")
        await pilot.press("f2")
        assert isinstance(app.screen, History)
        (option,) = app.screen.query_one(OptionList).options
        assert str(option.prompt).split() == ["done", *QUESTION.split()]
        await pilot.press("enter")
        await until(pilot, lambda: text_of(app, "log").count("knowledge.ask") == 2)

    drive(screen(home), act)


def test_paused_task_calls_nothing_until_it_goes_on(home: Home) -> None:
    def pause_before_the_call(event: Event) -> None:
        if event.topic == "agent/tool/started":
            app.call_from_thread(app.action_pause)

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await until(pilot, lambda: "(paused)" in text_of(app, "task"))
        await pilot.pause(0.3)
        assert library.calls == []
        await pilot.press("f4")
        await ended(pilot, app)
        assert library.calls == [QUESTION]

    library = Library()
    app = screen(home, library=library, heard=pause_before_the_call)
    drive(app, act)


def test_question_is_answered_in_the_line_below(home: Home) -> None:
    ask = {"question": "Which keys?"}
    replies = ask, planned(("look", "knowledge.ask")), call("knowledge.ask", question="keys?"), done(), GOOD
    model = ScriptedModel([*replies, says((SECRET_WORDS, [1]))])

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await until(pilot, lambda: app.query_one(Input).placeholder == "type your answer")
        assert "? Which keys?" in text_of(app, "log")
        await pilot.press(*"all", "enter")
        await ended(pilot, app)
        assert "you: all" in text_of(app, "log")

    drive(screen(home, "write about keys", make_reasoner=reasoning(model)), act)


WRITING = planned(("write new.txt", "files.write"))
WRITE = call("files.write", path="new.txt", text="first\nrm\u200b -r")


def writing(home: Home, *replies: ScriptedReply) -> TaskApp:
    """A task that writes a file, behind the real gatekeeper."""
    return screen(
        home,
        "write a file",
        make_reasoner=reasoning(ScriptedModel([{"question": ""}, WRITING, *replies])),
        open_tools=lambda session, approver: gated_tools(home, session, approver),
    )


async def asked(pilot: Pilot[None], app: TaskApp, words: str, answer: str) -> None:
    """Wait until the person is asked something, and answer."""
    await until(
        pilot, lambda: words in text_of(app, "log") and app.query_one(Input).placeholder == "type your answer"
    )
    assert "(asks you)" in text_of(app, "task")
    app.query_one(Input).value = answer
    await pilot.press("enter")


def test_file_is_written_after_the_plan_and_the_exact_call_were_approved_on_the_screen(home: Home) -> None:
    file = home.root.parent / "new.txt"

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await asked(pilot, app, "1. write new.txt [files.write]", "y")
        await until(pilot, lambda: "files.write needs your approval" in text_of(app, "log"))
        shown = text_of(app, "log")
        assert '"path": "new.txt"' in shown
        assert "rm\\u200b -r" in shown  # what is invisible is shown
        assert not file.exists()
        await asked(pilot, app, "y for once, session, project, n, or why not", "y")
        await ended(pilot, app)
        assert "(done)" in text_of(app, "task")
        assert file.read_text() == "first\nrm\u200b -r"

    drive(writing(home, WRITE, done(), GOOD, says(("it is written", [1]))), act, size=(120, 60))


def test_plan_that_is_rejected_on_the_screen_changes_nothing(home: Home) -> None:
    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await asked(pilot, app, "carry out this plan?", "n")
        await ended(pilot, app)
        assert "the plan was rejected" in text_of(app, "log")

    drive(writing(home), act)
    assert not list(home.root.parent.glob("*.txt"))


def test_call_that_is_refused_on_the_screen_tells_the_model_why(home: Home) -> None:
    replies = WRITE, done("refused"), lesson("read"), planned(("look", "files.list")), call("files.list"), done()

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await asked(pilot, app, "carry out this plan?", "y")
        await asked(pilot, app, "files.write needs your approval", "not this file")
        await asked(pilot, app, "files.list needs your approval", "y")
        await ended(pilot, app)
        assert "not this file" in text_of(app, "log")
        assert "(done)" in text_of(app, "task")

    drive(writing(home, *replies, GOOD, says(("listed", [2]))), act, size=(120, 60))
    assert not list(home.root.parent.glob("*.txt"))


def test_new_task_begins_after_the_first_one(home: Home) -> None:
    library = Library()

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await ended(pilot, app)
        app.query_one(Input).value = "Where are keys kept?"
        await pilot.press("enter")
        await until(pilot, lambda: "Where are keys kept?  (done)" in text_of(app, "task"))
        assert library.calls == [QUESTION, "Where are keys kept?"]

    drive(screen(home, library=library), act)


def test_ctrl_c_ends_the_task_that_waits_and_then_the_screen(home: Home) -> None:
    model = ScriptedModel([{"question": "Which keys?"}])

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await until(pilot, lambda: app.query_one(Input).placeholder == "type your answer")
        await pilot.press("ctrl+c")
        await ended(pilot, app)
        assert "(ended by you)" in text_of(app, "task")
        assert "omni run --resume 20260101-000000-abcd" in text_of(app, "log")
        await pilot.press("ctrl+c")
        assert not app.is_running

    app = screen(home, "write about keys", make_reasoner=reasoning(model))
    drive(app, act)
    assert app.result is None


def test_second_ctrl_c_leaves_a_task_that_does_not_end(home: Home) -> None:
    goes_on = threading.Event()

    def stuck(*_: object) -> Reasoner:
        goes_on.wait(60)
        return ExtractiveReasoner()

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await pilot.press("ctrl+c")
        assert "(ends)" in text_of(app, "task")
        assert app.is_running
        await pilot.press("ctrl+c")
        assert not app.is_running

    app = screen(home, make_reasoner=stuck)
    try:
        drive(app, act)
    finally:
        goes_on.set()
    assert app.result is None


def kill_when_it_reflects(event: Event) -> None:
    if event.payload.get("phase") == "REFLECT":
        raise Killed


def test_resumed_task_shows_what_was_done_before(home: Home) -> None:
    library = Library()
    task = Task(home, lambda *_: OpenTools(library.catalog), QUESTION)
    task.listener = kill_when_it_reflects
    with pytest.raises(Killed):
        task.run()
    assert library.calls == [QUESTION]

    async def act(pilot: Pilot[None], app: TaskApp) -> None:
        await ended(pilot, app)
        assert text_of(app, "task") == f"{QUESTION}  (done)"
        assert text_of(app, "plan") == f"✓ {QUESTION}"
        assert text_of(app, "log").splitlines()[0].strip() == "finding the tools"
        assert text_of(app, "log").count("knowledge.ask") == text_of(app, "evidence").count("docs/keys.md:1") == 1

    drive(screen(home, library=library, session=task.session), act)
    assert library.calls == [QUESTION]


def test_what_a_terminal_would_obey_is_shown_as_an_escape() -> None:
    assert visible("a\x1b[2J\u202eb\tc") == "a\\x1b[2J\\u202eb c"
    assert plain("  a\n b\x07 ") == "a b\\x07"
