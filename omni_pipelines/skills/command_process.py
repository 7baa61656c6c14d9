"""Start the process of a skill, answer the tools that its code calls, and stop it when its time is over."""

import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from native.child_python import end_process, killed_after, python_command
from omni_pipelines.errors import ToolExecutionError, ToolTimeout
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.command import CallTool
from omni_pipelines.threads import current_cancellation

MAX_LINE_BYTES = 16 << 20
MAX_CALLS = 1_000
"""Calls of tools by one command."""
START_SECONDS = SEND_SECONDS = 30.0
_POLL_SECONDS = 0.2
_READ_BYTES = 1 << 16
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@dataclass(frozen=True)
class Work:
    """What the process of a skill is asked to do."""

    name: str
    """What errors call it."""
    request: Mapping[str, object]
    seconds: float


def run_in_process(folder: Path, work: Work, call_tool: CallTool) -> ToolResponse:
    """The answer of the process of a skill. `call_tool` answers the tools that its code calls meanwhile.

    The time in which `call_tool` answers, such as that of a person who is asked, does not count.

    Raises:
        ToolTimeout: it took too long, or its caller was cancelled.
        ToolExecutionError: it died, or answered something else.
    """
    with _started() as process:
        lines = _Lines(process, work)
        _send(process, {"folder": str(folder), **work.request})
        line = lines.next()
        if "ready" in line:
            lines.begin()
            line = lines.next()
        for _ in range(MAX_CALLS):
            if "answer" in line:
                return _response(work.name, line["answer"])
            started, arguments = time.monotonic(), line.get("arguments")
            answer = call_tool(str(line.get("call", "")), arguments if isinstance(arguments, dict) else {})
            lines.wait_longer(time.monotonic() - started)
            _send(process, answer.model_dump(mode="json"))
            line = lines.next()
    raise ToolExecutionError(work.name, f"it called more than {MAX_CALLS:,} tools")


@contextmanager
def _started() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        python_command("omni_pipelines.skills.command_worker", "main"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=os.sep,
        env=_ENVIRONMENT,
        start_new_session=True,  # Ctrl+C reaches only the parent, which ends the child
    )
    try:
        yield process
    finally:
        end_process(process)


class _Lines:
    """The lines of a process, as long as it may take for them."""

    def __init__(self, process: "subprocess.Popen[bytes]", work: Work) -> None:
        assert process.stdout is not None
        self._process, self._work = process, work
        self._deadline = time.monotonic() + START_SECONDS
        self._stream, self._read = process.stdout.fileno(), bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stream, selectors.EVENT_READ)
        self._cancellation = current_cancellation()

    def begin(self) -> None:
        self._deadline = time.monotonic() + self._work.seconds

    def wait_longer(self, seconds: float) -> None:
        self._deadline += seconds

    def next(self) -> Mapping[str, Any]:
        while (end := self._read.find(b"\n")) < 0:
            self._wait()
            part = os.read(self._stream, _READ_BYTES)
            if not part or len(self._read) > MAX_LINE_BYTES:
                raise ToolExecutionError(self._work.name, self._cause_of_death(bool(part)))
            self._read += part
        line, self._read = self._read[:end], self._read[end + 1 :]
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise ToolExecutionError(self._work.name, "its process wrote something that is no answer")
        return found

    def _wait(self) -> None:
        is_ready: object = False
        while not is_ready:
            is_ready = self._selector.select(_POLL_SECONDS)
            if time.monotonic() > self._deadline or self._cancellation.wait(0):
                raise ToolTimeout(self._work.name, self._work.seconds)

    def _cause_of_death(self, is_alive: bool) -> str:
        if is_alive:
            return f"its answer has more than {MAX_LINE_BYTES:,} bytes"
        return f"its process ended without an answer (exit code {self._process.wait()})"


def _send(process: "subprocess.Popen[bytes]", document: Mapping[str, object]) -> None:
    assert process.stdin is not None
    with killed_after(process, SEND_SECONDS):  # it may never read
        try:
            process.stdin.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, which reading from it finds as well


def _response(name: str, answer: object) -> ToolResponse:
    try:
        return ToolResponse.model_validate(answer)
    except ValidationError as error:
        raise ToolExecutionError(name, "its process wrote something that is no answer") from error
