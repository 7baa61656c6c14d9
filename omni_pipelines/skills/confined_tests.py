"""Run the tests of a skill in the confined process, and tell what failed."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from omni_pipelines.errors import ConfigurationError, ToolExecutionError
from omni_pipelines.skills.command import SCRIPTS

MAX_TOLD = 4_000
"""Characters of the failures that are told."""
_OPTIONS = (
    "-q", "-s", "-c", "/dev/null", "--rootdir=.", "--confcutdir=.", "--import-mode=importlib",
    "-p", "no:cacheprovider",
)  # fmt: skip
"""No settings of a project around it, and nothing that writes files."""


class _Report(Protocol):
    nodeid: str
    failed: bool
    longreprtext: str


class _Failures:
    """A plug-in of pytest that keeps what failed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def pytest_runtest_logreport(self, report: _Report) -> None:
        self._keep(report)

    def pytest_collectreport(self, report: _Report) -> None:
        self._keep(report)

    def _keep(self, report: _Report) -> None:
        if report.failed:
            self.texts.append(f"{report.nodeid}: {report.longreprtext}")


def require_pytest() -> None:
    """Check that tests can be run.

    Raises:
        ConfigurationError: pytest is not installed.
    """
    if find_spec("pytest") is None:
        raise ConfigurationError("pytest is not installed", cure="pip install 'omni-pipelines[testing]'")


def run_tests(folder: Path) -> None:
    """Run the tests in `tests/`, which import the scripts by their names.

    Raises:
        ConfigurationError: there are no tests.
        ToolExecutionError: a test failed; the message holds what failed.
    """
    import pytest  # only who tests skills needs it

    sys.path.append(str(folder / SCRIPTS))
    failures = _Failures()
    code = pytest.main([*_OPTIONS, "tests"], plugins=[failures])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED and not failures.texts:
        raise ConfigurationError("there are no tests", cure="write tests/test_commands.py")
    if code != pytest.ExitCode.OK:
        told = "\n".join(failures.texts)[:MAX_TOLD]
        raise ToolExecutionError("pytest", told or f"it ended with {code!s}")
