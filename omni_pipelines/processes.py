"""What this process runs, under a name for people, and whether another process lives."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_command: ContextVar[str] = ContextVar("omni_command", default="")


def running_command() -> str:
    """The command that runs, such as `omni source add`, without its arguments; else the name of the program."""
    program = Path(sys.argv[0] or "python")
    return _command.get() or (program.parent.name if program.stem == "__main__" else program.stem)


@contextmanager
def running(command: str) -> Iterator[None]:
    """Make `command` the name of what runs inside the block."""
    token = _command.set(command)
    try:
        yield
    finally:
        _command.reset(token)


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
