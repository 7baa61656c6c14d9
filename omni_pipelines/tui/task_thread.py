"""A task in a thread of its own, which a person can pause, answer and cancel."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from omni_pipelines.agent.journal import Listener
from omni_pipelines.agent.person import Inquiry, Person
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_runner import TaskResult, TaskRunner
from omni_pipelines.records import Event
from omni_pipelines.threads import Cancellation, start_daemon

_POLL_SECONDS = 0.1
MakeRunner = Callable[[Person, Listener], TaskRunner]


class TaskThread:
    """Carries out the task of a session.

    Args:
        session: the session.
        make_runner: what carries it out.
        heard: called with each event, in the thread.
        asked: called with each question to the person, in the thread; `answers` takes the answer.
    """

    def __init__(
        self,
        session: TaskSession,
        make_runner: MakeRunner,
        heard: Callable[[Event], object],
        asked: Callable[[Inquiry], object],
    ) -> None:
        self.session = session
        self.answers: queue.Queue[str] = queue.Queue()
        self._heard, self._asked = heard, asked
        self._cancellation = Cancellation()
        self._goes_on = threading.Event()
        self._goes_on.set()
        runner = make_runner(self, self._listen)
        with self._cancellation.applied():
            self.result: Future[TaskResult] = start_daemon(lambda: runner.run(session), "task")

    @property
    def is_paused(self) -> bool:
        """Whether the task stops at its next event, before it calls the next tool or model."""
        return not self._goes_on.is_set()

    def pause(self) -> None:
        """Pause, or go on."""
        if self.is_paused:
            self._goes_on.set()
        else:
            self._goes_on.clear()

    def cancel(self) -> None:
        """End the task at once; it can be resumed from its last checkpoint."""
        self._cancellation.set()

    def answer(self, inquiry: Inquiry) -> str | None:
        """Ask the person, and wait."""
        self._asked(inquiry)
        while True:
            try:
                return self.answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._cancellation.check()

    def _listen(self, event: Event) -> None:
        self._heard(event)
        while not self._goes_on.wait(_POLL_SECONDS):
            self._cancellation.check()
