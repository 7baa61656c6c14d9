"""Calls of tools for models that cannot call any: one step as JSON, which a schema forces into its form.

Small models write a native call as text, but they keep to a schema. So a conversation with calls is told to them as
plain text, and their next step is either `{"tool": NAME, "arguments": {…}}` or `{"answer": TEXT}`.
"""

from collections.abc import Mapping, Sequence

import orjson

from omni_pipelines.language_models.port import Message, ModelTool, ToolCall, Turn


def step_schema(tools: Sequence[ModelTool]) -> Mapping[str, object]:
    """The JSON schema of a step with one of these tools, or of an answer."""
    steps: list[object] = [
        {
            "type": "object",
            "properties": {"tool": {"const": tool.name}, "arguments": tool.parameters},
            "required": ["tool", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    answer = {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {"anyOf": [*steps, answer]}


def told_plainly(messages: Sequence[Message], tools: Sequence[ModelTool]) -> list[Message]:
    """A conversation without calls: each is the text of its step, and each result a message of the user."""
    listed = "\n".join(
        f"- {tool.name}: {tool.description} Arguments: {orjson.dumps(tool.parameters).decode()}" for tool in tools
    )
    how = (
        'Reply with one JSON object: {"tool": NAME, "arguments": {…}} to call a tool, or {"answer": TEXT} '
        f"when you are done. The tools:\n{listed}"
    )
    plain = [_plain(message) for message in messages]
    return [Message("system", how), *plain] if tools else plain


def _plain(message: Message) -> Message:
    if message.calls:
        steps = [
            orjson.dumps({"tool": call.tool, "arguments": dict(call.arguments)}).decode() for call in message.calls
        ]
        return Message("assistant", "\n".join(filter(None, [message.content, *steps])))
    return Message("user", f"Result of the call:\n{message.content}") if message.role == "tool" else message


def read_step(turn: Turn) -> Turn:
    """A turn with the call that its text describes, also of a tool that was not offered; else with its answer."""
    start, end = turn.text.find("{"), turn.text.rfind("}")  # some models add a fence, or a word before it
    try:
        step = orjson.loads(turn.text[start : end + 1] if start >= 0 else "")
    except orjson.JSONDecodeError:
        return turn
    if not isinstance(step, dict):
        return turn
    name, arguments = step.get("tool"), step.get("arguments", {})
    if isinstance(name, str) and isinstance(arguments, dict):
        return Turn("", (ToolCall("1", name, arguments),), turn.usage)
    answer = step.get("answer")
    return Turn(answer, (), turn.usage) if isinstance(answer, str) else turn
