"""What tests cost is measured in CPU time, compared with their layer's budget, and said at the end."""

from __future__ import annotations

import pytest

from omni_pipelines.testing.budgets import cpu_seconds

BUSY = (
    "import time\ndef test_{name}():\n"
    "    end = time.process_time() + {seconds}\n"
    "    while time.process_time() < end: pass\n"
)
CHILD = (
    "import subprocess, sys\ndef test_child():\n"
    "    code = 'import time\\nwhile time.process_time() < 0.4: pass'\n"
    "    subprocess.run([sys.executable, '-c', code], check=True)\n"
)


def add(pytester: pytest.Pytester, layer: str, text: str) -> None:
    (pytester.path / "tests" / layer / "test_it.py").write_text(text)


@pytest.fixture
def busy(layered_project: pytest.Pytester) -> pytest.Pytester:
    add(layered_project, "unit", BUSY.format(name="a", seconds=0.2) + BUSY.format(name="b", seconds=0.4))
    return layered_project


def test_the_slowest_is_named_in_one_line(busy: pytest.Pytester) -> None:
    result = busy.runpytest()
    result.stdout.fnmatch_lines(["over budget: 2 unit over 0.1 s CPU, slowest tests/unit/test_it.py::test_b 0.4* s"])
    assert result.ret == 0


def test_all_are_listed_when_asked_for(busy: pytest.Pytester) -> None:
    busy.runpytest("--layer-budgets").stdout.fnmatch_lines(
        ["over budget: *::test_b 0.4* s", "over budget: *::test_a 0.2* s"]
    )


def test_the_run_fails_where_budgets_are_enforced(busy: pytest.Pytester) -> None:
    result = busy.runpytest("--enforce-layer-budgets")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["over budget (enforced): 2 unit over 0.1 s CPU*"])


def test_enforced_budgets_that_are_kept_fail_nothing(layered_project: pytest.Pytester) -> None:
    assert layered_project.runpytest("--enforce-layer-budgets").ret == 0


def test_a_project_sets_its_own_budgets(busy: pytest.Pytester) -> None:
    with (busy.path / "tox.ini").open("a") as settings:
        settings.write("omni_layer_budgets =\n    unit = 30\n")
    assert "over budget" not in busy.runpytest().stdout.str()


def test_each_layer_has_its_own_budget_and_waiting_costs_nothing(layered_project: pytest.Pytester) -> None:
    add(layered_project, "integration", BUSY.format(name="a", seconds=0.2))
    add(layered_project, "unit", "import time\ndef test_it(): time.sleep(0.3)\n")
    assert "over budget" not in layered_project.runpytest().stdout.str()


def test_the_time_of_child_processes_counts(layered_project: pytest.Pytester) -> None:
    add(layered_project, "unit", CHILD)
    layered_project.runpytest().stdout.fnmatch_lines(["over budget: 1 unit over 0.1 s CPU, slowest *::test_child *"])


def test_parallel_workers_bring_home_what_they_counted(busy: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    result = busy.runpytest_subprocess("-p", "xdist", "-n", "2", "--enforce-layer-budgets")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["deselected: 1 cloud (run them with --cloud)", "over budget (enforced): 2 unit over 0.1 s CPU, *"]
    )


def test_cpu_time_never_goes_back() -> None:
    readings = [cpu_seconds() for _ in range(100)]
    assert readings == sorted(readings)
