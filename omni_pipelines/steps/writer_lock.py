"""One writer a home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home


@contextmanager
def writer_lock(home: Home, seconds: float) -> Iterator[None]:
    """Hold the home's lock. The system gives it back when a process dies.

    Raises:
        HomeBusy: another process held it for all of `seconds`.
    """
    lock = filelock.FileLock(home.lock, timeout=seconds)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise HomeBusy(
            f"another process has been writing to {home.root} for {seconds:.0f} s",
            cure="wait for it, or see what runs: omni status",
        ) from error
    try:
        yield
    finally:
        lock.release()
