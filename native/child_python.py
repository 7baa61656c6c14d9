"""Functions of ours in a Python process of their own, which gets nothing of the user's environment and packages."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import native

_BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from {module} import {function}; {function}()"


def python_command(module: str, function: str, *arguments: str) -> list[str]:
    """The command that calls a function of a module of ours, which finds the arguments in `sys.argv[1:]`."""
    boot = _BOOT.format(module=module, function=function)
    return [sys.executable, "-I", "-B", "-c", boot, str(Path(native.__file__).parents[1]), *arguments]


@contextmanager
def killed_after(process: "subprocess.Popen[bytes]", seconds: float) -> Iterator[None]:
    """Kill a process that is not finished with the body of the `with` statement in time."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
