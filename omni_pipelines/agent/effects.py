"""Calls of tools, each with its effect once, also when the process was killed in the middle and the node runs again.

Before a call, its key is written down; after it, the response. A call whose response is known is not made again. One
that was begun and has no response may have had its effect or not: it is repeated if that does no harm, else the
person must say what happened.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson

from omni_pipelines.agent.session import TaskSession
from omni_pipelines.ids import text_hash
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolAnnotations

_VOLATILE = {"timestamp", "request_id", "duration_ms"}
"""Fields by which two equal responses differ; without them, the same result has the same name."""
HAPPENED, AGAIN = "happened", "again"
"""The two answers to the question whether an interrupted call had its effect."""


def effect_key(*parts: object) -> str:
    """The identity of a call: where it stands in the task, the tool, and its exact arguments."""
    return text_hash(*(orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode() for part in parts))


class TaskEffects:
    """The calls of one session."""

    def __init__(self, session: TaskSession) -> None:
        self._session = session
        self._ended: dict[str, str] = {}
        self._begun: set[str] = set()
        self._current = ""
        for entry in session.read_lines(session.effects_file):
            if "output" in entry:
                self._ended[entry["key"]] = entry["output"]
            elif "held" in entry:
                self._begun.discard(entry["key"])
            else:
                self._begun.add(entry["key"])

    def once(
        self,
        key: str,
        annotations: ToolAnnotations,
        call: Callable[[], ToolResponse],
        ask: Callable[[], str],
    ) -> tuple[ToolResponse, str]:
        """The response of a call, and the name of its text; `ask` returns what the person says happened before."""
        if key in self._ended:
            return self._response(self._ended[key])
        is_harmless = annotations.read_only_hint or annotations.idempotent_hint
        if key in self._begun and not is_harmless and ask() == HAPPENED:
            return self._end(key, ToolResponse.partial(None, "it ran before a crash; its response is unknown"))
        self._current = "" if is_harmless else key
        self._begin()
        return self._end(key, call())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block, the present call does not run: a process that ends there leaves no doubt about it."""
        if self._current:
            self._session.append_line(self._session.effects_file, {"key": self._current, "held": "yes"})
        yield
        self._begin()

    def _begin(self) -> None:
        if self._current:
            self._session.append_line(self._session.effects_file, {"key": self._current}, is_durable=True)

    def _response(self, output: str) -> tuple[ToolResponse, str]:
        return ToolResponse.model_validate_json(self._session.text(output)), output

    def _end(self, key: str, response: ToolResponse) -> tuple[ToolResponse, str]:
        output = self._session.keep(response.model_dump_json(exclude=_VOLATILE))
        self._session.append_line(self._session.effects_file, {"key": key, "output": output})
        self._ended[key] = output
        return self._response(output)
