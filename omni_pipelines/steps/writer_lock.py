"""The writer lock: one writer per home."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from omni_pipelines import progress
from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.writer import read_writer, recorded_writer

WAITING = "waiting for "
"""What the progress of a process that waits begins with; the writer follows."""
_SILENT_SECONDS = 1.0
_REPORT_SECONDS = 10.0


@contextmanager
def writer_lock(home: Home, seconds: float) -> Iterator[None]:
    """Hold the writer lock of a home. The system releases it when the process dies.

    Raises:
        HomeBusy: another process held the lock for all of `seconds`.
    """
    lock = filelock.FileLock(home.lock)
    try:
        _acquire(home, lock, seconds)
    except filelock.Timeout as error:
        raise HomeBusy(
            f"waited {seconds:.0f} s for another process that writes to {home.root}: {_describe_writer(home)}",
            cure="wait until it has finished, or end it; see how far it is: omni status",
        ) from error
    try:
        with recorded_writer(home):
            yield
    finally:
        lock.release()


def _acquire(home: Home, lock: filelock.BaseFileLock, seconds: float) -> None:
    """Take the lock. Whoever watches the progress is told after a moment who holds it and how far that one is."""
    deadline, pause = time.monotonic() + seconds, _SILENT_SECONDS
    while True:
        left = deadline - time.monotonic()
        try:
            lock.acquire(timeout=max(0.0, min(left, pause)))
            return
        except filelock.Timeout:
            if left <= pause:
                raise
            pause = _REPORT_SECONDS
            progress.report(f"{WAITING}{_describe_writer(home)}", 0, 0, "")


def _describe_writer(home: Home) -> str:
    writer = read_writer(home)
    return writer.description if writer is not None else "another process"
