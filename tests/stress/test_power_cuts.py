"""The power fails at any moment: published releases survive, and the next run repairs the rest."""

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


# --- with a model of a disk that loses everything a disk may lose


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
@pytest.mark.parametrize("begun", ["with releases", "empty"])
def test_power_cut_at_any_operation_keeps_published_releases(
    trial: Trial, empty: Trial, scratch: Path, faulty: Workload, figures: Figures, seed: int, begun: str
) -> None:
    rng = random.Random(seed)
    if begun == "empty":
        shutil.rmtree(empty.home.root)
        trial = empty
    whole = trial.copy("whole")
    job = "first" if begun == "empty" else "step"
    operations = faulty.run(whole.job(job, STEP, fault=Fault(str(whole.folder)))).seen
    cuts = EXTENT.cuts if begun == "with releases" else EXTENT.cuts // 2
    released = 0
    for at in [operations + 1, *(rng.randint(1, operations) for _ in range(cuts - 1))]:
        left, died = cut_at(trial, faulty, job, at, scratch, rng)
        where = f"power cut at operation {at} of {operations}"
        try:
            seen = left.check_readable(STEP)
            if not died:
                assert seen is not None, "the acknowledged step is lost"
                assert seen.step == STEP, "the acknowledged step is lost"
            left.begin()
            left.check_repair(STEP)
        except Exception as error:
            raise AssertionError(where) from error
        left.delete()
        released += seen is not None and seen.step == STEP
    figures.add(
        "power cut at operation N",
        f"model of a disk that keeps only synced data, home {begun}",
        operations=operations,
        cuts=cuts,
        release_already_published=released,
        failures=0,
    )


def cut_at(
    trial: Trial, faulty: Workload, job: str, at: int, scratch: Path, rng: random.Random
) -> tuple[Trial, bool]:
    """Cut the power of a copy at operation `at`; return what remains, and whether the job was interrupted."""
    victim = trial.copy("victim")
    left = replace(trial, home=Home(victim.folder.with_name(f"{victim.folder.name}-left") / ".omni"))
    deleted_files, log = scratch / "deleted_files", scratch / "log"
    shutil.rmtree(deleted_files, ignore_errors=True)
    deleted_files.mkdir()
    log.write_text("")
    disk = Disk(victim.folder)
    fault = Fault(str(victim.folder), "kill", at, log=str(log), deleted_files=str(deleted_files))
    outcome = faulty.run(victim.job(job, STEP, fault=fault))
    assert outcome.code in {0, KILLED}, outcome
    disk.replay(log)
    disk.cut(left.folder, deleted_files, rng)
    victim.delete()
    return left, outcome.code == KILLED


# --- with a real file system, whose image is copied while the writer is stopped


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount an image of a file system on a folder."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-o", "loop", str(image), str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        gc.collect()  # files that a reader has mapped keep it busy
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    if os.geteuid() or shutil.which("mkfs.ext4") is None:
        pytest.skip("creating a file system image needs root and mkfs.ext4")
    path = tmp_path / "disk.img"
    path.write_bytes(b"")
    os.truncate(path, IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", str(path)], check=True)
    return path


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_copied_image_of_a_file_system_contains_published_releases(
    image: Path, tmp_path: Path, scratch: Path, workload: Workload, figures: Figures, seed: int
) -> None:
    rng = random.Random(seed)
    acknowledged = 0
    for number in range(EXTENT.image_cuts):
        log, copy = scratch / "finished", tmp_path / "cut.img"
        log.unlink(missing_ok=True)
        with mounted(image, tmp_path / "disk") as disk:
            for old in disk.glob("kb-*"):
                shutil.rmtree(old)
            trial = Trial(Home(disk / f"kb-{number}" / ".omni"), scratch / "docs", seed)
            trial.begin()
            job = Job("steps", str(trial.home.root), str(trial.docs), seed, 0, log=str(log))
            process = workload.start(job)
            wait_until(log.exists, "the first step")
            time.sleep(rng.uniform(0, 3))
            os.kill(process, signal.SIGSTOP)
            finished = log.read_text().split()
            shutil.copyfile(image, copy)
            os.kill(process, signal.SIGKILL)
            workload.end()
        with mounted(copy, tmp_path / "after") as disk:
            left = Trial(Home(disk / f"kb-{number}" / ".omni"), scratch / "docs", seed)
            seen = left.newest()
            assert seen is not None or not finished, "the first release is lost"
            step = seen.step if seen is not None else -1
            assert step >= int(finished[-1] if finished else -1), f"step {finished[-1]} is lost"
            left.check_repair(step + 2)
        acknowledged += int(finished[-1]) + 1 if finished else 0
    figures.add(
        "power cut at a random moment",
        "copy of a mounted ext4 image",
        cuts=EXTENT.image_cuts,
        releases_acknowledged=acknowledged,
        lost=0,
    )
