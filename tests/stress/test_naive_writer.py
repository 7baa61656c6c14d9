"""Proof that these tests can fail: a writer without releases, which they must catch."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from omni_pipelines.home import Home
from tests.stress.harness.disk import Disk
from tests.stress.harness.extent import EXTENT
from tests.stress.harness.faults import Fault
from tests.stress.harness.figures import Figures
from tests.stress.harness.reader import Reader
from tests.stress.harness.stores import Naive, wrong
from tests.stress.harness.workload import Job, Workload, wait_until

ROUNDS = 40 if EXTENT.name == "long" else 4


def test_a_writer_that_indexes_in_place_is_caught(
    ground: Path, workload: Workload, figures: Figures, seed: int
) -> None:
    store = Naive(Home(ground / "naive" / ".omni"), ground / "docs", seed)
    store.begin()
    store.write(0)
    seen = store.read()
    assert seen is not None
    assert wrong(store, seen) == []  # left in peace, it is right
    dice = random.Random(seed)
    reader = Reader("naive", store.home, store.docs, seed, ground)
    wait_until(lambda: reader.counts() != (0, 0), "the reader")
    kills = disagreements = wedged = 0
    while kills < ROUNDS or (kills < 10 * ROUNDS and not (disagreements and reader.counts()[1])):
        job = Job(
            "steps", str(store.home.root), str(store.docs), seed, 1 + 100 * kills, "naive", log=str(ground / "n")
        )
        process = workload.start(job)
        time.sleep(dice.uniform(0.2, 1.2))
        with contextlib.suppress(ProcessLookupError):  # it can have died of its wedged index
            os.kill(process, signal.SIGKILL)
        kills += 1
        wedged += "FileAlreadyExists" in workload.end().error
        try:
            after = store.read()
            disagreements += after is None or wrong(store, after) != []
        except Exception:  # noqa: BLE001  # cannot even be read
            disagreements += 1
    reads = reader.stop()
    assert reads.inconsistent + reads.errors > 0
    assert disagreements
    figures.add(
        "a naive writer under the same kills: the harness can fail",
        "index changed in place, latest of each is read",
        kills=kills,
        disagreeing_after_the_kill=disagreements,
        indexes_wedged=wedged,
        reads_consistent=reads.consistent,
        reads_inconsistent=reads.inconsistent + reads.errors,
    )


def test_a_writer_that_does_not_sync_is_caught(ground: Path, faulty: Workload, seed: int) -> None:
    store = Naive(Home(ground / "naive" / "home" / ".omni"), ground / "docs", seed)
    store.begin()
    store.write(0)
    place, log, graveyard = store.home.root.parent, ground / "log", ground / "graveyard"
    graveyard.mkdir()
    disk = Disk(place)
    fault = Fault(str(place), log=str(log), graveyard=str(graveyard))
    job = Job("step", str(store.home.root), str(store.docs), seed, 1, "naive", fault=fault)
    assert faulty.run(job).code == 0
    assert disk.replay(log)
    survived = [survives(disk_after, store) for disk_after in cuts(disk, ground, graveyard, random.Random(seed))]
    assert not all(survived)


def cuts(disk: Disk, ground: Path, graveyard: Path, dice: random.Random) -> Iterator[Home]:
    """What four power cuts would leave."""
    for number in range(4):
        target = ground / f"cut-{number}"
        copy.deepcopy(disk).cut(target, graveyard, dice)
        yield Home(target / ".omni")


def survives(home: Home, store: Naive) -> bool:
    """Whether the step that was acknowledged is still there."""
    try:
        seen = Naive(home, store.docs, store.seed).read()
    except Exception:  # noqa: BLE001  # cannot even be read
        return False
    return seen is not None and seen.step == 1 and not wrong(store, seen)
