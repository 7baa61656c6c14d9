"""Fixtures of the stress tests: the seed, folders and homes to test on, and the figures of a long run."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from native import lance_vectors
from omni_pipelines.home import Home
from tests.stress.harness import faults
from tests.stress.harness.extent import EXTENT, SEED
from tests.stress.harness.figures import Figures
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import FIRST_ROWS, Workload

BASE_STEP = 4
"""Step of the prepared home. It has enough releases that the next one causes the collection of the oldest."""


def pytest_report_header() -> str:
    return f"stress: seed {SEED} (repeat with OMNI_STRESS_SEED={SEED}), {EXTENT.name} form"


@pytest.fixture
def seed() -> int:
    print(f"seed {SEED}; repeat with OMNI_STRESS_SEED={SEED}")  # noqa: T201
    return SEED


@pytest.fixture(scope="session")
def figures() -> Figures:
    return Figures(SEED, EXTENT)


@contextlib.contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a temporary folder, in memory if possible.

    Faults are injected by operation count, so it does not matter that syncing to memory costs nothing.
    """
    memory = Path("/dev/shm")
    inside = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30 else None
    folder = Path(tempfile.mkdtemp(prefix="omni-stress-", dir=inside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for the homes and files of one test."""
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(autouse=True)
def vector_index_for_small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_vectors, "FIRST_ROWS", FIRST_ROWS)


@pytest.fixture
def empty(scratch: Path, seed: int) -> Trial:
    """A home with a registered source and no release."""
    trial = Trial(Home(scratch / "trial" / ".omni"), scratch / "docs", seed)
    trial.begin()
    return trial


@pytest.fixture(scope="session")
def base() -> Iterator[Trial]:
    """A home with releases, shared by the tests of a run; copy it before changing it."""
    with folder_in_memory() as folder:
        with (
            pytest.MonkeyPatch.context() as patch
        ):  # ends before the tests: it must not change those of other folders
            patch.setattr(lance_vectors, "FIRST_ROWS", FIRST_ROWS)
            trial = Trial(Home(folder / "trial" / ".omni"), folder / "docs", SEED, BASE_STEP)
            trial.begin()
            for step in range(BASE_STEP + 1):
                trial.write(step)
        yield trial


@pytest.fixture
def trial(base: Trial) -> Iterator[Trial]:
    """A home with releases, and source files that are one step ahead of them."""
    trial = base.copy("test")
    trial.write_files(BASE_STEP + 1)
    yield trial
    trial.delete()


@pytest.fixture(scope="session")
def workload() -> Iterator[Workload]:
    with Workload() as workload:
        yield workload


@pytest.fixture
def faulty(workload: Workload) -> Workload:
    """A writer process whose file operations can be made to fail."""
    if faults.library() is None:
        pytest.skip("the fault library needs Linux and a C compiler, cc")
    return workload
