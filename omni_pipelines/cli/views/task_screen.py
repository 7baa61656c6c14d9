"""`omni run TASK --tui`: the task on a screen, if there is a terminal, and the package that draws on it."""

import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import typer

from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_runner import TaskResult
from omni_pipelines.agent.task_setup import task_runner
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.views.tasks import event_line
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.settings import Settings


def has_screen() -> bool:
    """Whether there is a terminal; without one, its progress is printed line by line. Textual draws on stderr.

    Raises:
        ConfigurationError: there is one, but Textual is not installed.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        narrate("--tui needs a terminal; without one, its progress is printed line by line")
        return False
    if find_spec("textual") is None:
        raise ConfigurationError("--tui needs the package textual", cure="pip install 'omni-pipelines[tui]'")
    return True


def result_on_screen(
    home: Home, settings: Settings, session: TaskSession, new_session: Callable[[str], TaskSession]
) -> TaskResult:
    """Carry out a task on the screen, and those that the person types there; the result of the last one.

    Raises:
        OmniError: the last task could not end.
        KeyboardInterrupt: the person ended it.
    """
    from omni_pipelines.tui.task_app import TaskApp, TaskDesk  # Textual, which no other command needs

    app = TaskApp(TaskDesk(home, new_session, partial(task_runner, home, settings), event_line), session)
    app.run()
    if app.error is not None:
        raise app.error
    if app.return_code:  # a defect, whose traceback Textual has printed
        raise typer.Exit(app.return_code)
    if app.result is None:
        narrate(f"go on with: omni run --resume {app.session.id}")
        raise KeyboardInterrupt
    return app.result
