"""Batches: by size, and by the time that they take."""

from __future__ import annotations

from collections.abc import Iterator

from omni_pipelines.batches import batched, limited, paced


class Worker:
    """Works through batches at a rate that a test sets, on a clock of its own."""

    def __init__(self, seconds_per_item: float) -> None:
        self.seconds_per_item = seconds_per_item
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sizes(self, count: int, *, first: int = 10, largest: int = 1000, seconds: float = 5.0) -> list[int]:
        items, sizes = list(range(count)), []
        seen: list[int] = []
        for batch in paced(items, first, largest, seconds, self.clock):
            seen.extend(batch)
            sizes.append(len(batch))
            self.now += len(batch) * self.seconds_per_item
        assert seen == items
        return sizes

    def made(self, count: int) -> Iterator[int]:
        for number in range(count):
            self.now += self.seconds_per_item
            yield number


def test_batches_hold_every_item_once_in_order() -> None:
    assert [list(batch) for batch in batched("abcde", 2)] == [["a", "b"], ["c", "d"], ["e"]]


def test_paced_batches_of_a_slow_worker_take_the_wanted_seconds() -> None:
    assert Worker(seconds_per_item=1.0).sizes(30) == [10, 5, 5, 5, 5]


def test_paced_batches_of_a_fast_worker_grow_up_to_the_largest() -> None:
    assert Worker(seconds_per_item=0.0).sizes(2000, largest=300) == [10, 40, 160, *[300] * 5, 290]


def test_paced_batch_of_items_that_take_longer_than_the_wanted_seconds_is_one_item() -> None:
    assert Worker(seconds_per_item=60.0).sizes(4, first=1) == [1, 1, 1, 1]


def test_paced_batch_is_never_larger_than_the_largest() -> None:
    assert Worker(seconds_per_item=0.0).sizes(5, first=64, largest=2) == [2, 2, 1]


def test_no_item_makes_no_paced_batch() -> None:
    assert Worker(seconds_per_item=1.0).sizes(0) == []


def test_batch_ends_at_the_count() -> None:
    assert list(limited("abcde", 2, 100, len)) == [["a", "b"], ["c", "d"], ["e"]]


def test_batch_ends_with_the_item_that_brings_it_to_the_size() -> None:
    assert list(limited(["aa", "a", "aaaa", "a"], 9, 3, len)) == [["aa", "a"], ["aaaa"], ["a"]]


def test_batch_ends_with_the_item_that_comes_late() -> None:
    """Each item takes a second; the time until the batch is worked off does not count."""
    worker, seen = Worker(seconds_per_item=1.0), []
    for batch in limited(worker.made(5), 9, 100, lambda _: 1, 2.0, worker.clock):
        seen.append(batch)
        worker.now += 60.0
    assert seen == [[0, 1], [2, 3], [4]]


def test_no_item_makes_no_batch() -> None:
    assert list(limited([], 9, 9, len)) == []
