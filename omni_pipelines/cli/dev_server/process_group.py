"""Child processes that are watched while they run, write a log each, are started again, and are stopped together."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

from omni_pipelines.cli.output import narrate
from omni_pipelines.configuration import child_environment
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home

GRACE_SECONDS = 20
MAX_LOG_BYTES = 8 << 20
"""Size of a log from which it begins anew; what it held is kept as `<name>.log.1`."""
_POLL_SECONDS = 0.25
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class RestartLimits:
    """How often a child that ends by itself is started again."""

    count: int = 3
    within_seconds: float = 600.0
    least_life_seconds: float = 10.0
    """One that ended earlier would not live longer the next time."""


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    nice: int
    is_restarted: bool
    process: subprocess.Popen[bytes]
    started: float
    restarts: list[float] = field(default_factory=list)

    def may_restart(self, now: float, limits: RestartLimits) -> bool:
        self.restarts = [moment for moment in self.restarts if now - moment < limits.within_seconds]
        has_lived = now - self.started >= limits.least_life_seconds
        return self.is_restarted and has_lived and len(self.restarts) < limits.count


class StopFlag:
    """Set by Ctrl+C or SIGTERM. The handler raises nothing, because engines swallow exceptions."""

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._set)

    def _set(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number


_PATIENT = {"DAGSTER_GRPC_TIMEOUT_SECONDS": "300"}
"""How long the daemon waits until a run has started. On a busy machine Dagster's 60 seconds fail every run."""


class Children:
    """Child processes that work on a home. Leaving the block stops them, the last started first.

    They run in `folder`, to which no other user can write, because Python imports from its working directory. Those
    that do not end within `grace_seconds` after SIGINT are killed.
    """

    def __init__(
        self,
        home: Home,
        folder: Path,
        stop: StopFlag,
        grace_seconds: float = GRACE_SECONDS,
        *,
        limits: RestartLimits = RestartLimits(),  # it is immutable
        max_log_bytes: int = MAX_LOG_BYTES,
    ) -> None:
        self._home, self._folder, self._stop, self._grace_seconds = home, folder, stop, grace_seconds
        self._limits, self._max_log_bytes = limits, max_log_bytes
        self._environment = _PATIENT | child_environment(home)
        """It depends on the settings, which a person may be editing when a child is started again."""
        self._running: dict[str, _Child] = {}

    def __enter__(self) -> Children:
        self._home.logs.mkdir(exist_ok=True)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        children = [child.process for child in reversed(self._running.values())]
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

    def start(self, name: str, command: Sequence[str], nice: int = 0, *, is_restarted: bool = False) -> None:
        """Start a process. Its log replaces the last one, which is kept as `<name>.log.1`.

        Args:
            name: of the process, and of its log.
            command: the program and its arguments.
            nice: 0 to 19; the higher, the more it yields the processor to others, and all that it starts as well.
            is_restarted: whether it is started again if it ends by itself, within the limits.
        """
        process = self._spawn(name, command, nice)
        self._running[name] = _Child(name, command, nice, is_restarted, process, time.monotonic())

    def _spawn(self, name: str, command: Sequence[str], nice: int) -> subprocess.Popen[bytes]:
        path = self._log(name)
        if path.exists():
            os.replace(path, path.with_name(f"{name}.log.1"))
        with path.open("ab") as log:  # to append, so that the file can be cut while it is written
            return subprocess.Popen(
                command,
                env=self._environment,
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
            OmniError: a child ended by itself and is not started again, or the time is over; the message names the
                log.
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
        for child in self._running.values():
            self._cut_log(child.name)
            code = child.process.poll()
            if code is None:
                continue
            log, now = self._log(child.name), time.monotonic()
            if not child.may_restart(now, self._limits):
                raise OmniError(f"the {child.name} process ended with code {code}", cure=f"see {log}")
            narrate(f"the {child.name} process ended with code {code} and is started again; its log: {log}.1")
            child.restarts.append(now)
            child.process, child.started = self._spawn(child.name, child.command, child.nice), now

    def _log(self, name: str) -> Path:
        return self._home.logs / f"{name}.log"

    def _cut_log(self, name: str) -> None:
        """Begin a log anew that has grown too large: the process goes on writing to the same file."""
        path = self._log(name)
        if path.stat().st_size > self._max_log_bytes:
            shutil.copyfile(path, path.with_name(f"{name}.log.1"))
            os.truncate(path, 0)


def _begin(nice: int) -> None:
    """In the new process: set its niceness, and let it end with its parent."""
    os.nice(nice)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
