"""The event bus: what happens, told to whoever listens, at no cost to who tells it.

A publisher never waits. Every subscriber has a queue of its own with a limit; when it is full the oldest event goes
and is counted, so a slow subscriber loses events and nobody else does. Sequence numbers rise by one with each event
of a bus, so a gap is seen, too. A record is a file of JSON lines, and can be told again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from pydantic import ValidationError

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.records import Event, Record

EVERYTHING = "**"
CAPACITY = 1_000
"""Events that wait for one subscriber."""
DRAIN_SECONDS = 10.0
"""How long the end of listening waits for a listener to hear what is left."""


class Payload(Record):
    """What an event says, as fields. A kind names its topics: `class Moved(Payload, topics=("file/moved",))`."""

    topics: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, topics: tuple[str, ...] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.topics = topics
        _KINDS.update(dict.fromkeys(topics, cls))

    @property
    def topic(self) -> str:
        """The topic it is told under: the only one, if a kind has no other rule."""
        return self.topics[0]


_KINDS: dict[str, type[Payload]] = {}
"""Topic to the type of its payload."""


def payload_of(event: Event) -> Payload | None:
    """What an event says, typed; None where nobody here knows its topic.

    Raises:
        ValidationError: it does not have the fields that its topic has.
    """
    kind = _KINDS.get(event.topic)
    return None if kind is None else kind.model_validate(event.payload)


def matches(pattern: str, topic: str) -> bool:
    """Whether a pattern means a topic: `*` is one word, `**` at its end any number of them.

    Raises:
        ConfigurationError: `**` stands elsewhere, or a word is empty.
    """
    wanted, words = _parts(pattern), topic.split("/")
    if wanted[-1] == EVERYTHING:
        wanted = wanted[:-1]
        words = words[: len(wanted)]
    return len(wanted) == len(words) and all(want in ("*", word) for want, word in zip(wanted, words, strict=True))


def _parts(pattern: str) -> list[str]:
    parts = pattern.split("/")
    if EVERYTHING in parts[:-1] or not all(parts):
        raise ConfigurationError(
            f"{pattern!r} is no pattern of topics", cure="write index_job/*, or index_job/** for all that lies below"
        )
    return parts


class Subscription:
    """The queue of one subscriber. Iterate over it, with `for` or `async for`; that ends when it is closed."""

    def __init__(self, pattern: str, capacity: int, leave: Callable[[Subscription], None]) -> None:
        _parts(pattern)
        self.pattern, self.dropped = pattern, 0
        """`dropped`: events that were lost because the queue was full."""
        self._queue: deque[Event] = deque()
        self._capacity, self._leave = capacity, leave
        self._changed = threading.Condition()
        self._wakers: list[Callable[[], object]] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, event: Event) -> None:
        """Queue an event; the oldest goes where there is no room."""
        with self._changed:
            if len(self._queue) >= self._capacity:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(event)
            self._wake()

    def get(self, timeout: float | None = None) -> Event | None:
        """The next event; None after `timeout` seconds without one, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed, timeout)
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Take no more events. Those that wait can still be read."""
        self._leave(self)
        with self._changed:
            self._closed = True
            self._wake()

    def __iter__(self) -> Iterator[Event]:
        while (event := self.get()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def waker() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is over, and nobody waits
                loop.call_soon_threadsafe(ready.set)

        self._wakers.append(waker)
        try:
            while True:
                ready.clear()
                while (event := self.get(0)) is not None:
                    yield event
                if self._closed:
                    return
                await ready.wait()
        finally:
            self._wakers.remove(waker)

    def _wake(self) -> None:
        self._changed.notify_all()
        for waker in self._wakers:
            waker()


class EventBus:
    """Tells events to subscribers, each in the order of their sequence. Safe to use from several threads."""

    def __init__(self, source: str, run_id: str = "") -> None:
        self.source, self.run_id = source, run_id
        self._lock = threading.Lock()
        self._sequence = 0
        self._subscriptions: tuple[Subscription, ...] = ()
        self._dropped = 0

    @property
    def published(self) -> int:
        """Events told so far."""
        return self._sequence

    @property
    def dropped(self) -> int:
        """Events that slow subscribers lost, of those that are gone, too."""
        return self._dropped + sum(each.dropped for each in self._subscriptions)

    def subscribe(self, pattern: str = EVERYTHING, capacity: int = CAPACITY) -> Subscription:
        """Hear what is told from now on under topics that match.

        Raises:
            ConfigurationError: this is no pattern.
        """
        subscription = Subscription(pattern, capacity, self._forget)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions = tuple(each for each in self._subscriptions if each is not subscription)
                self._dropped += subscription.dropped

    def publish(self, payload: Payload, *, span_id: str = "", parent_id: str = "") -> Event:
        """Tell something; never waits. The event it became."""
        event = Event(
            source=self.source,
            topic=payload.topic,
            payload=payload.model_dump(mode="json"),
            run_id=self.run_id,
            span_id=span_id,
            parent_id=parent_id,
        )
        return self._tell(event)

    def forward(self, event: Event) -> Event:
        """Tell an event of another bus, of a process or a record, under a number of this one."""
        return self._tell(event)

    def _tell(self, event: Event) -> Event:
        with self._lock:  # held for as long as it takes to append to queues: the order is the same for all
            self._sequence += 1
            numbered = event.model_copy(update={"sequence": self._sequence})
            for subscription in self._subscriptions:
                if matches(subscription.pattern, event.topic):
                    subscription.put(numbered)
        return numbered


_current: ContextVar[EventBus | None] = ContextVar("omni_event_bus", default=None)


def current_bus() -> EventBus | None:
    """The bus of whoever called, if anybody listens there."""
    return _current.get()


@contextmanager
def using(bus: EventBus) -> Iterator[EventBus]:
    """Make this the bus that everything inside of the block tells its events to."""
    token = _current.set(bus)
    try:
        yield bus
    finally:
        _current.reset(token)


@contextmanager
def listening(
    listener: Callable[[Event], None], pattern: str = EVERYTHING, capacity: int = CAPACITY
) -> Iterator[Subscription]:
    """Call `listener` for every event told inside of the block, in a thread of its own, which the end waits for.

    An error of the listener stops nobody: it hears no more, and the error is raised at the end of the block.
    """
    bus = current_bus()
    if bus is None:
        with using(EventBus("omni")), listening(listener, pattern, capacity) as subscription:
            yield subscription
        return
    with bus.subscribe(pattern, capacity) as subscription:
        failed: list[Exception] = []
        thread = threading.Thread(target=_hear, args=(subscription, listener, failed), daemon=True)
        thread.start()
        try:
            yield subscription
        finally:
            subscription.close()
            thread.join(DRAIN_SECONDS)
    if failed:
        raise failed[0]


def _hear(subscription: Subscription, listener: Callable[[Event], None], failed: list[Exception]) -> None:
    try:
        for event in subscription:
            listener(event)
    except Exception as error:  # noqa: BLE001  # it is raised where the listening ends
        failed.append(error)
        subscription.close()


# --- records


def append(path: Path, event: Event) -> None:
    """Add an event to a record: one write of one line, whoever else writes.

    Raises:
        OSError: the file cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, event.model_dump_json().encode() + b"\n")
    finally:
        os.close(handle)


@contextmanager
def recording(path: Path, pattern: str = EVERYTHING, capacity: int = 100 * CAPACITY) -> Iterator[Subscription]:
    """Write every event told inside of the block to a file, one JSON line each, behind what it holds."""
    with listening(lambda event: append(path, event), pattern, capacity) as subscription:
        yield subscription


class Tail:
    """Reads a record as it grows. A line that is not whole yet waits; one that is no event is passed over."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def read(self) -> Iterator[Event]:
        """The events since the last call, none before the file is there."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return
        for line in lines:
            if not line.endswith(b"\n"):
                return
            self._at += len(line)
            try:
                yield Event.model_validate_json(line)
            except ValidationError:
                continue


def replay(path: Path, bus: EventBus, pattern: str = EVERYTHING, pace: float = 0.0) -> int:
    """Tell a record again: the same events in the same order. How many they were.

    Args:
        path: a file of JSON lines.
        bus: who tells them.
        pattern: topics that are told.
        pace: 1 for the pauses there were, 2 for twice them, 0 for none.

    Raises:
        ConfigurationError: there is no such file, or this is no pattern.
    """
    if not path.is_file():
        raise ConfigurationError(f"there is no record of events at {path}", cure="name a file of JSON lines")
    count, before = 0, None
    for event in Tail(path).read():
        if matches(pattern, event.topic):
            if pace and before is not None:
                time.sleep(max(0.0, (event.timestamp - before).total_seconds()) * pace)
            before = event.timestamp
            bus.forward(event)
            count += 1
    return count
