"""Cut a sequence into batches, for work that is committed batch by batch."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
_MAX_GROWTH = 4


def batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in order, `size` at a time; the last batch may be smaller."""
    return (items[start : start + size] for start in range(0, len(items), size))


def paced(
    items: Sequence[Item],
    first: int,
    largest: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Sequence[Item]]:
    """The items in order, in batches that each take the caller about `seconds` to work through.

    The first batch has `first` items, and each later one as many as the rate of the batch before allows, up to
    `largest` and four times the one before. So a kill loses seconds of work, whatever the speed of the machine.
    """
    start, size = 0, min(first, largest)
    while start < len(items):
        began = clock()
        yield items[start : start + size]
        start += size
        size = max(1, min(largest, _MAX_GROWTH * size, int(size * seconds / max(clock() - began, 1e-9))))
