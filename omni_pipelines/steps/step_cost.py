"""What steps cost: time, processor time and memory, and for reading, the time by source and reader."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass
class StepCost:
    """What a step cost; complete when `measured` ends."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Processor time of this process, and of the processes that it started and that ended during the step."""
    peak_megabytes: int = 0
    """The most memory that this process has had up to the end of the step; 0 where the system does not tell."""

    def as_dict(self) -> dict[str, float]:
        """The figures, by name."""
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_megabytes": self.peak_megabytes,
        }


@dataclass
class ReadingCost:
    """What it cost to read the files of one source with one reader."""

    source: str
    reader: str
    files: int = 0
    megabytes: float = 0.0
    seconds: float = 0.0
    """Time until the texts were there; with several workers, the time that the step waited for them."""


@contextmanager
def measured() -> Iterator[StepCost]:
    """Measure what happens in the `with` block."""
    cost, began, cpu = StepCost(), time.monotonic(), _cpu_seconds()
    try:
        yield cost
    finally:
        cost.seconds, cost.cpu_seconds = time.monotonic() - began, _cpu_seconds() - cpu
        cost.peak_megabytes = _peak_bytes() // MEGABYTE


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _peak_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
