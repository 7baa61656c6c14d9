"""Calls of tools, each with its effect once, also when the process was killed in the middle and the node runs again.

Before a call, its key is written down; after it, the response. A call whose response is known is not made again. One
that was begun and has no response may have had its effect or not: it is repeated if that does no harm, else the
person must say what happened.
"""

from collections.abc import Callable
from typing import cast

import orjson

from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.person import Inquiry, InquiryKind, Person
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_events import PersonAnswered, PersonAsked
from omni_pipelines.ids import text_hash
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolAnnotations

_VOLATILE = {"timestamp", "request_id", "duration_ms"}
"""Fields by which two equal responses differ; without them, the same result has the same name."""
HAPPENED, AGAIN = "happened", "again"
"""The two answers to the question whether an interrupted call had its effect."""


def effect_key(*parts: object) -> str:
    """The identity of a call: its place in the task, the tool, and its exact arguments."""
    return text_hash(*(orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode() for part in parts))


class TaskEffects:
    """The calls of one session."""

    def __init__(self, session: TaskSession, journal: TaskJournal) -> None:
        self._session, self._journal = session, journal
        self._ended: dict[str, dict[str, str]] = {}
        self._begun: set[str] = set()
        self._current = ""
        for entry in session.read_lines(session.effects_file):
            if "output" in entry:
                self._ended[entry["key"]] = entry
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
        self._talk: dict[str, str] = {}
        if key in self._ended:
            return self._recorded(self._ended[key])
        is_harmless = annotations.read_only_hint or annotations.idempotent_hint
        if key in self._begun and not is_harmless and ask() == HAPPENED:
            return self._end(key, ToolResponse.partial(None, "it ran before a crash; its response is unknown"))
        self._current = "" if is_harmless else key
        self.begin()
        return self._end(key, call())

    def hold(self) -> None:
        """Write down that the present call does not run before `begin`, whenever the process ends."""
        if self._current:
            self._session.append_line(self._session.effects_file, {"key": self._current, "held": "yes"})

    def begin(self) -> None:
        """Write down that the present call may run from now on."""
        if self._current:
            self._session.append_line(self._session.effects_file, {"key": self._current}, is_durable=True)

    def ask(self, person: Person, kind: InquiryKind, question: str) -> str | None:
        """What the person says about the present call, which is recorded with it; None if nobody answers."""
        self._journal.publish(PersonAsked(kind=kind, question=question))
        answer = person.answer(Inquiry(kind, question))
        if answer is not None:
            self._talk = {"kind": kind, "question": question, "answer": answer}
            self._journal.publish(PersonAnswered(kind=kind, answer=answer))
        return answer

    def _recorded(self, entry: dict[str, str]) -> tuple[ToolResponse, str]:
        """A call that was made before: its events are published again, and it is not."""
        if "question" in entry:
            kind = cast(InquiryKind, entry["kind"])
            self._journal.publish(PersonAsked(kind=kind, question=entry["question"]))
            self._journal.publish(PersonAnswered(kind=kind, answer=entry["answer"]))
        return self._response(entry["output"])

    def _response(self, output: str) -> tuple[ToolResponse, str]:
        return ToolResponse.model_validate_json(self._session.text(output)), output

    def _end(self, key: str, response: ToolResponse) -> tuple[ToolResponse, str]:
        output = self._session.keep(response.model_dump_json(exclude=_VOLATILE))
        entry = {"key": key, "output": output, **self._talk}
        self._session.append_line(self._session.effects_file, entry)
        self._ended[key] = entry
        return self._response(output)
