"""`omni run`."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import click
import typer
from typer import Argument, Option

from omni_pipelines.agent.person import Inquiry, PreparedAnswers
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_runner import TaskResult
from omni_pipelines.agent.task_setup import TOKENS, new_session, task_runner
from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import command
from omni_pipelines.cli.dependencies import HomeSettings
from omni_pipelines.cli.output import Stdout, narrate
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber
from omni_pipelines.cli.stdin import words_or_stdin
from omni_pipelines.cli.views.task_screen import has_screen, result_on_screen
from omni_pipelines.cli.views.tasks import event_printer, narrate_event, show_report
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from omni_pipelines.permissions.capabilities import check_pattern
from omni_pipelines.settings import Settings

AnswerOption = Annotated[
    list[str] | None,
    Option("--answer", metavar="TEXT", help="The answer to the next question of the agent. Repeatable."),
]
JsonLinesOption = Annotated[bool, Option("--json", help="Print every event as a line of JSON instead of text.")]


@command(None)
def run(
    home: RefreshedHome,
    settings: HomeSettings,
    release: ReleaseNumber,
    task: Annotated[
        list[str] | None, Argument(metavar="TASK", help="What to do, or - for standard input.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None, Option(min=1, help="How many tool calls the task may make. Default: estimated from the task.")
    ] = None,
    budget: Annotated[
        int, Option(min=1, metavar="TOKENS", help="How many tokens of the language model the task may use.")
    ] = TOKENS,
    yes: Annotated[
        list[str] | None,
        Option(
            metavar="CAPABILITIES",
            help="Approve calls that need this capability without asking, such as 'files:*'. Repeatable. After the "
            "task has read a document, omni still asks before a call that writes, runs a program or sends something.",
        ),
    ] = None,
    answer: AnswerOption = None,
    resume: Annotated[str | None, Option(metavar="ID", help="Go on with a session instead of a new task.")] = None,
    json: JsonLinesOption = False,
    tui: Annotated[
        bool,
        Option("--tui", help="Show the task on a screen: phases, plan, evidence, figures. Needs the extra tui."),
    ] = False,
) -> None:
    """Carry out a task with the tools of the knowledge base, and report with citations.

    Each step is recorded in a session. You can resume it after a crash, or after a question that nobody answered.
    """
    if bool(task) == bool(resume):
        raise ConfigurationError("name either a task or a session", cure="omni run TASK, or omni run --resume ID")
    if tui and (json or answer):
        raise ConfigurationError("--tui asks you on a screen", cure="leave out --json and --answer, or --tui")
    on_screen = tui and has_screen()
    approvals = tuple(map(check_pattern, yes or []))
    begin = partial(new_session, home, settings, release=release, steps=steps, tokens=budget, approvals=approvals)
    session = TaskSession.open(home, resume) if resume else begin(words_or_stdin(task or []))
    if on_screen:
        report(result_on_screen(home, settings, session, begin))
    else:
        carry_on(home, settings, session, answer or [], json=json)


def carry_on(home: Home, settings: Settings, session: TaskSession, answers: Sequence[str], *, json: bool) -> None:
    """Carry out the task of a session, and print its events or its result.

    Raises:
        OmniError: the task waits for an answer, or failed.
    """
    print_event = event_printer(click.get_current_context().find_object(Stdout))
    runner = task_runner(home, settings, PersonAtTerminal(answers), print_event if json else narrate_event)
    narrate(f"session {session.id}")
    try:
        result = runner.run(session)
    except KeyboardInterrupt:
        narrate(f"go on with: omni run --resume {session.id}")
        raise
    report(result, json=json)


def report(result: TaskResult, *, json: bool = False) -> None:
    """Print what came of a task.

    Raises:
        OmniError: it failed.
    """
    if not json:
        show_report(result.report, result.receipt)
    if result.tokens:
        price = f", ${result.dollars:.4f}" if result.dollars else ""
        narrate(f"{counted(result.calls, 'call')} of tools, {counted(result.tokens, 'token')}{price}")
    if (problem := result.problem) is not None:
        raise OmniError(problem.message, code=problem.code, cure=problem.cure)


class PersonAtTerminal:
    """Answers with what the command line says, then with what is typed, if there is a terminal."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._prepared = PreparedAnswers(answers)

    def answer(self, inquiry: Inquiry) -> str | None:
        """The answer; None if no answer is left and nobody can type one."""
        narrate(inquiry.text)
        prepared = self._prepared.answer(inquiry)
        if prepared is not None or not sys.stdin.isatty():
            return prepared
        typed: str = typer.prompt(">", prompt_suffix=" ", err=True)
        return typed
