"""Proof that these tests can fail: they detect the faults of a writer without releases."""

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
from tests.stress.harness.stores import Naive, problems
from tests.stress.harness.workload import Job, Workload, wait_until

ROUNDS = 40 if EXTENT.name == "long" else 4


def test_harness_detects_a_writer_that_changes_the_index_in_place(
    scratch: Path, workload: Workload, figures: Figures, seed: int
) -> None:
    store = Naive(Home(scratch / "naive" / ".omni"), scratch / "docs", seed)
    store.begin()
    store.write(0)
    seen = store.read()
    assert seen is not None
    assert problems(store, seen) == []  # undisturbed, it is correct
    rng = random.Random(seed)
    reader = Reader("naive", store.home, store.docs, seed, scratch)
    wait_until(lambda: reader.counts() != (0, 0), "the reader")
    kills = disagreements = unusable = 0
    while kills < ROUNDS or (kills < 10 * ROUNDS and not (disagreements and reader.counts()[1])):
        job = Job(
            "steps", str(store.home.root), str(store.docs), seed, 1 + 100 * kills, "naive", log=str(scratch / "n")
        )
        process = workload.start(job)
        time.sleep(rng.uniform(0.2, 1.2))
        with contextlib.suppress(ProcessLookupError):  # it may have failed because of a damaged index
            os.kill(process, signal.SIGKILL)
        kills += 1
        unusable += "FileAlreadyExists" in workload.end().error
        try:
            after = store.read()
            disagreements += after is None or problems(store, after) != []
        except Exception:  # noqa: BLE001  # a damaged store can fail with any error
            disagreements += 1
    reads = reader.stop()
    assert reads.inconsistent + reads.errors > 0
    assert disagreements
    figures.add(
        "the same kills of a naive writer, to show that the tests can fail",
        "index changed in place, newest version of everything is read",
        kills=kills,
        inconsistent_after_the_kill=disagreements,
        unusable_indexes=unusable,
        consistent_reads=reads.consistent,
        inconsistent_reads=reads.inconsistent + reads.errors,
    )


def test_harness_detects_a_writer_that_does_not_sync(scratch: Path, faulty: Workload, seed: int) -> None:
    store = Naive(Home(scratch / "naive" / "home" / ".omni"), scratch / "docs", seed)
    store.begin()
    store.write(0)
    folder, log, deleted_files = store.home.root.parent, scratch / "log", scratch / "deleted_files"
    deleted_files.mkdir()
    disk = Disk(folder)
    fault = Fault(str(folder), log=str(log), deleted_files=str(deleted_files))
    job = Job("step", str(store.home.root), str(store.docs), seed, 1, "naive", fault=fault)
    assert faulty.run(job).code == 0
    assert disk.replay(log)
    survived = [survives(disk_after, store) for disk_after in cuts(disk, scratch, deleted_files, random.Random(seed))]
    assert not all(survived)


def cuts(disk: Disk, scratch: Path, deleted_files: Path, rng: random.Random) -> Iterator[Home]:
    """Yield the homes that four power cuts would leave."""
    for number in range(4):
        target = scratch / f"cut-{number}"
        copy.deepcopy(disk).cut(target, deleted_files, rng)
        yield Home(target / ".omni")


def survives(home: Home, store: Naive) -> bool:
    """Return whether the acknowledged step survived."""
    try:
        seen = Naive(home, store.docs, store.seed).read()
    except Exception:  # noqa: BLE001  # a damaged store can fail with any error
        return False
    return seen is not None and seen.step == 1 and not problems(store, seen)
