"""Progress and cancellation of a call that takes long, with a tool that only waits."""

from __future__ import annotations

import asyncio
import threading

import pytest
from mcp.client import Client

from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.mcp_server.current_tools import CurrentTools
from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.progress import report
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.threads import current_cancellation
from omni_pipelines.tools.signature import tool


def slow_server(base: KnowledgeBase, told: threading.Event) -> KnowledgeServer:
    """A server whose tool `ingest` reports two steps and then waits until it is cancelled."""

    @tool("knowledge.ingest", title="Wait")
    def wait() -> dict:
        """Report and wait."""
        report("reading", 3, 5, "files")
        report("embedding", 1, 0, "chunks")
        if current_cancellation().wait(20):
            told.set()
        return {"ended": True}

    def gatekeeper_of(release: int | None, is_tainted: bool) -> Gatekeeper:
        catalog = knowledge_catalog(base.home, release)
        catalog.add(wait)
        granted = [Grant(capabilities="knowledge:ingest")]
        policies = {
            "knowledge.ingest": ToolPolicy("knowledge:ingest", Effect.WRITE),
            "knowledge.status": ToolPolicy("knowledge:status", Effect.READ),
        }
        return Gatekeeper(
            catalog, policies, permission_files(base.home), "test", granted=granted, is_tainted=is_tainted
        )

    return KnowledgeServer(base.home, CurrentTools(base.home, gatekeeper_of))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_progress_grows_and_a_call_that_is_cancelled_is_told(tiny_knowledge_base: KnowledgeBase, mode: str) -> None:
    told = threading.Event()
    server = slow_server(tiny_knowledge_base, told)
    seen: asyncio.Queue[tuple[float, str | None]] = asyncio.Queue()

    async def show(progress: float, total: float | None, message: str | None) -> None:
        await seen.put((progress, message))

    async def run() -> None:
        async with Client(server.protocol, mode=mode) as client:
            call = asyncio.create_task(client.call_tool("ingest", {}, progress_callback=show))
            assert await asyncio.wait_for(seen.get(), 20) == (1, "reading: 3 of 5 files")
            assert await asyncio.wait_for(seen.get(), 20) == (2, "embedding")
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(told.wait, 10)
            assert (await client.call_tool("status", {})).is_error is False

    asyncio.run(run())
