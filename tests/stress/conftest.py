"""The seed, the ground the homes stand on, and the figures a long run writes down."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_pipelines.settings import Home
from tests.stress.harness import faults
from tests.stress.harness.extent import EXTENT, SEED
from tests.stress.harness.figures import Figures
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import Workload, small_vector_index

BASE_STEP = 4
"""Enough releases that the next one collects the oldest."""


def pytest_report_header() -> str:
    return f"stress: seed {SEED} (again: OMNI_STRESS_SEED={SEED}), {EXTENT.name} form"


@pytest.fixture
def seed() -> int:
    print(f"seed {SEED}; again with OMNI_STRESS_SEED={SEED}")  # noqa: T201
    return SEED


@pytest.fixture(scope="session")
def figures() -> Figures:
    return Figures(SEED, EXTENT)


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder in memory where there is one: a fault comes by count, so nothing is lost by syncing for free."""
    memory = Path("/dev/shm")
    inside = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30 else None
    folder = Path(tempfile.mkdtemp(prefix="omni-stress-", dir=inside))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def even_small_tables_have_a_vector_index(monkeypatch: pytest.MonkeyPatch) -> None:
    from native import lance_vectors

    monkeypatch.setattr(lance_vectors, "FIRST_ROWS", lance_vectors.FIRST_ROWS)
    small_vector_index()


@pytest.fixture
def empty(ground: Path, seed: int) -> Trial:
    """Registered files, and no release yet."""
    trial = Trial(Home(ground / "trial" / ".omni"), ground / "docs", seed)
    trial.begin()
    return trial


@pytest.fixture
def trial(empty: Trial) -> Trial:
    """A home with releases, and files that are one step ahead of it."""
    for step in range(BASE_STEP + 1):
        empty.write(step)
    ready = empty.at(BASE_STEP)
    ready.lay(BASE_STEP + 1)
    return ready


@pytest.fixture
def workload() -> Iterator[Workload]:
    with Workload() as workload:
        yield workload


@pytest.fixture
def faulty() -> Iterator[Workload]:
    """A workload whose file operations can be made to fail."""
    if faults.library() is None:
        pytest.skip("the fault library needs a C compiler, cc, on Linux")
    with Workload() as workload:
        yield workload
