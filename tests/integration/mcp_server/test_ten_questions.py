"""A session of a client: ten questions over three sources, whose citations open at the right bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp.client import Client

from omni_pipelines.home import Home
from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.testing.builders import KnowledgeBase, SourceTree
from tests.integration.mcp_server.served import text_of

SOURCES: Mapping[str, Mapping[str, str]] = {
    "handbook": {
        "keys.md": "# Keys\n\nKeys are rotated every ninety days.\n\n## Revoking\n\nA revoked key is refused.\n",
        "größen.md": "# Größen\r\n\r\nEin Paket wiegt höchstens dreißig Kilogramm.\r\n",
        "travel.md": "# Travel\n\nA journey by train is paid in second class.\n",
    },
    "code": {
        "cache.py": 'def evict(size: int) -> int:\n    """Drop the oldest entry."""\n    return size - 1\n',
        "retry.py": "MAX_ATTEMPTS = 5\n\n\ndef wait_seconds(attempt: int) -> int:\n    return 2**attempt\n",
    },
    "web": {
        "opening.html": "<html><body><h1>Opening</h1><p>The library opens at nine in the morning.</p></body></html>",
        "prices.csv": "item,price\nlamp,40 euro\nchair,120 euro\n",
        "contact.txt": "The telephone number of the workshop is 555 0199.\n",
    },
}
QUESTIONS = (
    ("ask", "How often are keys rotated?", "handbook/keys.md", "ninety days"),
    ("ask", "What happens to a revoked key?", "handbook/keys.md", "is refused"),
    ("ask", "Which class is paid on a journey by train?", "handbook/travel.md", "second class"),
    ("search", "Paket Kilogramm", "handbook/größen.md", "dreißig"),
    ("search", "evict oldest entry", "code/cache.py", "def evict"),
    ("search", "MAX_ATTEMPTS", "code/retry.py", "MAX_ATTEMPTS = 5"),
    ("search", "wait_seconds attempt", "code/retry.py", "2**attempt"),
    ("ask", "When does the library open?", "web/opening.html", "nine in the morning"),
    ("search", "chair price", "web/prices.csv", "120 euro"),
    ("ask", "What is the telephone number of the workshop?", "web/contact.txt", "555 0199"),
)


def test_ten_questions_over_three_sources_have_citations_that_open_at_the_right_bytes(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / ".omni"))
    for name, files in SOURCES.items():
        base.tree = SourceTree(tmp_path / name).files(files)
        base.build()

    async def run() -> None:
        async with Client(make_server(base.home, embedder=base.embedder).protocol) as client:
            for tool, question, document, wanted in QUESTIONS:
                cited = await first_citation(client, tool, question)
                assert cited["citation"].startswith(f"{document}:"), question
                assert wanted in cited["text"], question
                assert text_of(await client.read_resource(cited["uri"])) == cited["text"]
                opened = (await client.call_tool("get", {"citation": cited["citation"]})).structured_content
                assert wanted in opened["text"]
                if not document.endswith(".html"):  # its text is not that of the file
                    start, end = map(int, parse_qs(urlsplit(cited["uri"]).query)["bytes"][0].split("-"))
                    stored = (tmp_path / document).read_bytes()
                    assert stored[start:end].decode() == cited["text"], question

    asyncio.run(run())


async def first_citation(client: Client, tool: str, question: str) -> Mapping[str, Any]:
    """The first quote of an answer, or the first hit of a search."""
    result = await client.call_tool(tool, {"query" if tool == "search" else "question": question})
    assert not result.is_error, (question, result.content)
    cited: Mapping[str, Any] = result.structured_content["hits" if tool == "search" else "quotes"][0]
    return cited
