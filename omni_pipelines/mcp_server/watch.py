"""Notices what changed on disk. It costs some system calls; nothing is read until something changed."""

import asyncio
from collections.abc import Awaitable, Callable

CHECK_SECONDS = 1.0


async def watch(state: Callable[[], object], changed: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Call `changed` each time that the state is another one, until the task is cancelled."""
    known = state()
    while True:
        await asyncio.sleep(seconds)
        if (now := state()) != known:
            known = now
            await changed()
