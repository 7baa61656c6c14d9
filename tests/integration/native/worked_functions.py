"""What the tests of worker processes let them do: these functions can be imported there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path


def process_of(item: int) -> list[tuple[int, int]]:
    return [(item, os.getpid())]


def refused_from_50(item: int) -> Iterator[int]:
    yield item
    if item >= 50:
        raise ValueError(f"{item} is too much")


def fatal_once(mark: Path) -> list[str]:
    """Ends its process, unless the mark is there already."""
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return ["survived"]


def fatal(_item: int) -> list[int]:
    os._exit(9)


def slow(item: float) -> list[int]:
    time.sleep(item)
    return [os.getpid()]
