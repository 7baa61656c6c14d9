"""A session as an OpenTelemetry trace: the document that a collector takes at /v1/traces, as OTLP in JSON.

Spans have names, tokens, states and times, and no text of the task, its arguments or its results. The names of the
fields are those of the semantic conventions for generative AI (gen_ai.*).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from omni_pipelines.agent.session import TaskRecord
from omni_pipelines.agent.task_state import SUCCESSES
from omni_pipelines.records import Event

INTERNAL, CLIENT = 1, 3
"""Kinds of a span: work of its own, and a request to something else."""
_ERROR = 2
"""The status of a span that failed."""
Fields = dict[str, JsonValue]


def trace_of(record: TaskRecord, events: Sequence[Event]) -> Fields:
    """The trace of a session: one span for the task, and below it one for each node, each tool and each request."""
    service: JsonValue = {"attributes": _attributes({"service.name": "omni-pipelines"})}
    scope: JsonValue = {"name": "omni_pipelines.agent", "version": "1"}
    spans: list[JsonValue] = [_task_span(record, events), *_spans(record, events)]
    return {"resourceSpans": [{"resource": service, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def _task_span(record: TaskRecord, events: Sequence[Event]) -> Fields:
    fields: dict[str, JsonValue] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "omni",
        "gen_ai.conversation.id": record.id,
        "gen_ai.request.model": record.model,
    }
    code = next((event.payload["code"] for event in events if event.topic == "agent/task/ended"), "")
    return _span(record, "", "", "invoke_agent omni", INTERNAL, events, fields, code)


def _spans(record: TaskRecord, events: Sequence[Event]) -> Iterator[Fields]:
    inside: dict[str, list[Event]] = {}
    parents: dict[str, str] = {}
    for event in events:
        if event.span_id:
            parents.setdefault(event.span_id, event.parent_id)
            inside.setdefault(event.span_id, []).append(event)
    for span_id, own in inside.items():
        begun = own[0].topic.split("/")[1]
        describe = _KINDS.get(begun, _node)
        name, kind, fields, code = describe(record, own)
        yield _span(record, span_id, parents[span_id], name, kind, own, fields, code)


_Described = tuple[str, int, Mapping[str, JsonValue], JsonValue]
"""Name, kind, fields, and the code of an error or ""."""


def _node(record: TaskRecord, events: Sequence[Event]) -> _Described:
    return str(events[0].payload.get("node", events[0].topic)), INTERNAL, {}, ""


def _tool(record: TaskRecord, events: Sequence[Event]) -> _Described:
    name, last = str(events[0].payload["tool"]), events[-1].payload
    fields = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    failed = last.get("status") not in SUCCESSES
    return f"execute_tool {name}", INTERNAL, fields, last.get("code") or "error" if failed else ""


def _model(record: TaskRecord, events: Sequence[Event]) -> _Described:
    last = events[-1].payload
    fields: dict[str, JsonValue] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": record.model}
    if "output_tokens" in last:
        fields["gen_ai.usage.input_tokens"] = last["input_tokens"]
        fields["gen_ai.usage.output_tokens"] = last["output_tokens"]
    return f"chat {record.model}", CLIENT, fields, "" if "output_tokens" in last else "error"


_KINDS: Mapping[str, Callable[[TaskRecord, Sequence[Event]], _Described]] = {"tool": _tool, "model": _model}


def _span(
    record: TaskRecord,
    span_id: str,
    parent_id: str,
    name: str,
    kind: int,
    events: Sequence[Event],
    fields: Mapping[str, JsonValue],
    code: JsonValue,
) -> Fields:
    begin, end = (_nanoseconds(moment) for moment in (events[0].timestamp, events[-1].timestamp))
    span: Fields = {
        "traceId": _hex(record.id, 32),
        "spanId": _hex(f"{record.id}/{span_id}", 16),
        "parentSpanId": _hex(f"{record.id}/{parent_id}", 16) if span_id else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": begin,
        "endTimeUnixNano": end,
        "attributes": _attributes({**fields, "error.type": code} if code else fields),
    }
    return {**span, "status": {"code": _ERROR}} if code else span


def _attributes(fields: Mapping[str, JsonValue]) -> list[JsonValue]:
    """Fields in the form of OTLP, in which integers are texts."""
    return [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}}
        for name, value in fields.items()
    ]


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _nanoseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1_000_000) * 1_000)
