"""The events of a session: recorded in its file, then heard by whoever watches.

An event depends on nothing but the session, its number, the clock and its payload. After a crash, the events since
the last checkpoint are removed, because the node that published them runs again. So the record of a task that was
killed has the same events as that of one that was not. The record has the form of `events.recording`.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from native.durable import write_whole
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_events import Phase, PhaseEntered
from omni_pipelines.events import Payload, append, current_bus, payload_of
from omni_pipelines.record_fields import now
from omni_pipelines.records import Event

SOURCE = "agent"
_IDS = uuid.UUID("6d2f9d6e-6f4f-5c8e-9f0b-3a1c7b0e5d21")

Clock = Callable[[], datetime]
Listener = Callable[[Event], object]
"""Called with each event, in their order, before the task goes on."""


def to_current_bus(event: Event) -> None:
    """Publish an event on the bus of the calling context, if there is one."""
    bus = current_bus()
    if bus is not None:
        bus.forward(event)


class TaskJournal:
    """Publishes the events of one session, in one thread."""

    def __init__(
        self, session: TaskSession, sequence: int = 0, *, clock: Clock = now, listener: Listener = to_current_bus
    ) -> None:
        """`sequence` is the number of recorded events that count; those after it are removed."""
        self._session, self._clock, self._listener = session, clock, listener
        self.sequence = sequence
        """The number of the last event."""
        self._spans: list[str] = []
        _keep_first(session, sequence)
        self._phase = _last_phase(session)

    def publish(self, payload: Payload) -> Event:
        """Publish an event in the present span."""
        self.sequence += 1
        event = Event(
            id=uuid.uuid5(_IDS, f"{self._session.id}/{self.sequence}"),
            source=SOURCE,
            topic=payload.topic,
            payload=payload.model_dump(mode="json"),
            timestamp=self._clock(),
            sequence=self.sequence,
            run_id=self._session.id,
            span_id=self._spans[-1] if self._spans else "",
            parent_id=self._spans[-2] if len(self._spans) > 1 else "",
        )
        append(self._session.events_file, event)
        self._listener(event)
        return event

    def enter(self, phase: Phase) -> None:
        """Publish a phase, if it is another one than before."""
        if phase is not self._phase:
            self._phase = phase
            self.publish(PhaseEntered(phase=phase))

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Events inside the block belong to a span of their own."""
        self._spans.append(f"{name}-{self.sequence + 1}")
        try:
            yield
        finally:
            self._spans.pop()


def _keep_first(session: TaskSession, count: int) -> None:
    """Remove the events after the first `count`, and an incomplete last line."""
    if session.events_file.exists():
        lines = session.events_file.read_bytes().splitlines(keepends=True)[:count]
        write_whole(session.events_file, b"".join(lines))


def _last_phase(session: TaskSession) -> Phase | None:
    payloads = (payload_of(event) for event in reversed(session.events()))
    return next((payload.phase for payload in payloads if isinstance(payload, PhaseEntered)), None)
