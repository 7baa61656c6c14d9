"""A test that hangs ends the run, and the run fails."""

from __future__ import annotations

import pytest

STUBBORN = (
    "import time\n"
    "def test_it():\n"
    "    while True:\n"
    "        try: time.sleep(600)\n"
    "        except BaseException: pass\n"
    "def test_other(): pass\n"
)
"""Like native code, it swallows an exception raised in a signal handler."""
WITHOUT = "omni test-kit: pytest-timeout is not installed, so a test that hangs blocks the run*"


@pytest.fixture(autouse=True)
def deadlines() -> None:
    pytest.importorskip("pytest_timeout")


def test_hang_that_swallows_exceptions_ends_the_run(layered_project: pytest.Pytester) -> None:
    (layered_project.path / "tests" / "unit" / "test_it.py").write_text(STUBBORN)
    result = layered_project.runpytest_subprocess("--timeout=1", "tests/unit", timeout=60)
    assert result.ret == 1
    output = result.stdout.str() + result.stderr.str()
    assert "Timeout" in output
    assert "in test_it" in output
    assert "passed" not in output


def test_hang_in_a_fixture_ends_the_run(layered_project: pytest.Pytester) -> None:
    (layered_project.path / "tests" / "unit" / "test_it.py").write_text(
        "import pytest, time\n@pytest.fixture\ndef slow(): time.sleep(600)\ndef test_it(slow): pass\n"
    )
    assert layered_project.runpytest_subprocess("--timeout=1", "tests/unit", timeout=60).ret == 1


def deadlines_of(pytester: pytest.Pytester, *options: str) -> list[str]:
    """The deadline that each test of the project reports."""
    for path in (pytester.path / "tests").glob("*/test_it.py"):
        path.write_text(
            "def test_it(request):\n"
            "    mark = request.node.get_closest_marker('timeout')\n"
            "    print('DEADLINE', mark and mark.args[0], request.config.getoption('timeout_method'))\n"
        )
    lines = pytester.runpytest("-s", *options).outlines
    return [line.split("DEADLINE ")[1] for line in lines if "DEADLINE" in line]


def test_each_layer_sets_its_deadline(layered_project: pytest.Pytester) -> None:
    deadlines = deadlines_of(layered_project, "--all-tests")
    assert sorted(deadlines) == [f"{seconds} thread" for seconds in (120, 300, 300, 3600, 60, 600)]


def test_deadline_of_the_project_is_kept(layered_project: pytest.Pytester) -> None:
    assert set(deadlines_of(layered_project, "--timeout=7", "--timeout-method=signal")) == {"None signal"}


def test_deadline_of_a_test_is_kept(layered_project: pytest.Pytester) -> None:
    (layered_project.path / "tests" / "unit" / "test_own.py").write_text(
        "import pytest\n@pytest.mark.timeout(5)\n"
        "def test_it(request): assert [m.args[0] for m in request.node.iter_markers('timeout')] == [5]\n"
    )
    layered_project.runpytest("tests/unit/test_own.py").assert_outcomes(passed=1)


def test_no_deadline_is_set_without_the_setting(plain_project: pytest.Pytester) -> None:
    assert set(deadlines_of(plain_project)) == {"None None"}


def test_report_header_warns_when_pytest_timeout_is_missing(layered_project: pytest.Pytester) -> None:
    result = layered_project.runpytest("-p", "no:timeout", "--fast")
    result.stdout.fnmatch_lines([WITHOUT])
    result.assert_outcomes(passed=1)


def test_report_header_has_no_warning_when_pytest_timeout_is_installed(layered_project: pytest.Pytester) -> None:
    assert "pytest-timeout is not installed" not in layered_project.runpytest().stdout.str()
