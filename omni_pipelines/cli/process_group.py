"""Processes that live and die with this one: a log each, watched while they run, stopped together."""

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
    """Set by Ctrl+C or SIGTERM. Nothing is raised in the handler, for engines swallow that."""

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._set)

    def _set(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number


class Children:
    """Child processes that work on a home; leaving the block stops them, the last started first.

    They run in `folder`, which nobody else can write to: Python imports what lies in its working directory.
    """

    def __init__(self, home: Home, folder: Path, stop: StopFlag) -> None:
        self._home, self._folder, self._stop = home, folder, stop
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
        deadline = time.monotonic() + GRACE_SECONDS
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def start(self, name: str, command: Sequence[str], nice: int = 0) -> None:
        """Start one. Its log begins anew; the one before is kept as `<name>.log.1`.

        With `nice`, 1 to 19, it and all that it starts yield the processor to others, the more the higher.
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
                start_new_session=True,  # Ctrl+C reaches this process alone, which then stops them in order
            )

    def wait_until(self, what: str, holds: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Look after the children until `holds`; False if a signal came first.

        Raises:
            OmniError: a child ended by itself, or `seconds` passed; the message names the log.
        """
        deadline = time.monotonic() + seconds
        while not self._stop.signal:
            self._check()
            if holds():
                return True
            if time.monotonic() > deadline:
                raise OmniError(
                    f"{what} did not come up in {seconds:.0f} s", cure=f"see the logs in {self._home.logs}"
                )
            time.sleep(_POLL_SECONDS)
        return False

    def _check(self) -> None:
        for name, child in self._running.items():
            if child.poll() is not None:
                raise OmniError(
                    f"the {name} process ended with code {child.returncode}",
                    cure=f"see {self._home.logs / name}.log",
                )


def _begin(nice: int) -> None:
    """Called in the new process: it dies with its parent, and is as nice as it shall be."""
    os.nice(nice)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
