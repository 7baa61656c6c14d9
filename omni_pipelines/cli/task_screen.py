"""The screen of `omni run TASK --tui`, if there is a terminal and the package that draws it."""

import sys
from collections.abc import Callable
from functools import partial

from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_runner import TaskResult
from omni_pipelines.agent.task_setup import task_runner
from omni_pipelines.cli.views.tasks import event_line
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.settings import Settings


def on_screen(
    home: Home, settings: Settings, session: TaskSession, new_session: Callable[[str], TaskSession]
) -> TaskResult:
    """Carry out the task of a session on a screen, and those that the person types; the result of the last one.

    Raises:
        ConfigurationError: there is no terminal, or the package textual is not installed.
        OmniError: the last task could not end.
        KeyboardInterrupt: the person ended it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigurationError("--tui needs a terminal", cure="leave it out, or use --json for programs")
    try:
        from omni_pipelines.tui.task_app import TaskApp, TaskDesk
    except ModuleNotFoundError as error:
        raise ConfigurationError("--tui needs the package textual", cure="pip install 'omni-pipelines[tui]'") from error
    app = TaskApp(TaskDesk(home, new_session, partial(task_runner, home, settings), event_line), session)
    app.run()
    if app.error is not None:
        raise app.error
    if app.result is None:
        raise KeyboardInterrupt
    return app.result
