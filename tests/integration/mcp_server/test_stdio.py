"""The server as a program starts it: over stdin and stdout, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from omni_pipelines.testing.builders import KnowledgeBase
from tests.integration.mcp_server.served import text_of

COMMAND = ["-m", "omni_pipelines.cli.main", "mcp", "--home"]
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def test_the_official_client_searches_and_opens_what_it_found(tiny_knowledge_base: KnowledgeBase) -> None:
    home = str(tiny_knowledge_base.home.root)
    root = Path(__file__).parents[3]
    own = {"XDG_CONFIG_HOME": os.environ["XDG_CONFIG_HOME"]}  # else it writes to that of the developer
    parameters = StdioServerParameters(command=sys.executable, args=[*COMMAND, home], cwd=root, env=own)

    async def run() -> None:
        async with Client(stdio_client(parameters)) as client:
            assert client.protocol_version == "2026-07-28"
            # the embedder of this home is on no machine: the search uses words alone
            hits = (await client.call_tool("search", {"query": "rotated keys"})).structured_content["hits"]
            read = await client.read_resource(hits[0]["uri"])
            assert text_of(read) == hits[0]["text"]
            asked = await client.call_tool("ask", {"question": "How long are backups kept?"})
            assert asked.is_error
            assert asked.structured_content["error_code"] == "3006"

    asyncio.run(run())


def test_only_the_protocol_is_on_stdout_and_a_client_that_leaves_in_a_call_leaves_no_process(
    tiny_knowledge_base: KnowledgeBase,
) -> None:
    search = {"name": "search", "arguments": {"query": "rotated keys"}}
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": search},
        {
            "jsonrpc": "2.0",
            "id": 3,
            "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": "x" * 3_000_000}},
        },
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "none", "arguments": {}}},
        {"jsonrpc": "2.0", "id": 5, "method": "no/such"},
    ]
    lines = [json.dumps(each).encode() for each in messages]
    lines[2:2] = [b"no json", b"[]", b'{"jsonrpc": "2.0"}', b"\xff\xfe", b"[" * 5_000]
    process = subprocess.Popen(
        [sys.executable, *COMMAND, str(tiny_knowledge_base.home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n".join(lines) + b"\n")
    process.stdin.flush()
    answers: dict[int, Any] = {}
    while len(answers) < 5:
        answer = json.loads(process.stdout.readline())
        answers[answer["id"]] = answer
    assert answers[2]["result"]["isError"] is False
    assert answers[3]["result"]["isError"] is True
    assert answers[4]["error"]["code"] == -32602
    assert answers[5]["error"]["code"] == -32601
    process.stdin.write(json.dumps({**messages[2], "id": 9}).encode() + b"\n")
    rest, narration = process.communicate(timeout=60)  # it closes stdin while the search runs
    assert process.returncode == 0
    assert all(json.loads(line)["id"] == 9 for line in rest.splitlines())
    assert b"Traceback" not in narration
