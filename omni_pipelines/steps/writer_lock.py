"""The writer lock: one writer per home."""

from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home


@contextmanager
def writer_lock(home: Home, seconds: float) -> Iterator[None]:
    """Hold the writer lock of a home. The system releases it when the process dies.

    Raises:
        HomeBusy: another process held the lock for all of `seconds`.
    """
    lock = filelock.FileLock(home.lock, timeout=seconds)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise HomeBusy(
            f"waited {seconds:.0f} s for another process that writes to {home.root}",
            cure="wait until it has finished; see what is running: omni status",
        ) from error
    try:
        yield
    finally:
        lock.release()
