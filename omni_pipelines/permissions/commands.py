"""Run a program for a tool: a list of words, no shell, an environment of ours, limits of time and output."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from omni_pipelines.errors import SecurityError
from omni_pipelines.sources.model.names import is_text

MAX_WORDS, MAX_WORD_BYTES = 256, 100_000
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class CommandLimits:
    """What a command may use."""

    seconds: float = 60.0
    output_bytes: int = 1 << 20
    """Of each stream; what is printed beyond that is thrown away."""


@dataclass(frozen=True)
class FinishedCommand:
    """How a command ended."""

    exit_code: int
    """Negative: the number of the signal that ended it."""
    output: str
    errors: str
    is_cut: bool = False
    """Whether it printed more than is kept."""
    timed_out: bool = False


def run_command(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], limits: CommandLimits | None = None
) -> FinishedCommand:
    """Run a program with exactly these words and exactly this environment. It reads nothing from standard input.

    After the time, it is killed with every process that it started in its session.

    Args:
        words: the absolute path of the program and its arguments.
        folder: where it runs.
        environment: all of its variables.
        limits: default: a minute, and a mebibyte of each stream.

    Raises:
        SecurityError: the program is not named by its absolute path, or a word cannot be passed.
        OSError: it cannot be started.
    """
    bounds = limits or CommandLimits()
    _check(words)
    process = subprocess.Popen(
        list(words),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    streams = [_Stream(process.stdout, bounds.output_bytes), _Stream(process.stderr, bounds.output_bytes)]
    timed_out = False
    try:
        process.wait(bounds.seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _kill_session(process)
    output, errors = (stream.text() for stream in streams)
    is_cut = any(stream.is_cut for stream in streams)
    return FinishedCommand(process.returncode, output, errors, is_cut, timed_out)


def _check(words: Sequence[str]) -> None:
    if not words or not os.path.isabs(words[0]):
        raise SecurityError("command", "the program is not named by its absolute path")
    if len(words) > MAX_WORDS or any("\0" in word or not is_text(word) for word in words):
        raise SecurityError("command", f"it has more than {MAX_WORDS} words, or one that no program can get")
    if any(len(word.encode()) > MAX_WORD_BYTES for word in words):
        raise SecurityError("command", f"a word is longer than {MAX_WORD_BYTES:,} bytes")


def _kill_session(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class _Stream:
    """Reads a stream to its end, and keeps its beginning."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._limit = stream, limit
        self._kept, self.is_cut = bytearray(), False
        self._thread = threading.Thread(target=self._read, daemon=True, name="omni-command")
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while part := self._stream.read1(_READ_BYTES):  # type: ignore[attr-defined]
                room = self._limit - len(self._kept)
                self._kept += part[:room]
                self.is_cut = self.is_cut or len(part) > room

    def text(self) -> str:
        """What was kept; waits a second at most for a process that left the session and holds the stream open."""
        self._thread.join(1.0)
        return bytes(self._kept).decode("utf-8", "replace")
