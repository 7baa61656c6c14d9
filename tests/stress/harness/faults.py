"""Faults in file operations, by a small library that is compiled here and loaded before libc."""

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
    """What happens to the file operations below a folder."""

    below: str
    action: str = "count"
    """count | kill | fail"""
    at: int = 0
    error: int = 0
    kinds: int = EVERY_KIND
    """Which operations are counted."""
    lasting: bool = False
    """Every operation from `at` on, not only that one."""
    log: str = ""
    """File to log the operations to, and a folder that keeps what they delete."""
    graveyard: str = ""


def kill(below: Path, at: int) -> Fault:
    """The process dies before operation `at`. A sync changes nothing that other processes see, and is not counted."""
    return Fault(str(below), "kill", at, kinds=EVERY_KIND & ~FSYNC)


def input_output_error(below: Path, at: int) -> Fault:
    """Operation `at` fails, once."""
    return Fault(str(below), "fail", at, errno.EIO)


def disk_full(below: Path, at: int) -> Fault:
    """From operation `at` on there is no space; only operations that take some are counted."""
    return Fault(str(below), "fail", at, errno.ENOSPC, TAKES_SPACE, lasting=True)


@functools.cache
def library() -> Path | None:
    """The compiled library; None where no C compiler is."""
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
    """Begin, in this process, which must have the library loaded."""
    _loaded().faults_arm(
        os.fsencode(fault.below),
        _ACTIONS[fault.action],
        ctypes.c_long(fault.at),
        fault.error,
        fault.kinds,
        int(fault.lasting),
        os.fsencode(fault.log),
        os.fsencode(fault.graveyard),
    )


def disarm() -> None:
    """End."""
    _loaded().faults_disarm()


def counted() -> tuple[int, int]:
    """Operations seen since the last `arm`, and how many faults fired. A child's counts are its parent's, too."""
    return int(_loaded().faults_seen()), int(_loaded().faults_fired())


def move_clock(seconds: int) -> None:
    """Put the wall clock of this process forward or back."""
    _loaded().faults_move_clock(ctypes.c_long(seconds))
