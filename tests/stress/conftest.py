"""The seed, the ground the homes stand on, and the figures a long run writes down."""

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
"""Enough releases that the next one collects the oldest."""


def pytest_report_header() -> str:
    return f"stress: seed {SEED} (again: OMNI_STRESS_SEED={SEED}), {EXTENT.name} form"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not hasattr(session.config, "workerinput"):  # the one that began the run, and not a process of it
        Figures(SEED, EXTENT).end(passed=exitstatus == 0)


@pytest.fixture
def seed() -> int:
    print(f"seed {SEED}; again with OMNI_STRESS_SEED={SEED}")  # noqa: T201
    return SEED


@pytest.fixture(scope="session")
def figures() -> Figures:
    return Figures(SEED, EXTENT)


@contextlib.contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder in memory where there is one: a fault comes by count, so nothing is lost by syncing for free."""
    memory = Path("/dev/shm")
    inside = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30 else None
    folder = Path(tempfile.mkdtemp(prefix="omni-stress-", dir=inside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def ground() -> Iterator[Path]:
    """Where the homes of a test stand."""
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(autouse=True)
def even_small_tables_have_a_vector_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_vectors, "FIRST_ROWS", FIRST_ROWS)


@pytest.fixture
def empty(ground: Path, seed: int) -> Trial:
    """Registered files, and no release yet."""
    trial = Trial(Home(ground / "trial" / ".omni"), ground / "docs", seed)
    trial.begin()
    return trial


@pytest.fixture(scope="session")
def base() -> Iterator[Trial]:
    """A home with releases."""
    with folder_in_memory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lance_vectors, "FIRST_ROWS", FIRST_ROWS)
        trial = Trial(Home(folder / "trial" / ".omni"), folder / "docs", SEED, BASE_STEP)
        trial.begin()
        for step in range(BASE_STEP + 1):
            trial.write(step)
        yield trial


@pytest.fixture
def trial(base: Trial) -> Iterator[Trial]:
    """A home with releases, and files that are one step ahead of it."""
    trial = base.copy("test")
    trial.lay(BASE_STEP + 1)
    yield trial
    trial.drop()


@pytest.fixture(scope="session")
def workload() -> Iterator[Workload]:
    with Workload() as workload:
        yield workload


@pytest.fixture
def faulty(workload: Workload) -> Workload:
    """A workload whose file operations can be made to fail."""
    if faults.library() is None:
        pytest.skip("the fault library needs Linux and a C compiler, cc")
    return workload
