"""The event bus: a slow subscriber delays nobody, lost events are counted, and records can be replayed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic import ValidationError

from omni_pipelines import events
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.events import EventBus, Payload, Tail, append, matches, payload_of, recording, subscribed, using
from omni_pipelines.records import Event


class Moved(Payload, topics=("boat/moved",)):
    knots: int


class Moored(Payload, topics=("boat/harbour/moored", "boat/harbour/left")):
    gone: bool = False

    @property
    def topic(self) -> str:
        return self.topics[self.gone]


def knots(events: Iterable[Event]) -> list[object]:
    return [event.payload["knots"] for event in events]


def test_a_subscriber_gets_the_events_after_its_subscription() -> None:
    bus = EventBus("harbour", run_id="r1")
    bus.publish(Moved(knots=1))
    with bus.subscribe() as received:
        bus.publish(Moved(knots=2), span_id="s", parent_id="p")
    event = received.get()
    assert event is not None
    assert (event.source, event.topic, event.run_id, event.sequence) == ("harbour", "boat/moved", "r1", 2)
    assert (event.span_id, event.parent_id) == ("s", "p")
    assert payload_of(event) == Moved(knots=2)
    assert received.get() is None


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("**", "boat", True),
        ("**", "boat/harbour/left", True),
        ("boat/*", "boat/moved", True),
        ("boat/*", "boat/harbour/left", False),
        ("boat/*", "boat", False),
        ("boat/**", "boat/harbour/left", True),
        ("boat/**", "boat", True),
        ("boat/**", "boats/moved", False),
        ("*/harbour/*", "boat/harbour/left", True),
        ("boat/moved", "boat/moved", True),
        ("boat/mov", "boat/moved", False),
    ],
)
def test_one_star_matches_a_word_and_two_stars_any_number_of_words(pattern: str, topic: str, expected: bool) -> None:
    assert matches(pattern, topic) is expected


@pytest.mark.parametrize("pattern", ["", "boat//moved", "**/moved", "boat/", "/boat"])
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="not a pattern of topics"):
        EventBus("harbour").subscribe(pattern)


def test_a_slow_subscriber_loses_its_oldest_events_and_others_lose_none() -> None:
    bus = EventBus("harbour")
    slow, quick = bus.subscribe(capacity=3), bus.subscribe()
    for number in range(10):
        bus.publish(Moved(knots=number))  # returns although nobody reads
    assert (slow.dropped, quick.dropped, bus.dropped) == (7, 0, 7)
    slow.close()
    quick.close()
    assert knots(list(slow)) == [7, 8, 9]
    assert knots(list(quick)) == list(range(10))
    assert (bus.dropped, bus.published) == (7, 10)


def test_events_of_many_threads_arrive_in_the_order_of_their_sequence() -> None:
    bus = EventBus("harbour")
    with bus.subscribe() as received:
        threads = [
            threading.Thread(target=lambda: [bus.publish(Moved(knots=0)) for _ in range(50)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [event.sequence for event in received] == list(range(1, 201))


def test_a_listener_runs_in_its_own_thread_and_the_block_waits_for_it() -> None:
    gate, received = threading.Event(), list[object]()

    def slow(event: Event) -> None:
        gate.wait(10)
        received.append(event.payload["knots"])

    bus = EventBus("harbour")
    with using(bus), subscribed(slow, "boat/*"):
        for number in range(3):
            bus.publish(Moved(knots=number))
        bus.publish(Moored())
        assert received == []
        gate.set()
    assert received == [0, 1, 2]


def test_an_error_of_a_listener_is_raised_at_the_end_of_the_block() -> None:
    def fail(_: Event) -> None:
        raise OSError("the terminal is gone")

    bus = EventBus("harbour")
    with pytest.raises(OSError, match="terminal"), using(bus), subscribed(fail):
        _ = [bus.publish(Moved(knots=number)) for number in range(3)]
    assert bus.published == 3


def test_an_event_that_nobody_hears_is_counted_and_not_made() -> None:
    bus = EventBus("harbour")
    assert bus.publish(Moved(knots=1)) is None
    with bus.subscribe():
        heard = bus.publish(Moved(knots=2))
    assert heard is not None
    assert heard.sequence == bus.published == 2


def test_an_event_loop_receives_the_events_of_other_threads() -> None:
    bus = EventBus("harbour")

    async def receive() -> list[object]:
        values: list[object] = []
        with bus.subscribe() as received:
            thread = threading.Thread(target=lambda: [bus.publish(Moved(knots=number)) for number in range(5)])
            thread.start()
            async for event in received:
                values.append(event.payload["knots"])
                if len(values) == 5:
                    received.close()
            thread.join()
        return values

    assert asyncio.run(asyncio.wait_for(receive(), 10)) == [0, 1, 2, 3, 4]


def test_replay_publishes_the_same_events(tmp_path: Path) -> None:
    bus, again = EventBus("harbour", run_id="r1"), EventBus("theatre")
    with using(bus), recording(tmp_path / "day.jsonl", "boat/**"):
        bus.publish(Moved(knots=1))
        bus.publish(Moored(gone=True))
    with again.subscribe() as received:
        assert events.replay(tmp_path / "day.jsonl", again) == 2
        assert events.replay(tmp_path / "day.jsonl", again, "boat/harbour/*") == 1
    first, second, third = received
    assert payload_of(first) == Moved(knots=1)
    assert payload_of(second) == payload_of(third) == Moored(gone=True)
    assert (second.id, second.timestamp) == (third.id, third.timestamp)
    assert (first.source, first.run_id, third.sequence) == ("harbour", "r1", 3)


def test_tail_waits_for_an_incomplete_line_and_skips_an_invalid_one(tmp_path: Path) -> None:
    path, event = tmp_path / "day.jsonl", Event(source="harbour", topic="boat/moved", payload={"knots": 1})
    tail = Tail(path)
    assert list(tail.read()) == []
    append(path, event)
    path.write_bytes(path.read_bytes() + b'{"no": "event"}\n' + event.model_dump_json().encode())
    assert list(tail.read()) == [event]
    assert list(tail.read()) == []
    with path.open("ab") as file:
        file.write(b"\n")
    assert list(tail.read()) == [event]


def test_replay_of_a_missing_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no record of events"):
        events.replay(tmp_path / "none.jsonl", EventBus("harbour"))


def test_payload_of_checks_the_fields_of_a_known_topic() -> None:
    with pytest.raises(ValidationError):
        payload_of(Event(source="harbour", topic="boat/moved", payload={"knots": "many"}))
    assert payload_of(Event(source="harbour", topic="boat/sunk", payload={"any": 1})) is None
