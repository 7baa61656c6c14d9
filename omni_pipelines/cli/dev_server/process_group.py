"""Child processes that are watched while they run, write a log each, and are stopped together."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from omni_pipelines.configuration import child_environment
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home

GRACE_SECONDS = 20
_POLL_SECONDS = 0.25
_PR_SET_PDEATHSIG = 1


class StopFlag:
    """Set by Ctrl+C or SIGTERM. The handler raises nothing, because engines swallow exceptions."""

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._set)

    def _set(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number


class Children:
    """Child processes that work on a home. Leaving the block stops them, the last started first.

    They run in `folder`, to which no other user can write, because Python imports from its working directory. Those
    that do not end within `grace_seconds` after SIGINT are killed.
    """

    def __init__(self, home: Home, folder: Path, stop: StopFlag, grace_seconds: float = GRACE_SECONDS) -> None:
        self._home, self._folder, self._stop, self._grace_seconds = home, folder, stop, grace_seconds
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Children:
        self._home.logs.mkdir(exist_ok=True)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        children = list(reversed(self._running.values()))
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        deadline = time.monotonic() + self._grace_seconds
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def start(self, name: str, command: Sequence[str], nice: int = 0) -> None:
        """Start a process. Its log replaces the last one, which is kept as `<name>.log.1`.

        Args:
            name: of the process, and of its log.
            command: the program and its arguments.
            nice: 0 to 19; the higher, the more it yields the processor to others, and all that it starts as well.
        """
        path = self._home.logs / f"{name}.log"
        if path.exists():
            os.replace(path, path.with_name(f"{name}.log.1"))
        with path.open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=child_environment(self._home),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=functools.partial(_begin, nice),
                start_new_session=True,  # Ctrl+C reaches only this process, which stops them in order
            )

    def wait_until(self, what: str, holds: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Watch the children until `holds` is true; False if a signal came first.

        Raises:
            OmniError: a child ended by itself, or the time is over; the message names the log.
        """
        deadline = time.monotonic() + seconds
        while not self._stop.signal:
            self._check()
            if holds():
                return True
            if time.monotonic() > deadline:
                raise OmniError(
                    f"{what} did not start within {seconds:.0f} s", cure=f"see the logs in {self._home.logs}"
                )
            time.sleep(_POLL_SECONDS)
        return False

    def _check(self) -> None:
        for name, child in self._running.items():
            if child.poll() is not None:
                raise OmniError(
                    f"the {name} process ended with code {child.returncode}", cure=f"see {self._home.logs / name}.log"
                )


def _begin(nice: int) -> None:
    """In the new process: set its niceness, and let it end with its parent."""
    os.nice(nice)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
