"""`omni dev` in a process of its own, for tests: what it says, whom it posts to, and how it is asked."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.command import told

HERE = "127.0.0.1"
OMNI = [sys.executable, "-m", "omni_pipelines.cli.main"]


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: int
    home: Path
    said: list[str] = field(default_factory=list)
    posted: list[bytes] = field(default_factory=list)
    """What arrived where Dagster sends its telemetry."""

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}"

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.loads(answer.read())
        assert "errors" not in found, found["errors"]
        return found["data"]

    def omni(self, *arguments: str) -> Any:
        """The document of a command that works with the server, in a process of its own."""
        command = [*OMNI, *arguments, "--home", str(self.home), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def look(self, *arguments: str) -> Any:
        """The document of a command that only reads the home."""
        return told(*arguments, "--home", str(self.home), cwd=self.home)

    @property
    def release(self) -> int:
        return int(self.look("status")["release"])


def wait_for(what: str, look: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    pytest.fail(f"waited {seconds:.0f} s for {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found, before = {pid}, set[int]()
    while found != before:
        before, found = found, found | {child for child, parent in parents.items() if parent in found}
    return found - {pid}


def is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextmanager
def telemetry_sink(posted: list[bytes]) -> Iterator[str]:
    class Sink(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer((HERE, 0), Sink)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HERE}:{server.server_port}/actions"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server that has started."""
    with beginning(home) as server:
        wait_for("the server", lambda: _has_started(server))
        yield server


@contextmanager
def beginning(home: Path) -> Iterator[Server]:
    """A server that is starting."""
    posted: list[bytes] = []
    with telemetry_sink(posted) as sink:
        environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_DISABLE_TELEMETRY"}
        port = free_port()
        with subprocess.Popen(
            [*OMNI, "dev", "--port", str(port), "--home", str(home)],
            env={**environment, "DAGSTER_TELEMETRY_URL": sink},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            server = Server(process, port, home, posted=posted)
            reader = threading.Thread(target=_listen, args=(server,))
            reader.start()
            try:
                yield server
            finally:
                _end(process)
                reader.join()


def _listen(server: Server) -> None:
    assert server.process.stderr is not None
    for line in server.process.stderr:
        server.said.append(line)


def _has_started(server: Server) -> bool:
    assert server.process.poll() is None, "".join(server.said)
    return any("serving on" in line.lower() for line in server.said)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
