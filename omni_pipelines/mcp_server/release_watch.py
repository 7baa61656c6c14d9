"""Tells clients about new releases. It costs one system call a second; nothing is read until something changed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_numbers

CHECK_SECONDS = 1.0


async def watch_releases(home: Home, changed: Callable[[], Awaitable[None]], seconds: float = CHECK_SECONDS) -> None:
    """Call `changed` after each change of the releases, until the task is cancelled. The home need not exist yet."""
    stamp, known = _stamp(home.releases), release_numbers(home)
    while True:
        await asyncio.sleep(seconds)
        now = _stamp(home.releases)
        if now == stamp:
            continue
        stamp, numbers = now, release_numbers(home)
        if numbers != known:
            known = numbers
            await changed()


def _stamp(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime_ns
    return 0
