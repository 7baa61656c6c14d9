"""The CPU time of tests is measured, compared with the budget of their layer, and reported."""

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


def test_slowest_test_over_budget_is_named_in_one_line(busy: pytest.Pytester) -> None:
    result = busy.runpytest()
    result.stdout.fnmatch_lines(["over budget: 2 unit over 0.1 s CPU, slowest tests/unit/test_it.py::test_b 0.4* s"])
    assert result.ret == 0


def test_layer_budgets_option_lists_every_test_over_budget(busy: pytest.Pytester) -> None:
    busy.runpytest("--layer-budgets").stdout.fnmatch_lines(
        ["over budget: *::test_b 0.4* s", "over budget: *::test_a 0.2* s"]
    )


def test_enforced_budgets_fail_the_run(busy: pytest.Pytester) -> None:
    result = busy.runpytest("--enforce-layer-budgets")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["over budget (enforced): 2 unit over 0.1 s CPU*"])


def test_enforced_budgets_pass_when_no_test_exceeds_them(layered_project: pytest.Pytester) -> None:
    assert layered_project.runpytest("--enforce-layer-budgets").ret == 0


def test_project_can_set_its_own_budgets(busy: pytest.Pytester) -> None:
    with (busy.path / "tox.ini").open("a") as settings:
        settings.write("omni_layer_budgets =\n    unit = 30\n")
    assert "over budget" not in busy.runpytest().stdout.str()


def test_budget_depends_on_the_layer_and_ignores_waiting(layered_project: pytest.Pytester) -> None:
    add(layered_project, "integration", BUSY.format(name="a", seconds=0.2))
    add(layered_project, "unit", "import time\ndef test_it(): time.sleep(0.3)\n")
    assert "over budget" not in layered_project.runpytest().stdout.str()


def test_time_of_child_processes_is_counted(layered_project: pytest.Pytester) -> None:
    add(layered_project, "unit", CHILD)
    layered_project.runpytest().stdout.fnmatch_lines(["over budget: 1 unit over 0.1 s CPU, slowest *::test_child *"])


def test_parallel_workers_report_their_counts(busy: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    result = busy.runpytest_subprocess("-p", "xdist", "-n", "2", "--enforce-layer-budgets")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["deselected: 1 cloud (run them with --cloud)", "over budget (enforced): 2 unit over 0.1 s CPU, *"]
    )


def test_cpu_seconds_never_decrease() -> None:
    readings = [cpu_seconds() for _ in range(100)]
    assert readings == sorted(readings)
