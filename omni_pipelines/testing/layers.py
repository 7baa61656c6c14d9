"""Test layers: what their tests may cost, which folders they are in, and the decorators that set them.

A decorator takes precedence over the folder, and the one nearest to the test over those of its class and module.
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from functools import cache
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
"""What `get_test_layer` returns for a test without a layer."""


@dataclass(frozen=True)
class Allowance:
    """The meaning of a layer, and the time that one of its tests may take."""

    meaning: str
    cpu_seconds: float
    """The budget, with child processes. Exceeding it is reported."""
    deadline_seconds: int
    """Wall time after which a test counts as hanging. The run ends and fails."""


ALLOWANCES = {
    Layer.UNIT: Allowance("one part alone, with no engine except the tested one", 0.1, 60),
    Layer.INTEGRATION: Allowance("real parts together, in temporary folders", 1.0, 120),
    Layer.CLOUD: Allowance("needs a service outside this machine; runs only on request", 5.0, 300),
    Layer.BENCHMARK: Allowance("measures and compares", 120.0, 1800),
    Layer.STRESS: Allowance("process kills, faults and load, for minutes", 300.0, 3600),
    Layer.E2E: Allowance("the whole product, as a person uses it", 20.0, 600),
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
"""The layer of a folder, by patterns of its name."""

TEST_FILES = {
    "*_cloud.py": Layer.CLOUD,
    "*_benchmark.py": Layer.BENCHMARK,
    "*_stress.py": Layer.STRESS,
    "*_e2e.py": Layer.E2E,
    "int_*.py": Layer.INTEGRATION,
    "test_int_*.py": Layer.INTEGRATION,
}
"""The layer of a file, by patterns of its name. They take precedence over the folders."""

_TEST_ROOTS = ("tests", "test")


@cache
def get_test_layer(path: PurePath | str) -> str:
    """The layer of a test file, from its path; UNKNOWN if no rule matches.

    The file name takes precedence over the folders, and an inner folder over an outer one. In an absolute path only
    the folders below the last `tests` count, because the location of a checkout says nothing about its tests.
    """
    file = PurePath(path)
    by_folder = (_match(folder, TEST_DIRS) for folder in reversed(_folders(file)))
    layers = filter(None, (_match(file.name, TEST_FILES), *by_folder))
    is_in_root = file.parent.name in _TEST_ROOTS and fnmatch(file.name, "test_*.py")
    return next(layers, Layer.UNIT if is_in_root else UNKNOWN)


def _folders(path: PurePath) -> tuple[str, ...]:
    parts = path.parent.parts
    if not path.is_absolute():
        return parts
    roots = [index for index, part in enumerate(parts) if part in _TEST_ROOTS]
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
    """Whether a mark was set by a decorator of this module, and not by a project's own mark of the same name."""
    return any(mark is decorator.mark for decorator in (unit, integration, cloud, benchmark, stress, e2e))


def skip_if_cloud(reason: str) -> pytest.MarkDecorator:
    """Skip the test in a run that includes cloud tests."""
    return pytest.mark.skip_if_cloud(reason=reason)


def only_cloud(reason: str) -> pytest.MarkDecorator:
    """Skip the test in a run that does not include cloud tests."""
    return pytest.mark.only_cloud(reason=reason)
