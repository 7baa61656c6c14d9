"""The writer lock: one writer per home."""

from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from omni_pipelines import progress
from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.writer import read_writer, recorded_writer

_SILENT_SECONDS = 1.0


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
            f"waited {seconds:.0f} s for {_name_of_writer(home)}, which writes to {home.root}",
            cure="wait until it has finished, or end it; see how far it is: omni status",
        ) from error
    try:
        with recorded_writer(home):
            yield
    finally:
        lock.release()


def _acquire(home: Home, lock: filelock.BaseFileLock, seconds: float) -> None:
    """Take the lock. Whoever watches the progress is told after a moment who holds it."""
    silent = min(seconds, _SILENT_SECONDS)
    try:
        lock.acquire(timeout=silent)
    except filelock.Timeout:
        if seconds <= silent:
            raise
        progress.report(f"waiting for {_name_of_writer(home)}", 0, 0, "")
        lock.acquire(timeout=seconds - silent)


def _name_of_writer(home: Home) -> str:
    writer = read_writer(home)
    return writer.name if writer is not None else "another process"
