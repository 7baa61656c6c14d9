"""Calls of tools as one step of JSON, for models that cannot call any."""

from __future__ import annotations

import jsonschema
import pytest

from omni_pipelines.language_models.port import Message, ModelTool, ToolCall, Turn
from omni_pipelines.language_models.tool_steps import read_step, step_schema, told_plainly

PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
READ = ModelTool("files.read", "Read a file.", PARAMETERS)


@pytest.mark.parametrize(
    ("step", "is_valid"),
    [
        ({"tool": "files.read", "arguments": {"path": "a"}}, True),
        ({"answer": "done"}, True),
        ({"tool": "files.read", "arguments": {}}, False),
        ({"tool": "files.delete", "arguments": {"path": "a"}}, False),
        ({"answer": "done", "tool": "files.read"}, False),
    ],
)
def test_schema_accepts_offered_tools_and_answers_only(step: object, is_valid: bool) -> None:
    assert jsonschema.Draft202012Validator(step_schema([READ])).is_valid(step) is is_valid


@pytest.mark.parametrize(
    ("said", "turn"),
    [
        (
            '{"tool": "files.read", "arguments": {"path": "a"}}',
            Turn("", (ToolCall("1", "files.read", {"path": "a"}),)),
        ),
        ('```json\n{"answer": "nine hours"}\n```', Turn("nine hours")),
        ('{"tool": "files.delete", "arguments": {}}', Turn("", (ToolCall("1", "files.delete", {}),))),
        ("no JSON at all", Turn("no JSON at all")),
        ('{"tool": 7, "arguments": {}}', Turn('{"tool": 7, "arguments": {}}')),
        ("[1]", Turn("[1]")),
        ("{", Turn("{")),
    ],
)
def test_step_is_a_call_or_an_answer(said: str, turn: Turn) -> None:
    assert read_step(Turn(said)) == turn


def test_conversation_is_told_without_calls() -> None:
    call = ToolCall("1", "files.read", {"path": "a"})
    talk = [Message("user", "Read a."), Message("assistant", "", (call,)), Message("tool", "text", call_id="1")]
    plain = told_plainly(talk, [READ])
    assert [message.role for message in plain] == ["system", "user", "assistant", "user"]
    assert plain[2].content == '{"tool":"files.read","arguments":{"path":"a"}}'
    assert not any(message.calls or message.call_id for message in plain)
