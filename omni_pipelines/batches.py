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
    *,
    sizes: Sequence[int] = (),
    max_size: int = 0,
) -> Iterator[Sequence[Item]]:
    """The items in order, in batches that each take the caller about `seconds` to work through.

    The first batch has `first` items, and each later one as many as the rate of the batch before allows, up to
    `largest` and four times the one before. So a kill loses seconds of work, whatever the speed of the machine. With
    `sizes` of the items, a batch of more than one item has a size of `max_size` at most.
    """
    start, count = 0, min(first, largest)
    while start < len(items):
        began = clock()
        end = _end(start, min(start + count, len(items)), sizes, max_size)
        yield items[start:end]
        done, start = end - start, end
        count = max(1, min(largest, _MAX_GROWTH * done, int(done * seconds / max(clock() - began, 1e-9))))


def _end(start: int, end: int, sizes: Sequence[int], max_size: int) -> int:
    """Where a batch ends that starts here, and not behind `end`."""
    total = 0
    for at, size in enumerate(sizes[start:end], start):
        total += size
        if total > max_size:
            return max(at, start + 1)
    return end
