"""Measure the CPU time of tests, and report those that exceed the budget of their layer."""

import os
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from omni_pipelines.testing.layers import ALLOWANCES, Layer

_WORKER_KEY = "omni_deselected"


def cpu_seconds() -> float:
    """CPU time of this process and its finished children. Other work on the machine is not counted."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def read_budgets(lines: Sequence[str]) -> dict[Layer, float]:
    """The budgets in CPU seconds: the defaults, changed by lines such as `unit=0.2`.

    Raises:
        pytest.UsageError: a line does not have that form.
    """
    budgets = {layer: allowance.cpu_seconds for layer, allowance in ALLOWANCES.items()}
    for line in lines:
        name, _, value = line.partition("=")
        try:
            budgets[Layer(name.strip())] = float(value)
        except ValueError:
            problem = f"{line!r} is not LAYER=SECONDS; layers: {', '.join(Layer)}"
            raise pytest.UsageError(f"omni_layer_budgets: {problem}") from None
    return budgets


@dataclass(frozen=True)
class Overrun:
    """A test that exceeded the budget of its layer."""

    nodeid: str
    layer: Layer
    cpu: float
    """Seconds."""

    def __str__(self) -> str:
        return f"{self.nodeid} {self.cpu:.2f} s"


class LayerReport:
    """Measures tests, without their fixtures, and reports overruns and deselected tests at the end of a run."""

    name: ClassVar = "omni_layer_report"
    layer: ClassVar = pytest.StashKey[Layer | None]()
    _cpu: ClassVar = pytest.StashKey[float]()

    def __init__(self, budgets: Mapping[Layer, float], *, asked_by: str, in_full: bool, enforced: bool) -> None:
        self._budgets, self._asked_by, self._in_full, self._enforced = budgets, asked_by, in_full, enforced
        self.deselected: Counter[str] = Counter()
        self.overruns: list[Overrun] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Measure the CPU time of the test function."""
        start = cpu_seconds()
        try:
            return (yield)
        finally:
            item.stash[self._cpu] = cpu_seconds() - start

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the CPU time to the report, which also travels from the workers of pytest-xdist."""
        report = yield
        layer = item.stash.get(self.layer, None)
        if call.when == "call" and layer is not None:
            report.__dict__["omni_cost"] = [str(layer), item.stash.get(self._cpu, 0.0)]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a test that exceeded its budget."""
        cost = getattr(report, "omni_cost", None)
        if cost is not None and cost[1] > self._budgets[Layer(cost[0])]:
            self.overruns.append(Overrun(report.nodeid, Layer(cost[0]), cost[1]))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if budgets are enforced; in a worker of pytest-xdist, send the counts."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_WORKER_KEY] = dict(self.deselected)
        elif self._enforced and self.overruns and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take the counts of a pytest-xdist worker. Every worker collects all tests, so any one will do."""
        self.deselected = Counter(getattr(node, "workeroutput", {}).get(_WORKER_KEY, self.deselected))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print deselected tests and overruns."""
        lines = [*self._deselection_lines(), *self._overrun_lines()]
        if lines:
            terminalreporter.section("test layers")
        for line in lines:
            terminalreporter.line(line)

    def _deselection_lines(self) -> list[str]:
        if not self.deselected:
            return []
        named = ((self.deselected[name], name or "without a layer") for name in (*Layer, ""))
        counts = [f"{count} {name}" for count, name in named if count]
        reason = f"asked for: {self._asked_by}" if self._asked_by else "run them with --cloud"
        return [f"deselected: {', '.join(counts)} ({reason})"]

    def _overrun_lines(self) -> list[str]:
        prefix = "over budget (enforced): " if self._enforced else "over budget: "
        lines = []
        for layer in Layer:
            overruns = sorted((run for run in self.overruns if run.layer is layer), key=lambda run: -run.cpu)
            summary = f"{prefix}{len(overruns)} {layer} over {self._budgets[layer]:g} s CPU"
            one_line = [f"{summary}, slowest {run}" for run in overruns[:1]]
            lines += [f"{summary}: {run}" for run in overruns] if self._in_full else one_line
        return lines
