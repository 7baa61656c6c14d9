"""The event bus: publish events to any number of subscribers without waiting for them.

Every subscriber has a queue of its own with a limit. When the queue is full, the oldest event is dropped and counted,
so a slow subscriber loses events and no other one does. The sequence numbers of a bus have no gaps, so a subscriber
can see what it lost. Events can be recorded in a file of JSON lines and replayed.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context, ContextVar
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

from pydantic import ValidationError

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.records import Event, Record
from omni_pipelines.threads import start_daemon

EVERYTHING = "**"
CAPACITY = 1_000
"""Events that wait for one subscriber."""
DRAIN_SECONDS = 10.0
"""Time that `subscribed` waits at its end for the listener to process the events that are left."""


class Payload(Record):
    """The fields of an event; a subclass names its topics: `class Moved(Payload, topics=("file/moved",))`."""

    topics: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, topics: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        cls.topics = topics
        _PAYLOAD_TYPES.update(dict.fromkeys(topics, cls))

    @property
    def topic(self) -> str:
        """The topic to publish under; a subclass with several topics overrides it."""
        return self.topics[0]


_PAYLOAD_TYPES: dict[str, type[Payload]] = {}


def payload_of(event: Event) -> Payload | None:
    """Return the typed payload of an event, or None if no payload type has its topic.

    Raises:
        ValidationError: the event does not have the fields of its payload type.
    """
    payload_type = _PAYLOAD_TYPES.get(event.topic)
    return None if payload_type is None else payload_type.model_validate(event.payload)


def matches(pattern: str, topic: str) -> bool:
    """Return whether a topic matches a pattern: `*` is one word, `**` at the end any number of words.

    Raises:
        ConfigurationError: `**` is not at the end, or a word is empty.
    """
    wanted, words = _split(pattern), topic.split("/")
    if wanted[-1] == EVERYTHING:
        wanted = wanted[:-1]
        words = words[: len(wanted)]
    return len(wanted) == len(words) and all(want in ("*", word) for want, word in zip(wanted, words, strict=True))


def _split(pattern: str) -> list[str]:
    parts = pattern.split("/")
    if EVERYTHING in parts[:-1] or not all(parts):
        raise ConfigurationError(
            f"{pattern!r} is not a pattern of topics", cure="write index_job/*, or index_job/** for all levels below"
        )
    return parts


class Subscription:
    """The queue of one subscriber; iterate over it with `for` or `async for` until it is closed.

    Attributes:
        pattern: the topics that it receives.
        dropped: number of events that were lost because the queue was full.
    """

    def __init__(self, pattern: str, capacity: int, leave: Callable[[Subscription], None]) -> None:
        _split(pattern)
        self.pattern, self.dropped = pattern, 0
        self._queue: deque[Event] = deque()
        self._capacity, self._leave = capacity, leave
        self._changed = threading.Condition()
        self._wakers: list[Callable[[], object]] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, event: Event) -> None:
        """Add an event; drop the oldest one if the queue is full."""
        with self._changed:
            if len(self._queue) >= self._capacity:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(event)
            self._wake()

    def get(self, timeout: float | None = None) -> Event | None:
        """Return the next event, or None after `timeout` seconds without one or when the subscription is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed, timeout)
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Receive no more events; those in the queue can still be read."""
        self._leave(self)
        with self._changed:
            self._closed = True
            self._wake()

    def __iter__(self) -> Iterator[Event]:
        while (event := self.get()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        import asyncio  # takes longer to import than all else here, and most processes have no loop

        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def waker() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
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
    """Delivers events to every matching subscriber, in the order of their sequence numbers. Thread-safe."""

    def __init__(self, source: str, run_id: str = "") -> None:
        self.source, self.run_id = source, run_id
        self._lock = threading.Lock()
        self._sequence = 0
        self._subscriptions: tuple[Subscription, ...] = ()
        self._dropped = 0

    @property
    def published(self) -> int:
        """Number of events published so far."""
        return self._sequence

    @property
    def dropped(self) -> int:
        """Number of events that subscribers lost, including closed ones."""
        return self._dropped + sum(subscription.dropped for subscription in self._subscriptions)

    def subscribe(self, pattern: str = EVERYTHING, capacity: int = CAPACITY) -> Subscription:
        """Return a subscription to the events that are published from now on under matching topics.

        Raises:
            ConfigurationError: the pattern is not valid.
        """
        subscription = Subscription(pattern, capacity, self._remove)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)
                self._dropped += subscription.dropped

    def publish(self, payload: Payload, *, span_id: str = "", parent_id: str = "") -> Event | None:
        """Publish an event without waiting, and return it; None if nobody listens, so that it need not be made."""
        with self._lock:
            if not self._subscriptions:
                self._sequence += 1
                return None
        ids = {"run_id": self.run_id, "span_id": span_id, "parent_id": parent_id}
        fields = payload.model_dump(mode="json")
        return self.forward(Event(source=self.source, topic=payload.topic, payload=fields, **ids))

    def forward(self, event: Event) -> Event:
        """Publish an event of another bus, process or record with a sequence number of this bus."""
        with self._lock:  # held while the event is queued, so that all subscribers see the same order
            self._sequence += 1
            numbered = event.model_copy(update={"sequence": self._sequence})
            for subscription in self._subscriptions:
                if matches(subscription.pattern, event.topic):
                    subscription.put(numbered)
        return numbered


_current: ContextVar[EventBus | None] = ContextVar("omni_event_bus", default=None)


def current_bus() -> EventBus | None:
    """Return the bus of the calling context, or None if there is none."""
    return _current.get()


@contextmanager
def using(bus: EventBus) -> Iterator[EventBus]:
    """Make `bus` the current bus inside the block."""
    token = _current.set(bus)
    try:
        yield bus
    finally:
        _current.reset(token)


@contextmanager
def subscribed(
    listener: Callable[[Event], None], pattern: str = EVERYTHING, capacity: int = CAPACITY
) -> Iterator[Subscription]:
    """Call `listener`, in a thread of its own, for every matching event that is published inside the block.

    The end of the block waits for the listener. An error of the listener ends only its own subscription; it is raised
    at the end of the block.
    """
    bus = current_bus()
    if bus is None:
        with using(EventBus("omni")), subscribed(listener, pattern, capacity) as subscription:
            yield subscription
        return
    with bus.subscribe(pattern, capacity) as subscription:
        # in an empty context, so that events that the listener publishes do not come back to it
        delivered = start_daemon(partial(Context().run, _deliver, subscription, listener), "events")
        try:
            yield subscription
        finally:
            subscription.close()
            concurrent.futures.wait([delivered], DRAIN_SECONDS)
    if delivered.done():
        delivered.result()


def _deliver(subscription: Subscription, listener: Callable[[Event], None]) -> None:
    with subscription:
        for event in subscription:
            listener(event)


def append(path: Path, event: Event) -> None:
    """Append an event to a record in a single write, so that several processes can append.

    Raises:
        OSError: the file cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, event.model_dump_json().encode() + b"\n")
    finally:
        os.close(handle)


def recording(
    path: Path, pattern: str = EVERYTHING, capacity: int = 100 * CAPACITY
) -> AbstractContextManager[Subscription]:
    """Append every matching event that is published inside the block to a file, as one JSON line each."""
    return subscribed(partial(append, path), pattern, capacity)


class Tail:
    """Reads a record while it grows; an incomplete line is read later, a line that is not an event is skipped."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def read(self) -> Iterator[Event]:
        """Yield the events since the last call; none while the file does not exist."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return
        for line in itertools.takewhile(lambda line: line.endswith(b"\n"), lines):
            self._offset += len(line)
            with contextlib.suppress(ValidationError):
                yield Event.model_validate_json(line)


def replay(path: Path, bus: EventBus, pattern: str = EVERYTHING, pace: float = 0.0) -> int:
    """Publish the events of a record again, in their order, and return their number.

    Args:
        path: a file of JSON lines.
        bus: the bus that publishes them.
        pattern: the topics to publish.
        pace: 1 waits as long between two events as when they were recorded, 2 twice as long, 0 does not wait.

    Raises:
        ConfigurationError: the file does not exist, or the pattern is not valid.
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
