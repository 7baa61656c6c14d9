"""The folder of a test decides its layer; the location of the checkout does not."""

from __future__ import annotations

import pytest

from omni_pipelines.testing.budgets import read_budgets
from omni_pipelines.testing.layers import ALLOWANCES, TEST_DIRS, Layer, get_test_layer


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("tests/unit/test_a.py", "unit"),
        ("tests/units/test_a.py", "unit"),
        ("tests/unit/text/readers/test_a.py", "unit"),
        ("tests/architecture/test_a.py", "unit"),
        ("tests/test_a.py", "unit"),
        ("test/test_a.py", "unit"),
        ("tests/integration/test_a.py", "integration"),
        ("tests/conformance/test_a.py", "integration"),
        ("tests/int_store/test_a.py", "integration"),
        ("tests/int_store.py", "integration"),
        ("tests/test_int_store.py", "integration"),
        ("tests/cloud/test_a.py", "cloud"),
        ("tests/remote/test_a.py", "cloud"),
        ("tests/test_s3_cloud.py", "cloud"),
        ("tests/benchmarks/test_a.py", "benchmark"),
        ("tests/search_benchmark.py", "benchmark"),
        ("tests/stress/test_a.py", "stress"),
        ("tests/unit/test_kill_stress.py", "stress"),
        ("tests/e2e/test_a.py", "e2e"),
        ("tests/test_cli_e2e.py", "e2e"),
        ("tests/integration/unit/test_a.py", "unit"),
        ("tests/cloud/integration/test_a.py", "integration"),
        ("src/thing/test_a.py", "unknown"),
        ("tests/helpers/test_a.py", "unknown"),
        ("tests/united/test_a.py", "unknown"),
        ("test_a.py", "unknown"),
        ("/srv/cloud/project/tests/unit/test_a.py", "unit"),
        ("/srv/cloud/project/tests/test_a.py", "unit"),
        ("/srv/e2e/project/checks/test_a.py", "unknown"),
        ("/srv/tests/cloud/project/tests/integration/test_a.py", "integration"),
    ],
)
def test_path_of_a_test_file_gives_its_layer(path: str, layer: str) -> None:
    assert get_test_layer(path) == layer


def test_every_layer_has_folders_and_an_allowance() -> None:
    assert set(TEST_DIRS.values()) == set(Layer) == set(ALLOWANCES)


def test_deadline_of_a_layer_is_at_least_ten_times_its_budget() -> None:
    assert all(each.cpu_seconds * 10 <= each.deadline_seconds for each in ALLOWANCES.values())


def test_budget_of_a_layer_can_be_set() -> None:
    budgets = read_budgets(["unit = 0.25", "e2e=60"])
    assert (budgets[Layer.UNIT], budgets[Layer.E2E], budgets[Layer.INTEGRATION]) == (0.25, 60.0, 1.0)


@pytest.mark.parametrize("line", ["unit", "unit=fast", "slow=1", "=1"])
def test_malformed_budget_is_refused(line: str) -> None:
    with pytest.raises(pytest.UsageError, match="is not LAYER=SECONDS"):
        read_budgets([line])
