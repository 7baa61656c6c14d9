"""The power fails at any moment: what was published is there, and the next pass mends the rest."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_pipelines.home import Home
from tests.stress.conftest import BASE_STEP
from tests.stress.harness.disk import Disk
from tests.stress.harness.extent import EXTENT
from tests.stress.harness.faults import Fault
from tests.stress.harness.figures import Figures
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import KILLED, Job, Workload, wait_until

STEP = BASE_STEP + 1
IMAGE_BYTES = 64 << 20


# --- by a model of a disk, which loses all that a disk may lose


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
@pytest.mark.parametrize("begun", ["with releases", "empty"])
def test_a_power_cut_at_any_operation_keeps_what_was_published(
    trial: Trial, empty: Trial, ground: Path, faulty: Workload, figures: Figures, seed: int, begun: str
) -> None:
    dice = random.Random(seed)
    if begun == "empty":
        shutil.rmtree(empty.home.root)
        trial = empty
    whole = trial.copy("whole")
    job = "first" if begun == "empty" else "step"
    operations = faulty.run(whole.job(job, STEP, fault=Fault(str(whole.folder)))).seen
    cuts = EXTENT.cuts if begun == "with releases" else EXTENT.cuts // 2
    released = 0
    for at in [operations + 1, *(dice.randint(1, operations) for _ in range(cuts - 1))]:
        left, died = cut_at(trial, faulty, job, at, ground, dice)
        where = f"power cut at operation {at} of {operations}"
        try:
            seen = left.check_readable(STEP)
            if not died:
                assert seen is not None, "acknowledged, and lost"
                assert seen.step == STEP, "acknowledged, and lost"
            left.begin()
            left.check_repair(STEP)
        except Exception as error:
            raise AssertionError(where) from error
        left.drop()
        released += seen is not None and seen.step == STEP
    figures.add(
        "power cut at operation N",
        f"model of a disk that keeps only what was synced, home {begun}",
        operations=operations,
        cuts=cuts,
        release_was_out_already=released,
        failures=0,
    )


def cut_at(
    trial: Trial, faulty: Workload, job: str, at: int, ground: Path, dice: random.Random
) -> tuple[Trial, bool]:
    """What is left of a copy that lost power at operation `at` of a step, and whether the step was cut short."""
    victim = trial.copy("victim")
    left = replace(trial, home=Home(victim.folder.with_name(f"{victim.folder.name}-left") / ".omni"))
    graveyard, log = ground / "graveyard", ground / "log"
    shutil.rmtree(graveyard, ignore_errors=True)
    graveyard.mkdir()
    log.write_text("")
    disk = Disk(victim.folder)
    fault = Fault(str(victim.folder), "kill", at, log=str(log), graveyard=str(graveyard))
    outcome = faulty.run(victim.job(job, STEP, fault=fault))
    assert outcome.code in {0, KILLED}, outcome
    disk.replay(log)
    disk.cut(left.folder, graveyard, dice)
    victim.drop()
    return left, outcome.code == KILLED


# --- by a real file system, whose image is copied while the writer is stopped


@contextlib.contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """An image of a file system, mounted."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-o", "loop", str(image), str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        gc.collect()  # a reader's mapped files keep it busy
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    if os.geteuid() or shutil.which("mkfs.ext4") is None:
        pytest.skip("images of a file system need root and mkfs.ext4")
    path = tmp_path / "disk.img"
    path.write_bytes(b"")
    os.truncate(path, IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", str(path)], check=True)
    return path


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_a_copied_image_of_a_file_system_at_work_holds_what_was_published(
    image: Path, tmp_path: Path, ground: Path, workload: Workload, figures: Figures, seed: int
) -> None:
    dice = random.Random(seed)
    acknowledged = 0
    for number in range(EXTENT.image_cuts):
        log, copy = ground / "finished", tmp_path / "cut.img"
        log.unlink(missing_ok=True)
        with mounted(image, tmp_path / "disk") as disk:
            for old in disk.glob("kb-*"):
                shutil.rmtree(old)
            trial = Trial(Home(disk / f"kb-{number}" / ".omni"), ground / "docs", seed)
            trial.begin()
            job = Job("steps", str(trial.home.root), str(trial.docs), seed, 0, log=str(log))
            process = workload.start(job)
            wait_until(log.exists, "the first step")
            time.sleep(dice.uniform(0, 3))
            os.kill(process, signal.SIGSTOP)
            said = log.read_text().split()
            shutil.copyfile(image, copy)
            os.kill(process, signal.SIGKILL)
            workload.end()
        with mounted(copy, tmp_path / "after") as disk:
            left = Trial(Home(disk / f"kb-{number}" / ".omni"), ground / "docs", seed)
            seen = left.newest()
            assert seen is not None or not said, "the first release is lost"
            step = seen.step if seen is not None else -1
            assert step >= int(said[-1] if said else -1), f"step {said[-1]} is lost"
            left.check_repair(step + 2)
        acknowledged += int(said[-1]) + 1 if said else 0
    figures.add(
        "power cut at a random moment",
        "copied ext4 image, loop-mounted",
        cuts=EXTENT.image_cuts,
        releases_acknowledged_before=acknowledged,
        lost=0,
    )
