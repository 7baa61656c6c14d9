"""Calls of tools in the form of an OpenAI-compatible server."""

from collections.abc import Sequence

import orjson

from omni_pipelines.language_models.port import Message, ModelTool, ToolCall


def message_body(message: Message) -> dict[str, object]:
    """A message as a server takes it."""
    body: dict[str, object] = {"role": message.role, "content": message.content}
    if message.calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": _sent(call.tool), "arguments": orjson.dumps(dict(call.arguments)).decode()},
            }
            for call in message.calls
        ]
    if message.role == "tool":
        body["tool_call_id"] = message.call_id
    return body


def as_body(tools: Sequence[ModelTool]) -> dict[str, object]:
    """The fields of a request that offer tools."""
    functions = (
        {"name": _sent(tool.name), "description": tool.description, "parameters": dict(tool.parameters)}
        for tool in tools
    )
    return {"tools": [{"type": "function", "function": function} for function in functions]}


def read_calls(calls: object, tools: Sequence[ModelTool]) -> tuple[ToolCall, ...]:
    """The calls of a reply. A name that was not offered stays as the model wrote it, for the caller to refuse.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: they do not have the form of calls.
    """
    names = {_sent(tool.name): tool.name for tool in tools}
    found = []
    for number, call in enumerate(calls if isinstance(calls, list) else [], 1):
        function = call["function"]
        arguments = orjson.loads(function.get("arguments") or "{}")
        if not isinstance(arguments, dict):
            raise ValueError("the arguments of a call are no object")
        found.append(
            ToolCall(call.get("id") or str(number), names.get(function["name"], function["name"]), arguments)
        )
    return tuple(found)


def _sent(name: str) -> str:
    """The name of a tool without dots, which servers do not allow."""
    return name.replace(".", "__")
