"""The server as the public conformance suite and the official client see it, with the samples of the suite."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CreateMessageResult, ElicitResult, PromptReference, TextContent

from omni_pipelines.home import Home
from omni_pipelines.permissions.files import permission_files
from tests.integration.mcp_server.conformance import installed_suite, run_suite
from tests.integration.mcp_server.sample_server import PNG, sample_server
from tests.integration.mcp_server.served import served_over_http

QUIET = ("simple_text", "image_content", "audio_content", "embedded_resource", "multiple_content_types")
ASKING = {
    "test_sampling": {"prompt": "Who?"},
    "test_elicitation": {"message": "Who?"},
    "test_elicitation_sep1034_defaults": {},
    "test_elicitation_sep1330_enums": {},
}
SCENARIOS = 30


def test_every_scenario_of_the_public_suite_passes_over_http(home: Home) -> None:
    package = installed_suite()
    if package is None:
        pytest.skip("needs node and the suite from npm; see docs/how-to/mcp.md, Conformance")
    results = run_suite(package, home)
    assert [each for each in results if each.failed] == []
    assert len(results) == SCENARIOS


async def says_a_text(context: Any, params: Any) -> CreateMessageResult:
    return CreateMessageResult(role="assistant", content=TextContent(text="Somebody."), model="scripted")


async def accepts(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"username": "Somebody"})


@contextlib.asynccontextmanager
async def connected(transport: str, home: Home, **callbacks: Any) -> AsyncIterator[Client]:
    if transport == "http":
        with served_over_http(sample_server(home)) as service:
            async with service.client("legacy", **callbacks) as client:
                yield client
        return
    module = "tests.integration.mcp_server.sample_server"
    root = Path(__file__).parents[3]
    parameters = StdioServerParameters(command=sys.executable, args=["-m", module, str(home.root)], cwd=root)
    async with Client(stdio_client(parameters), mode="legacy", **callbacks) as client:
        yield client


@pytest.mark.filterwarnings("ignore:The (logging|sampling) capability is deprecated")
@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_the_official_client_uses_the_same_samples(home: Home, transport: str) -> None:
    told: list[str] = []
    steps: list[float] = []

    async def message(params: Any) -> None:
        told.append(params.data)

    async def step(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async def run() -> None:
        async with connected(
            transport,
            home,
            sampling_callback=says_a_text,
            elicitation_callback=accepts,
            logging_callback=message,
        ) as client:
            kinds = [(await client.call_tool(f"test_{each}")).content for each in QUIET]
            assert [[block.type for block in content] for content in kinds] == [
                ["text"],
                ["image"],
                ["audio"],
                ["resource"],
                ["text", "image", "resource"],
            ]
            failed = await client.call_tool("test_error_handling")
            assert failed.is_error
            assert "cure: call another one" in failed.content[0].text  # type: ignore[union-attr]
            await client.set_logging_level("info")
            await client.call_tool("test_tool_with_logging")
            await client.call_tool("test_tool_with_progress", progress_callback=step)
            answers = [await client.call_tool(name, given) for name, given in ASKING.items()]
            assert all("Somebody" in each.content[0].text for each in answers)  # type: ignore[union-attr]
            [text] = (await client.read_resource("test://static-text")).contents
            assert text.text == "A text."  # type: ignore[union-attr]
            [binary] = (await client.read_resource("test://static-binary")).contents
            assert binary.blob == PNG  # type: ignore[union-attr]
            await client.subscribe_resource("test://watched-resource")
            await client.unsubscribe_resource("test://watched-resource")
            prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
            assert prompt.messages[0].content.text == "one two"  # type: ignore[union-attr]
            reference = PromptReference(name="test_prompt_with_arguments")
            completed = await client.complete(reference, {"name": "arg1", "value": "o"})
            assert completed.completion.values == []

    asyncio.run(run())
    assert told[:3] == ["starting", "processing", "ending"]
    assert steps == [1, 2, 3]
    audited = [line.entry.tool for line in permission_files(home).audit.lines() if line.entry.event == "outcome"]
    assert [each for each in audited if each.startswith("sample.")][-1] == "sample.test_elicitation_sep1330_enums"
