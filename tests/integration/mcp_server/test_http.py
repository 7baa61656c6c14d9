"""The server over HTTP on this machine, with the official client, and with requests that are not from it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Iterator

import httpx
import pytest

from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.mcp_server.calls import CallLimits
from omni_pipelines.mcp_server.transports import MAX_BODY_BYTES
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import FakeEmbedder
from tests.integration.mcp_server.served import TOKEN, HttpService, served_over_http, text_of

HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture(scope="module")
def service(tiny_knowledge_base: KnowledgeBase) -> Iterator[HttpService]:
    server = make_server(tiny_knowledge_base.home, embedder=FakeEmbedder(), limits=CallLimits(waiting=16))
    with served_over_http(server) as service:
        yield service


@MODES
def test_the_official_client_searches_and_opens_what_it_found(service: HttpService, mode: str) -> None:
    async def run() -> None:
        async with service.client(mode) as client:
            hits = (await client.call_tool("search", {"query": "rotated keys"})).structured_content["hits"]
            read = await client.read_resource(hits[0]["uri"])
            assert text_of(read) == hits[0]["text"]

    asyncio.run(run())


def test_two_hundred_searches_at_once_are_answered_rightly_or_as_busy(service: HttpService) -> None:
    words = {"rotated": "keys.md", "Backups": "backup.md", "remember": "cache.py"}

    async def run() -> list[tuple[str, object]]:
        async with service.client() as client:
            queries = [query for query in words for _ in range(67)]
            results = await asyncio.gather(*(client.call_tool("search", {"query": each, "k": 1}) for each in queries))
            return list(zip(queries, results, strict=True))

    answered = 0
    for query, result in asyncio.run(run()):
        if result.is_error:  # type: ignore[attr-defined]
            assert result.structured_content["retryable"] is True  # type: ignore[attr-defined]
            assert "busy" in result.structured_content["error_message"]  # type: ignore[attr-defined]
        else:
            answered += 1
            assert words[query] in result.structured_content["hits"][0]["citation"]  # type: ignore[attr-defined]
    assert answered > 0


def test_clients_that_are_gone_in_the_middle_of_a_call_hold_no_place(service: HttpService) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "gone", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "search", "arguments": {"query": "rotated keys"}, "_meta": meta}
    headers = {**HEADERS, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "search"}
    request = httpx.Request(
        "POST",
        service.url,
        headers=headers,
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
    )
    assert httpx.Client().send(request).json()["result"]["structuredContent"]["hits"]
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    sent = f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.content
    for _ in range(40):  # more than may be at work and wait together
        with socket.create_connection((request.url.host, request.url.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed at once
            connection.sendall(sent)

    async def run() -> bool | None:
        async with service.client() as client:
            return (await client.call_tool("search", {"query": "rotated keys"})).is_error

    deadline = time.monotonic() + 60
    while asyncio.run(run()) and time.monotonic() < deadline:  # the last of them may still be at work
        time.sleep(0.1)
    assert asyncio.run(run()) is False


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (421, {"Host": "evil.example"}),
        (403, {"Origin": "http://evil.example"}),
        (401, {"Authorization": "Bearer wrong"}),
    ],
)
def test_a_forged_request_is_refused(service: HttpService, status: int, headers: dict[str, str]) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    sent = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream", **headers}
    assert httpx.post(service.url, json=request, headers=sent).status_code == status


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"not json", {400}),
        (b"[]", {400}),
        (b"{}", {400}),
        (b'{"jsonrpc":"2.0","id":1,"method":"no/such"}', {200, 400, 404}),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":5}', {200, 400}),
        (b"[" * 100_000, {400}),
        (b" " * (MAX_BODY_BYTES + 1), {413}),
    ],
)
def test_a_malformed_request_is_an_error_and_the_server_answers_on(
    service: HttpService, body: bytes, statuses: set[int]
) -> None:
    answer = httpx.post(service.url, content=body, headers=HEADERS)
    assert answer.status_code in statuses
    if answer.status_code == 200:
        [line] = [line for line in answer.text.splitlines() if line.startswith("data:")] or [f"data:{answer.text}"]
        assert "error" in json.loads(line.removeprefix("data:"))

    async def run() -> bool | None:
        async with service.client() as client:
            return (await client.call_tool("status", {})).is_error

    assert asyncio.run(run()) is False
