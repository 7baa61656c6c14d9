"""How much is tried: a little in every run of the tests, all of it in `make stress`."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar


@dataclass(frozen=True)
class Extent:
    """Numbers of trials."""

    name: str
    kills: int
    """Random kills."""
    reads: int
    """Concurrent reads of full content, at least."""
    shared_kills: int
    """Random kills of two writers that share a bucket."""
    noisy_steps: int
    """Steps of two homes that publish through a network which loses a tenth of everything."""
    shared_reads: int
    """Concurrent reads of what they publish, at least."""
    operations: int
    """Operations tried of each job and fault; 0 is every one."""
    cuts: int
    """Power cuts by the model of a disk."""
    image_cuts: int
    """Power cuts by a copied image of a file system."""
    examples: int
    steps: int
    """Examples of the state machine, and their length."""


_SHORT = Extent("short", 12, 30, 6, 4, 10, 8, 8, 2, 6, 10)
_LONG = Extent("long", 320, 5_000, 120, 40, 300, 0, 60, 30, 100, 20)

EXTENT = _LONG if os.environ.get("OMNI_STRESS") == "long" else _SHORT
SEED = int(os.environ.setdefault("OMNI_STRESS_SEED", str(random.randrange(1 << 32))))
"""In the environment, so that all processes of a run have the same."""
RUN = os.environ.setdefault("OMNI_STRESS_RUN", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC {os.getpid()}")
"""When the run began, and the process that began it."""
MINUTES = os.environ.get("OMNI_STRESS_MINUTES", "")
_UNTIL = time.monotonic() + 60 * float(MINUTES or "inf")
T = TypeVar("T")


def time_is_over() -> bool:
    """Whether OMNI_STRESS_MINUTES are over."""
    return time.monotonic() > _UNTIL


def while_time_lasts(trials: Iterable[T]) -> Iterator[T]:
    """The trials, as long as there is time; at least one."""
    for number, trial in enumerate(trials):
        if number and time_is_over():
            return
        yield trial
