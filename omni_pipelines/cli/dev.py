"""`omni dev`: code server, daemon and guarded web page as three children of one process, stopped together."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from omni_pipelines.cli.output import narrate
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.settings import Home, child_environment

HOST = "127.0.0.1"
LOCATION = "omni_pipelines"
READY_SECONDS = 180
GRACE_SECONDS = 20
_POLL_SECONDS = 0.25
_PR_SET_PDEATHSIG = 1


def serve(home: Home, port: int) -> None:
    """Serve until Ctrl+C or SIGTERM.

    Raises:
        ConfigurationError: the port is taken.
        OmniError: one of the processes ended by itself; the message names its log.
    """
    from resources.instance import prepare_instance

    _check_port(port)
    prepare_instance(home)
    logs = home.dagster / "logs"
    logs.mkdir(exist_ok=True)
    stop = _StopFlag()
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        code = Path(folder, "code.sock")
        workspace = Path(folder, "workspace.yaml")
        workspace.write_text(f"load_from:\n  - grpc_server:\n      socket: {code}\n      location_name: {LOCATION}\n")
        python = [sys.executable, "-m"]
        commands = {
            "code-server": [
                *python,
                "dagster",
                "code-server",
                "start",
                "--socket",
                str(code),
                "-m",
                "omni_pipelines.definitions",
            ],
            "daemon": [*python, "dagster._daemon", "run", "-w", str(workspace)],
            "web": [*python, "omni_pipelines.cli.web", str(home.dagster), str(workspace), str(port)],
        }
        with _children(home, logs, commands) as children, _announced(home, port):
            _watch(children, logs, port, stop)
    if stop.signal == signal.SIGINT:
        raise KeyboardInterrupt


class _StopFlag:
    """Set by a signal; nothing is raised in a handler, for engines swallow that."""

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._set)

    def _set(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise ConfigurationError(f"port {port} cannot be used: {error}", cure="choose another: --port") from error


@contextmanager
def _children(home: Home, logs: Path, commands: dict[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (logs / f"{name}.log").open("ab") as log:
                started[name] = _start(home, command, log)
        yield started
    finally:
        _stop(list(started.values()))


def _start(home: Home, command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=child_environment(home),
        cwd=home.root,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        start_new_session=True,  # Ctrl+C reaches this process alone, which then stops them in order
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in reversed(children):
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    deadline = time.monotonic() + GRACE_SECONDS
    for child in reversed(children):
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()


def _watch(children: dict[str, subprocess.Popen[bytes]], logs: Path, port: int, stop: _StopFlag) -> None:
    narrate("starting; the first time takes some seconds")
    began, ready = time.monotonic(), False
    while not stop.signal:
        for name, child in children.items():
            if child.poll() is not None:
                raise OmniError(f"the {name} ended with code {child.returncode}", cure=f"see {logs / name}.log")
        if not ready and _is_ready(port):
            ready = True
            narrate(f"serving on http://{HOST}:{port} (Ctrl+C stops); logs in {logs}")
        if not ready and time.monotonic() - began > READY_SECONDS:
            raise OmniError("the web page did not come up", cure=f"see {logs / 'web.log'}")
        time.sleep(_POLL_SECONDS)
    narrate("stopping")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def served_port(home: Home) -> int | None:
    """The port a running `omni dev` of this home serves on."""
    try:
        found = json.loads((home.dagster / "dev.json").read_text())
        os.kill(found["pid"], 0)
        return int(found["port"])
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def _announced(home: Home, port: int) -> Iterator[None]:
    path = home.dagster / "dev.json"
    path.write_text(json.dumps({"pid": os.getpid(), "port": port}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
