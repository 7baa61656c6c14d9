"""Our server with the tools, resources and prompts that the public conformance suite calls.

    python -m tests.integration.mcp_server.sample_server HOME

Everything else is that of `omni mcp`: the transport and its sessions, the gatekeeper with its audit log, the threads
of calls, progress, messages and errors. As a command it serves one client over stdin and stdout.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.shared.message import ServerMessageMetadata

from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from omni_pipelines.mcp_server.current_tools import CurrentTools
from omni_pipelines.mcp_server.http_guard import App
from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.mcp_server.tools import OfferedTool
from omni_pipelines.mcp_server.transports import serve_stdio
from omni_pipelines.permissions.capabilities import capability_of_tool
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.progress import report
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.signature import tool

TOKEN = "token-of-the-conformance-suite-which-cannot-send-one"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVE").decode()
_TEXT, _IMAGE = {"type": "text", "text": "A sample."}, {"type": "image", "data": PNG, "mimeType": "image/png"}
_EMBEDDED = {
    "type": "resource",
    "resource": {"uri": "test://embedded-resource", "mimeType": "text/plain", "text": "An embedded sample."},
}
Blocks = list[dict[str, Any]]


class SampleTool(OfferedTool):
    """A tool whose data are the blocks of its answer."""

    def answer(self, response: ToolResponse, release: int) -> types.CallToolResult:
        if not response.is_success:
            return super().answer(response, release)
        return types.CallToolResult.model_validate({"content": response.data})


def _sample(name: str, blocks: Blocks) -> Callable[[], Blocks]:
    @tool(f"sample.{name}", read_only=True)
    def sample() -> Blocks:
        """Answer with a sample."""
        return blocks

    return sample


@tool("sample.test_error_handling", read_only=True)
def fail() -> Blocks:
    """Fail."""
    raise OmniError("this tool always fails", cure="call another one")


@tool("sample.test_tool_with_logging")
def log() -> Blocks:
    """Tell about three steps."""
    for step in ("starting", "processing", "ending"):
        report(step, 0, 0, "")
        time.sleep(0.05)
    return [_TEXT]


@tool("sample.test_tool_with_progress")
def progress() -> Blocks:
    """Tell three times how far it is."""
    for done in (0, 50, 100):
        report("counting", done, 100, "steps")
        time.sleep(0.05)
    return [_TEXT]


@tool("sample.test_sampling", read_only=True)
def sampling(prompt: str) -> Blocks:
    """Ask the language model of the client.

    Args:
        prompt: What to ask.
    """
    content = types.TextContent(text=prompt)
    params = types.CreateMessageRequestParams(
        messages=[types.SamplingMessage(role="user", content=content)], max_tokens=100
    )
    return _asked(types.CreateMessageRequest(params=params), types.CreateMessageResult)


@tool("sample.test_elicitation", read_only=True)
def elicit(message: str) -> Blocks:
    """Ask the person at the client.

    Args:
        message: What to ask.
    """
    return _elicited(
        {
            "username": {"type": "string", "description": "Their name"},
            "email": {"type": "string", "description": "Their address"},
        },
        message,
    )


@tool("sample.test_elicitation_sep1034_defaults", read_only=True)
def elicit_with_defaults() -> Blocks:
    """Ask the person at the client, with a default for each field."""
    return _elicited(
        {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
    )


@tool("sample.test_elicitation_sep1330_enums", read_only=True)
def elicit_choices() -> Blocks:
    """Ask the person at the client to choose, in the five ways of the protocol."""
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
    named = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
    return _elicited(
        {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", **named},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
    )


_TOOLS: tuple[Callable[..., object], ...] = (
    _sample("test_simple_text", [_TEXT]),
    _sample("test_image_content", [_IMAGE]),
    _sample("test_audio_content", [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]),
    _sample("test_embedded_resource", [_EMBEDDED]),
    _sample("test_multiple_content_types", [_TEXT, _IMAGE, _EMBEDDED]),
    fail,
    log,
    progress,
    sampling,
    elicit,
    elicit_with_defaults,
    elicit_choices,
)
_RESOURCES: Mapping[str, Mapping[str, str]] = {
    "test://static-text": {"mimeType": "text/plain", "text": "A text."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
    "test://watched-resource": {"mimeType": "text/plain", "text": "A text that may change."},
}


@tool("knowledge.list_resources", read_only=True)
def list_resources(cursor: str = "") -> dict[str, Any]:
    """List the samples."""
    return {"resources": [{"uri": uri, "name": uri.rpartition("/")[2]} for uri in _RESOURCES]}


@tool("knowledge.read_resource", read_only=True)
def read_resource(uri: str) -> dict[str, str]:
    """Read a sample."""
    if uri == "test://template/123/data":
        return {"uri": uri, "mimeType": "application/json", "text": '{"id": "123"}'}
    if uri not in _RESOURCES:
        raise ConfigurationError(f"there is no {uri}", cure="list the resources")
    return {"uri": uri, **_RESOURCES[uri]}


class SamplePrompts:
    """The prompts of the suite."""

    def list(self) -> types.ListPromptsResult:
        names = ("arg1", "arg2", "resourceUri")
        arguments = {name: types.PromptArgument(name=name, description="A sample.", required=True) for name in names}
        asked = {
            "test_simple_prompt": [],
            "test_prompt_with_arguments": [arguments["arg1"], arguments["arg2"]],
            "test_prompt_with_embedded_resource": [arguments["resourceUri"]],
            "test_prompt_with_image": [],
        }
        prompts = [types.Prompt(name=name, description="A sample.", arguments=of) for name, of in asked.items()]
        return types.ListPromptsResult(prompts=prompts)

    def get(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        resource = {"uri": arguments.get("resourceUri", ""), "mimeType": "text/plain", "text": "Embedded."}
        contents: dict[str, Blocks] = {
            "test_simple_prompt": [_TEXT],
            "test_prompt_with_arguments": [{"type": "text", "text": " ".join(arguments.values())}],
            "test_prompt_with_embedded_resource": [{"type": "resource", "resource": resource}, _TEXT],
            "test_prompt_with_image": [_IMAGE, _TEXT],
        }
        if name not in contents:
            raise ConfigurationError(f"there is no prompt {name}", cure="list the prompts")
        messages = [{"role": "user", "content": content} for content in contents[name]]
        return types.GetPromptResult.model_validate({"messages": messages})


def sample_server(home: Home) -> KnowledgeServer:
    """The server of the samples; the home has its audit log."""

    def gatekeeper_of(release: int | None, is_tainted: bool) -> Gatekeeper:
        catalog = ToolCatalog()
        catalog.add(*_TOOLS, list_resources, read_resource)
        policies = {
            each.name: ToolPolicy(
                capability_of_tool(each.name),
                Effect.READ if each.annotations.read_only_hint else Effect.WRITE,
                is_untrusted=False,
            )
            for each in catalog.tools
        }
        granted = [Grant(capabilities="sample:*")]
        return Gatekeeper(catalog, policies, permission_files(home), "suite", granted=granted, is_tainted=is_tainted)

    def offered(catalog: ToolCatalog) -> dict[str, OfferedTool]:
        samples = [each for each in catalog.tools if each.name.startswith("sample.")]
        return {name: SampleTool(name, each) for each in samples for name in [each.name.partition(".")[2]]}

    server = KnowledgeServer(home, CurrentTools(home, gatekeeper_of, offered), prompts=SamplePrompts())
    server.protocol.middleware.append(_remember_client)
    return server


@contextlib.contextmanager
def with_token(serving: uvicorn.Server) -> Iterator[None]:
    """Add the token to the requests of a client that cannot send one; the guard sees them as they are otherwise."""
    guarded: App = serving.config.app  # type: ignore[assignment]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        token = (b"authorization", f"Bearer {TOKEN}".encode())
        if scope["type"] != "lifespan":
            scope = {**scope, "headers": [*scope["headers"], token]}
        await guarded(scope, receive, send)

    serving.config.app = app
    yield


_client: contextvars.ContextVar[tuple[Any, asyncio.AbstractEventLoop]] = contextvars.ContextVar("client")


async def _remember_client(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    _client.set((ctx, asyncio.get_running_loop()))
    return await call_next(ctx)


def _elicited(properties: Mapping[str, Any], message: str = "Please fill this in.") -> Blocks:
    schema = {"type": "object", "properties": dict(properties), "required": list(properties)}
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return _asked(types.ElicitRequest(params=params), types.ElicitResult)


def _asked(request: Any, result: Any) -> Blocks:
    """What the client answers to a request of ours, as a text."""
    context, loop = _client.get()
    metadata = ServerMessageMetadata(related_request_id=context.request_id)
    asking = context.session.send_request(request, result, metadata=metadata)
    answer = asyncio.run_coroutine_threadsafe(asking, loop).result(30)
    return [{"type": "text", "text": answer.model_dump_json()}]


if __name__ == "__main__":
    serve_stdio(sample_server(Home(Path(sys.argv[1]))))
