"""Bounded calls in threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from omni_pipelines.errors import ServiceBusy
from omni_pipelines.mcp_server.calls import CallLimits, Calls
from omni_pipelines.threads import current_cancellation

WAIT = 10.0


def test_a_call_returns_its_result_or_its_error() -> None:
    async def run() -> None:
        calls = Calls()
        assert await calls.run(lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            await calls.run(lambda: 1 / 0)
        assert await calls.run(lambda: 4) == 4

    asyncio.run(run())


def test_no_more_calls_run_at_once_than_allowed_and_all_are_answered() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.001)
        with lock:
            running -= 1

    async def run() -> None:
        calls = Calls(CallLimits(running=3, waiting=100))
        await asyncio.gather(*(calls.run(call) for _ in range(60)))

    asyncio.run(run())
    assert 1 <= most <= 3


def test_a_call_above_the_limit_is_refused_as_busy_and_retryable() -> None:
    release = threading.Event()

    async def run() -> list[object]:
        calls = Calls(CallLimits(running=1, waiting=2))
        first = [asyncio.create_task(calls.run(lambda: release.wait(WAIT))) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        release.set()
        return await asyncio.gather(*first, return_exceptions=True)

    results = asyncio.run(run())
    refused = [each for each in results if isinstance(each, ServiceBusy)]
    assert len(refused) == len(results) - 3
    assert all(each.retryable and each.details == {"retry_after": 1} for each in refused)


def test_a_call_that_waits_too_long_is_refused() -> None:
    release = threading.Event()

    async def run() -> None:
        calls = Calls(CallLimits(running=1, seconds=0.01))
        first = asyncio.create_task(calls.run(lambda: release.wait(WAIT)))
        await asyncio.sleep(0)
        with pytest.raises(ServiceBusy):
            await calls.run(lambda: True)
        release.set()
        assert await first

    asyncio.run(run())


def test_a_cancelled_call_is_told_and_keeps_its_slot_until_it_ends() -> None:
    started, told, ended = threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        started.set()
        if current_cancellation().wait(WAIT):
            told.set()
        ended.wait(WAIT)

    async def run() -> None:
        calls = Calls(CallLimits(running=1, seconds=0.01))
        task = asyncio.create_task(calls.run(call))
        await asyncio.to_thread(started.wait, WAIT)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert await asyncio.to_thread(told.wait, WAIT)
        with pytest.raises(ServiceBusy):
            await calls.run(lambda: None)
        ended.set()
        await calls.close()
        await asyncio.sleep(0)
        assert await calls.run(lambda: "free again") == "free again"

    asyncio.run(run())


def test_closing_tells_what_runs_and_does_not_wait_for_ever() -> None:
    started, release = threading.Event(), threading.Event()

    async def run() -> None:
        calls = Calls(CallLimits(closing_seconds=0.01))

        def call() -> bool:
            started.set()
            return release.wait(WAIT)

        task = asyncio.create_task(calls.run(call))
        await asyncio.to_thread(started.wait, WAIT)
        await calls.close()
        assert not task.done()
        release.set()
        await task

    asyncio.run(run())
