"""`omni dev`: the code server, the daemon and the guarded Dagster UI, as three child processes.

The daemon and the UI share one code server: the code is imported once, and reloading it in the UI reloads it for
the sensors as well. The code server listens on a socket file, so that only the guarded page has a port.
"""

import json
import signal
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from omni_pipelines.cli.dev_server.process_group import Children, StopFlag
from omni_pipelines.cli.output import narrate
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from resources.instance import prepare_instance
from resources.served_page import HOST, announced_port

LOCATION = "omni_pipelines"
READY_SECONDS = 180
RUNS_NICE = 10
"""Niceness of runs: nobody waits for them, while queries of the librarian are waited for."""
_PYTHON = (sys.executable, "-m")
_DAGSTER = (*_PYTHON, "omni_pipelines.cli.dev_server.dagster_process")


def serve(home: Home, port: int) -> None:
    """Serve until Ctrl+C or SIGTERM.

    Raises:
        ConfigurationError: the port is taken, or another `omni dev` serves this home.
        OmniError: the code server ended by itself, or another process too often; the message names its log.
        KeyboardInterrupt: after Ctrl+C, once all processes have stopped.
    """
    instance = prepare_instance(home)
    stop = StopFlag()
    with (
        _served_once(home, port),
        tempfile.TemporaryDirectory(prefix="omni-") as folder,
        Children(home, Path(folder), stop) as children,
    ):
        _check_port(port)
        narrate("starting; the first time takes a few seconds")
        if _start(children, instance, Path(folder), port):
            narrate(f"serving on http://{HOST}:{port} (Ctrl+C stops); logs in {home.logs}")
            children.wait_until("", lambda: False)
        narrate("stopping")
    if stop.signal == signal.SIGINT:
        raise KeyboardInterrupt


def _start(children: Children, instance: Path, folder: Path, port: int) -> bool:
    """Start all three processes; False if a signal came first."""
    code, workspace = folder / "code.sock", folder / "workspace.yaml"
    workspace.write_text(f"load_from:\n  - grpc_server:\n      socket: {code}\n      location_name: {LOCATION}\n")
    definitions = ["-m", "omni_pipelines.definitions", "--location-name", LOCATION]
    server = [*_DAGSTER, "dagster", "code-server", "start", "--socket", str(code), *definitions]
    children.start("code-server", server, RUNS_NICE)  # it starts the runs
    # the others look for it once, and then again only after a minute
    if not children.wait_until("the code server", code.exists, READY_SECONDS):
        return False
    daemon = [*_DAGSTER, "dagster._daemon", "run", "-w", str(workspace)]
    children.start("daemon", daemon, is_restarted=True)
    page = [*_PYTHON, "omni_pipelines.cli.dev_server.web_page", str(instance), str(workspace), str(port)]
    children.start("web", page, is_restarted=True)
    return children.wait_until("the Dagster UI", lambda: _answers(port), READY_SECONDS)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} cannot be used: {error.strerror}", cure="choose another: --port"
            ) from error


@contextmanager
def _served_once(home: Home, port: int) -> Iterator[None]:
    """Hold the serving lock of the home, and write down the port. The system releases the lock even after a crash.

    Raises:
        ConfigurationError: another process holds it.
    """
    lock = _lock(home)
    try:
        lock.acquire(timeout=1)  # not 0: `served_port` holds it for a moment
    except filelock.Timeout as error:
        where = f" on http://{HOST}:{known}" if (known := served_port(home)) else ""
        raise ConfigurationError(
            f"another omni dev serves {home.root}{where}", cure="stop it first: two would start every run twice"
        ) from error
    try:
        home.served_port.write_text(json.dumps({"port": port}))
        yield
    finally:
        home.served_port.unlink(missing_ok=True)
        lock.release()


def served_port(home: Home) -> int | None:
    """The port on which an `omni dev` serves this home; None if none does, or it starts or stops just now."""
    if not home.dagster.is_dir():
        return None
    lock = _lock(home)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return announced_port(home)
    lock.release()
    return None


def _lock(home: Home) -> filelock.BaseFileLock:
    return filelock.FileLock(home.dagster / "dev.lock")
