"""The event bus: nobody waits for a slow subscriber, what is lost is counted, and records tell it again."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from omni_pipelines import events
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.events import EventBus, Payload, Tail, append, listening, matches, payload_of, recording, using
from omni_pipelines.records import Event


class Moved(Payload, topics=("boat/moved",)):
    knots: int


class Moored(Payload, topics=("boat/harbour/moored", "boat/harbour/left")):
    gone: bool = False

    @property
    def topic(self) -> str:
        return self.topics[self.gone]


def knots(found: list[Event]) -> list[object]:
    return [event.payload["knots"] for event in found]


def test_a_subscriber_hears_what_is_told_after_it_came() -> None:
    bus = EventBus("harbour", run_id="r1")
    bus.publish(Moved(knots=1))
    with bus.subscribe() as heard:
        bus.publish(Moved(knots=2), span_id="s", parent_id="p")
    event = heard.get()
    assert event is not None
    assert (event.source, event.topic, event.run_id, event.sequence) == ("harbour", "boat/moved", "r1", 2)
    assert (event.span_id, event.parent_id) == ("s", "p")
    assert payload_of(event) == Moved(knots=2)
    assert heard.get() is None


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
def test_a_star_is_one_word_and_two_are_any_number(pattern: str, topic: str, expected: bool) -> None:
    assert matches(pattern, topic) is expected


@pytest.mark.parametrize("pattern", ["", "boat//moved", "**/moved", "boat/", "/boat"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="no pattern of topics"):
        EventBus("harbour").subscribe(pattern)


def test_a_slow_subscriber_loses_the_oldest_which_is_counted_and_others_lose_nothing() -> None:
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


def test_events_of_many_threads_come_in_the_order_of_their_numbers() -> None:
    bus = EventBus("harbour")
    with bus.subscribe() as heard:
        threads = [
            threading.Thread(target=lambda: [bus.publish(Moved(knots=0)) for _ in range(50)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [event.sequence for event in heard] == list(range(1, 201))


def test_a_listener_has_a_thread_of_its_own_and_is_waited_for_at_the_end() -> None:
    gate, heard = threading.Event(), list[object]()

    def slow(event: Event) -> None:
        gate.wait(10)
        heard.append(event.payload["knots"])

    bus = EventBus("harbour")
    with using(bus), listening(slow, "boat/*"):
        for number in range(3):
            bus.publish(Moved(knots=number))
        bus.publish(Moored())
        assert heard == []
        gate.set()
    assert heard == [0, 1, 2]


def test_a_listener_that_fails_stops_nobody_and_is_told_at_the_end() -> None:
    def fail(_: Event) -> None:
        raise OSError("the terminal is gone")

    bus, done = EventBus("harbour"), []
    with pytest.raises(OSError, match="terminal"), using(bus), listening(fail):
        done.extend(bus.publish(Moved(knots=number)) for number in range(3))
    assert len(done) == 3


def test_one_loop_hears_what_other_threads_tell() -> None:
    bus = EventBus("harbour")

    async def hear() -> list[object]:
        found = []
        with bus.subscribe() as heard:
            thread = threading.Thread(target=lambda: [bus.publish(Moved(knots=number)) for number in range(5)])
            thread.start()
            async for event in heard:
                found.append(event.payload["knots"])
                if len(found) == 5:
                    heard.close()
            thread.join()
        return found

    assert asyncio.run(asyncio.wait_for(hear(), 10)) == [0, 1, 2, 3, 4]


def test_a_record_tells_the_same_again(tmp_path: Path) -> None:
    bus, again = EventBus("harbour", run_id="r1"), EventBus("theatre")
    with using(bus), recording(tmp_path / "day.jsonl", "boat/**"):
        bus.publish(Moved(knots=1))
        bus.publish(Moored(gone=True))
    with again.subscribe() as heard:
        assert events.replay(tmp_path / "day.jsonl", again) == 2
        assert events.replay(tmp_path / "day.jsonl", again, "boat/harbour/*") == 1
    first, second, third = heard
    assert payload_of(first) == Moved(knots=1)
    assert payload_of(second) == payload_of(third) == Moored(gone=True)
    assert (second.id, second.timestamp) == (third.id, third.timestamp)
    assert (first.source, first.run_id, third.sequence) == ("harbour", "r1", 3)


def test_a_torn_line_waits_until_it_is_whole_and_a_strange_one_is_passed_over(tmp_path: Path) -> None:
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


def test_a_record_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no record of events"):
        events.replay(tmp_path / "none.jsonl", EventBus("harbour"))


def test_fields_are_checked_against_the_topic() -> None:
    with pytest.raises(ValidationError):
        payload_of(Event(source="harbour", topic="boat/moved", payload={"knots": "many"}))
    assert payload_of(Event(source="harbour", topic="boat/sunk", payload={"any": 1})) is None
