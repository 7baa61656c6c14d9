"""Cut items into batches, for work that is committed batch by batch."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
_MAX_GROWTH = 4


def batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in order, `size` at a time; the last batch may be smaller."""
    return (items[start : start + size] for start in range(0, len(items), size))


def paced(
    items: Sequence[Item], first: int, largest: int, seconds: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[Sequence[Item]]:
    """The items in order, in batches that each take the caller about `seconds` to work through.

    The first batch has `first` items, and each later one as many as the rate of the batch before allows, up to
    `largest` and four times the one before. So a kill loses seconds of work, whatever the speed of the machine.
    """
    start, count = 0, min(first, largest)
    while start < len(items):
        began = clock()
        yield items[start : start + count]
        done = len(items[start : start + count])
        start += done
        count = max(1, min(largest, _MAX_GROWTH * done, int(done * seconds / max(clock() - began, 1e-9))))


def limited(
    items: Iterable[Item],
    count: int,
    size: int,
    size_of: Callable[[Item], int],
    seconds: float = float("inf"),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[list[Item]]:
    """The items in order, in batches of at most `count`.

    This is for items that take long to make: a batch ends with the item that brings it to `size`, or that comes
    `seconds` after the batch before it.
    """
    batch: list[Item] = []
    total, began = 0, clock()
    for item in items:
        batch.append(item)
        total += size_of(item)
        if len(batch) >= count or total >= size or clock() - began >= seconds:
            yield batch
            batch = []
            total, began = 0, clock()
    if batch:
        yield batch
