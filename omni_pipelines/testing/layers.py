"""Test layers: what a test may cost, where tests of a layer live, and the decorators that name one.

    from omni_pipelines.testing.layers import cloud, integration, unit

    @unit
    def test_names_are_lowercase() -> None: ...

A decorator beats the folder, and the decorator nearest to the test beats those of its class and module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import PurePath

import pytest


class Layer(StrEnum):
    """The layers, cheapest first."""

    UNIT = "unit"
    INTEGRATION = "integration"
    CLOUD = "cloud"
    BENCHMARK = "benchmark"
    STRESS = "stress"
    E2E = "e2e"


UNKNOWN = "unknown"
"""What `get_test_layer` says of a test that no rule covers."""


@dataclass(frozen=True)
class Allowance:
    """What a layer means, and what one of its tests may take."""

    meaning: str
    cpu_seconds: float
    """Budget, child processes included. Soft: going over it is reported."""
    deadline_seconds: int
    """Wall time after which a test counts as hanging. Hard: the run ends and fails."""


ALLOWANCES = {
    Layer.UNIT: Allowance("one piece alone, no engine but the one tested", 0.1, 60),
    Layer.INTEGRATION: Allowance("real parts together, in temporary folders", 1.0, 120),
    Layer.CLOUD: Allowance("needs a service outside this machine; left out unless asked for", 5.0, 300),
    Layer.BENCHMARK: Allowance("measures, and compares what it measured", 120.0, 1800),
    Layer.STRESS: Allowance("kills, faults and load, for minutes", 300.0, 3600),
    Layer.E2E: Allowance("the whole thing, as a person meets it", 20.0, 600),
}
DEADLINE_WITHOUT_LAYER = 300

TEST_DIRS = {
    "unit": Layer.UNIT,
    "units": Layer.UNIT,
    "architecture": Layer.UNIT,
    "integration": Layer.INTEGRATION,
    "conformance": Layer.INTEGRATION,
    "int_*": Layer.INTEGRATION,
    "cloud": Layer.CLOUD,
    "remote": Layer.CLOUD,
    "benchmark": Layer.BENCHMARK,
    "benchmarks": Layer.BENCHMARK,
    "stress": Layer.STRESS,
    "e2e": Layer.E2E,
}
"""Folder name, as a pattern, to the layer of the tests in it."""

TEST_FILES = {
    "*_cloud.py": Layer.CLOUD,
    "*_benchmark.py": Layer.BENCHMARK,
    "*_stress.py": Layer.STRESS,
    "*_e2e.py": Layer.E2E,
    "int_*.py": Layer.INTEGRATION,
    "test_int_*.py": Layer.INTEGRATION,
}
"""File name, as a pattern, to the layer of the tests in it. The file says more than the folder around it."""

_TEST_ROOTS = ("tests", "test")


def get_test_layer(path: PurePath | str) -> str:
    """The layer of a test file, from its path; UNKNOWN where no rule fits.

    The file name comes first, then its folders, innermost first. Of an absolute path only the folders below the last
    `tests` count: where a project was checked out says nothing about its tests.
    """
    place = PurePath(path)
    by_name = _match(place.name, TEST_FILES)
    if by_name is not None:
        return by_name
    folders = _folders(place)
    for folder in reversed(folders):
        by_folder = _match(folder, TEST_DIRS)
        if by_folder is not None:
            return by_folder
    directly = place.parent.name in _TEST_ROOTS and fnmatch(place.name, "test_*.py")
    return Layer.UNIT if directly else UNKNOWN


def _folders(path: PurePath) -> tuple[str, ...]:
    parts = path.parent.parts
    if not path.is_absolute():
        return parts
    roots = [at for at, part in enumerate(parts) if part in _TEST_ROOTS]
    return parts[roots[-1] + 1 :] if roots else ()


def _match(name: str, rules: dict[str, Layer]) -> Layer | None:
    return next((layer for pattern, layer in rules.items() if fnmatch(name, pattern)), None)


unit = pytest.mark.unit
integration = pytest.mark.integration
cloud = pytest.mark.cloud
benchmark = pytest.mark.benchmark
stress = pytest.mark.stress
e2e = pytest.mark.e2e


def is_ours(mark: pytest.Mark) -> bool:
    """Whether a mark was set by a decorator of this module, and not by one of that name a project made up itself."""
    return any(mark is decorator.mark for decorator in (unit, integration, cloud, benchmark, stress, e2e))


def skip_if_cloud(reason: str) -> pytest.MarkDecorator:
    """Skip the test in a run that has cloud tests in it."""
    return pytest.mark.skip_if_cloud(reason=reason)


def only_cloud(reason: str) -> pytest.MarkDecorator:
    """Skip the test in a run that has no cloud tests in it."""
    return pytest.mark.only_cloud(reason=reason)
