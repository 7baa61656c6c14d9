"""Serves a home in this process, for the official client."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ReadResourceResult, TextResourceContents

from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.mcp_server.transports import http_server, listen

TOKEN = "token-of-a-test-that-is-long-enough-to-be-one"


@dataclass(frozen=True)
class HttpService:
    """A server that runs in a thread of this process."""

    url: str

    @contextlib.asynccontextmanager
    async def client(self, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
        """The official client, connected."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=mode, **options) as client,
        ):
            yield client


def text_of(read: ReadResourceResult) -> str:
    """The text of a resource."""
    [content] = read.contents
    assert isinstance(content, TextResourceContents)
    return content.text


@contextlib.contextmanager
def served_over_http(server: KnowledgeServer) -> Iterator[HttpService]:
    """Serve on a free port; at the end, wait until the server has ended."""
    with listen(0) as listener:
        listener.listen(128)  # connections wait from here on, also before the thread accepts them
        serving = http_server(server, listener, TOKEN)
        thread = threading.Thread(target=lambda: asyncio.run(serving.serve(sockets=[listener])))
        thread.start()
        try:
            yield HttpService(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
        finally:
            serving.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
