"""Functions of ours in a Python process of their own, which gets nothing of the user's environment and packages."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import native

_BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from {module} import {function}; {function}()"


def python_command(module: str, function: str, *arguments: str) -> list[str]:
    """The command that calls a function of a module of ours, which finds the arguments in `sys.argv[1:]`."""
    boot = _BOOT.format(module=module, function=function)
    return [sys.executable, "-I", "-B", "-c", boot, str(Path(native.__file__).parents[1]), *arguments]


def end_process(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that has pipes for input and output, wait until it has ended, and close the pipes."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        try:
            stream.close()
        except BrokenPipeError:
            pass  # it did not read everything that was written to it


@contextmanager
def killed_after(process: "subprocess.Popen[bytes]", seconds: float) -> Iterator[None]:
    """Kill a process that is not finished with the body of the `with` statement in time."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
