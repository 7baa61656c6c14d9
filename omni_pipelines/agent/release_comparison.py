"""Makes the calls that a session made to the knowledge base again, with another release, and says what differs."""

from collections.abc import Iterator

import orjson
from pydantic import JsonValue

from omni_pipelines.agent.report_sources import citations_in
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_events import ToolEnded, ToolStarted
from omni_pipelines.events import payload_of
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.records import Record
from omni_pipelines.responses import ToolResponse

_ROOM = "knowledge."


class ComparedCall(Record):
    """A call with two releases."""

    tool: str
    arguments: dict[str, JsonValue]
    is_same: bool
    """Whether status, citations and answer are the same."""
    status: tuple[str, str]
    """Then and now."""
    gone: tuple[str, ...]
    """Citations that are no longer found."""
    new: tuple[str, ...]
    """Citations that were not found then."""
    answer: tuple[str, str]
    """The answers, then and now; "" if there is none."""


def compare_releases(home: Home, session: TaskSession, release: int) -> list[ComparedCall]:
    """Each call to the knowledge base, with what it returned then and what it returns from a release.

    Raises:
        ConfigurationError: there is no such release.
    """
    catalog = knowledge_catalog(home, release)
    return [
        _compared(name, arguments, then, catalog.call(name, arguments)) for name, arguments, then in _calls(session)
    ]


def _calls(session: TaskSession) -> Iterator[tuple[str, dict[str, JsonValue], ToolResponse]]:
    arguments: dict[str, JsonValue] = {}
    for event in session.events():
        payload = payload_of(event)
        if isinstance(payload, ToolStarted):
            arguments = payload.arguments
        elif isinstance(payload, ToolEnded) and payload.tool.startswith(_ROOM):
            yield payload.tool, arguments, ToolResponse.model_validate_json(session.text(payload.output))


def _compared(name: str, arguments: dict[str, JsonValue], then: ToolResponse, now: ToolResponse) -> ComparedCall:
    before, after = _citations(then), _citations(now)
    answers = (_answer(then), _answer(now))
    return ComparedCall(
        tool=name,
        arguments=arguments,
        is_same=before == after and answers[0] == answers[1] and then.status is now.status,
        status=(then.status, now.status),
        gone=tuple(each for each in before if each not in after),
        new=tuple(each for each in after if each not in before),
        answer=answers,
    )


def _citations(response: ToolResponse) -> list[str]:
    data = orjson.loads(response.model_dump_json())["data"]
    return list(dict.fromkeys(citation.citation for citation in citations_in(data)))


def _answer(response: ToolResponse) -> str:
    return str(response.data.get("answer", "")) if isinstance(response.data, dict) else ""
