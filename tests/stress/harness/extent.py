"""How much is tested: a little in every test run (the short form), everything in `make stress` (the long form)."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Extent:
    """The number of trials of each kind."""

    name: str
    kills: int
    """Random kills."""
    reads: int
    """Minimum number of concurrent reads of all content."""
    shared_kills: int
    """Random kills of two writers that share a bucket."""
    noisy_steps: int
    """Steps of two homes that publish through a network in which a tenth of all requests fail."""
    shared_reads: int
    """Minimum number of concurrent reads of the shared store."""
    mixed_kills: int
    """Kills among all commands that write, for a home of its own and for one that shares a store each."""
    moments: int
    """Named moments of a run at which it is killed."""
    operations: int
    """Operations tested for each job and fault; 0 means all."""
    cuts: int
    """Power cuts simulated with a model of a disk."""
    image_cuts: int
    """Power cuts simulated by copying the image of a mounted file system."""
    examples: int
    steps: int
    """Number of examples of the state machine, and the maximum number of steps in each."""
    flips: int
    """Bits that are flipped in each column of each table, and in each kind of file of a home."""
    kinds: int
    """Kinds of files of a home in which bits flip, and a quarter of them for those that are lost; 0 means all."""
    old_kills: int
    """Kills of the first run over a home of an earlier version."""
    days: int
    """Days in which everything goes wrong. With more than one, runs are processes that are killed."""


_SHORT = Extent("short", 4, 15, 1, 3, 5, 3, 6, 1, 4, 1, 3, 10, 1, 8, 2, 1)
_LONG = Extent("long", 320, 5_000, 120, 40, 300, 200, 100, 0, 60, 30, 100, 20, 18, 0, 40, 4)

EXTENT = _LONG if os.environ.get("OMNI_STRESS") == "long" else _SHORT
SEED = int(os.environ.setdefault("OMNI_STRESS_SEED", str(random.randrange(1 << 32))))
"""Stored in the environment, so that all processes of a run use the same seed."""

_UNTIL = time.monotonic() + 60 * float(os.environ.get("OMNI_STRESS_MINUTES") or "inf")
T = TypeVar("T")


def time_is_over() -> bool:
    """Return whether the time limit OMNI_STRESS_MINUTES has passed."""
    return time.monotonic() > _UNTIL


def while_time_lasts(trials: Iterable[T]) -> Iterator[T]:
    """Yield trials until the time limit has passed, but at least one."""
    for number, trial in enumerate(trials):
        if number and time_is_over():
            return
        yield trial
