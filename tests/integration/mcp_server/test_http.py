"""The server over HTTP on this machine, with the official client, and with requests that are not from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.mcp_server.calls import CallLimits
from omni_pipelines.mcp_server.transports import MAX_BODY_BYTES
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import FakeEmbedder
from tests.integration.mcp_server.served import TOKEN, HttpService, served_over_http, text_of

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
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    answer = httpx.post(service.url, content=body, headers=headers)
    assert answer.status_code in statuses
    if answer.status_code == 200:
        [line] = [line for line in answer.text.splitlines() if line.startswith("data:")] or [f"data:{answer.text}"]
        assert "error" in json.loads(line.removeprefix("data:"))

    async def run() -> bool | None:
        async with service.client() as client:
            return (await client.call_tool("status", {})).is_error

    assert asyncio.run(run()) is False
