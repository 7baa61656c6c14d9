"""Faults in file operations, injected by a small C library that is compiled here and loaded before libc."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("faults.c")
CREATE, WRITE, RENAME, LINK, UNLINK, FSYNC, TRUNCATE, MKDIR, RMDIR = (1 << bit for bit in range(9))
EVERY_KIND = (1 << 9) - 1
TAKES_SPACE = CREATE | WRITE | LINK | MKDIR
_ACTIONS = {"count": 0, "kill": 1, "fail": 2}


@dataclass(frozen=True)
class Fault:
    """What happens to the file operations below one folder."""

    below: str
    action: str = "count"
    """count | kill | fail"""
    at: int = 0
    error: int = 0
    kinds: int = EVERY_KIND
    """Bit mask of the operations that are counted."""
    lasting: bool = False
    """Whether all operations from `at` on are affected, not only that one."""
    log: str = ""
    """A file to which the operations are logged."""
    deleted_files: str = ""
    """A folder that keeps the files that the operations delete."""


def kill(below: Path, at: int) -> Fault:
    """Kill the process before operation `at`. Syncs are not counted, because other processes cannot see them."""
    return Fault(str(below), "kill", at, kinds=EVERY_KIND & ~FSYNC)


def input_output_error(below: Path, at: int) -> Fault:
    """Fail operation `at` once with EIO."""
    return Fault(str(below), "fail", at, errno.EIO)


def disk_full(below: Path, at: int) -> Fault:
    """Fail all operations from `at` on with ENOSPC. Only operations that need space are counted."""
    return Fault(str(below), "fail", at, errno.ENOSPC, TAKES_SPACE, lasting=True)


@functools.cache
def library() -> Path | None:
    """Compile the library, and return its path; None if there is no working C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    target = Path(tempfile.mkdtemp(prefix="omni-faults-")) / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-pthread", "-o", str(target), str(_SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return target if done.returncode == 0 else None


def _loaded() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def arm(fault: Fault) -> None:
    """Start injecting faults into this process, which must have the library loaded."""
    _loaded().faults_arm(
        os.fsencode(fault.below),
        _ACTIONS[fault.action],
        ctypes.c_long(fault.at),
        fault.error,
        fault.kinds,
        int(fault.lasting),
        os.fsencode(fault.log),
        os.fsencode(fault.deleted_files),
    )


def disarm() -> None:
    """Stop injecting faults."""
    _loaded().faults_disarm()


def counted() -> tuple[int, int]:
    """Return the number of operations and of faults since the last `arm`, child processes included."""
    return int(_loaded().faults_seen()), int(_loaded().faults_fired())


def move_clock(seconds: int) -> None:
    """Move the wall clock of this process forward, or back if negative."""
    _loaded().faults_move_clock(ctypes.c_long(seconds))
