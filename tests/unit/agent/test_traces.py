"""A session as an OpenTelemetry trace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omni_pipelines.agent.traces import trace_of
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import SECRET_WORDS, Library, NewTask, Task
from tests.scripted_tasks import CLEAR, GOOD, call, done, planned, says


@pytest.fixture
def task(new_task: NewTask) -> Task:
    replies = CLEAR, planned(("ask", "knowledge.ask")), call("knowledge.ask", question="keys?"), done(), GOOD
    return new_task(Library().catalog, "Write about keys", ScriptedModel([*replies, says((SECRET_WORDS, [1]))]))


def spans_of(task: Task) -> list[Any]:
    document: Any = trace_of(task.session.record, task.session.events())
    return list(json.loads(json.dumps(document))["resourceSpans"][0]["scopeSpans"][0]["spans"])


def named(spans: list[Any], name: str) -> list[Any]:
    return [span for span in spans if span["name"] == name]


def fields_of(span: Any) -> dict[str, str]:
    return {field["key"]: next(iter(field["value"].values())) for field in span["attributes"]}


def test_spans_of_tools_and_requests_are_below_their_nodes_and_these_below_the_task(task: Task) -> None:
    task.run()
    spans = spans_of(task)
    (root,) = named(spans, "invoke_agent omni")
    (tool,) = named(spans, "execute_tool knowledge.ask")
    assert root["parentSpanId"] == ""
    assert {node["parentSpanId"] for node in named(spans, "act")} == {root["spanId"]}
    assert tool["parentSpanId"] in {node["spanId"] for node in named(spans, "act")}
    assert int(root["startTimeUnixNano"]) < int(tool["startTimeUnixNano"]) < int(root["endTimeUnixNano"])
    assert len({span["traceId"] for span in spans}) == 1
    assert len({span["spanId"] for span in spans}) == len(spans)


def test_requests_name_the_model_and_its_tokens(task: Task) -> None:
    result = task.run()
    chats = [fields_of(span) for span in named(spans_of(task), "chat scripted")]
    assert {chat["gen_ai.request.model"] for chat in chats} == {"scripted"}
    used = sum(int(chat[f"gen_ai.usage.{kind}_tokens"]) for chat in chats for kind in ("input", "output"))
    assert used == result.tokens


def test_trace_holds_no_text_of_the_task(task: Task) -> None:
    task.run()
    text = json.dumps(trace_of(task.session.record, task.session.events()))
    assert SECRET_WORDS not in text
    assert "Write about" not in text
    assert "keys?" not in text


def test_failed_call_and_failed_task_have_the_code_of_their_error(new_task: NewTask) -> None:
    task = new_task(Library().catalog, "What is the capital of France?")
    task.run()
    spans = spans_of(task)
    for name in ("execute_tool knowledge.ask", "invoke_agent omni"):
        (span,) = named(spans, name)
        assert span["status"] == {"code": 2}
        assert fields_of(span)["error.type"] == "7001"
