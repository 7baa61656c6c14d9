"""What the tests of each layer cost, in CPU time, against what they may cost."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from omni_pipelines.testing.layers import ALLOWANCES, Layer

_WORKER_KEY = "omni_deselected"


def cpu_seconds() -> float:
    """CPU time this process and its finished children have taken. Other work on the machine does not count."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def read_budgets(lines: Sequence[str]) -> dict[Layer, float]:
    """The budgets in CPU seconds, changed by lines like `unit=0.2`.

    Raises:
        pytest.UsageError: a line is not of that form.
    """
    budgets = {layer: allowance.cpu_seconds for layer, allowance in ALLOWANCES.items()}
    for line in lines:
        name, _, value = line.partition("=")
        try:
            budgets[Layer(name.strip())] = float(value)
        except ValueError:
            raise pytest.UsageError(
                f"omni_layer_budgets: {line!r} is not LAYER=SECONDS; layers: {', '.join(Layer)}"
            ) from None
    return budgets


@dataclass(frozen=True)
class Overrun:
    """A test that went over the budget of its layer."""

    nodeid: str
    layer: Layer
    cpu: float

    def __str__(self) -> str:
        return f"{self.nodeid} {self.cpu:.2f} s"


class LayerReport:
    """Measures tests, counts those left out, and says both at the end of a run. Fixtures are not counted."""

    name: ClassVar = "omni_layer_report"
    layer: ClassVar = pytest.StashKey[Layer | None]()
    _cpu: ClassVar = pytest.StashKey[float]()

    def __init__(self, budgets: Mapping[Layer, float], *, asked_by: str, in_full: bool, enforced: bool) -> None:
        self._budgets, self._asked_by, self._in_full, self._enforced = budgets, asked_by, in_full, enforced
        self.deselected: Counter[str] = Counter()
        self.overruns: list[Overrun] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Take the CPU time of the test function."""
        began = cpu_seconds()
        try:
            return (yield)
        finally:
            item.stash[self._cpu] = cpu_seconds() - began

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put it on the report, which also travels from the workers of pytest-xdist."""
        report = yield
        layer = item.stash.get(self.layer, None)
        if call.when == "call" and layer is not None:
            report.__dict__["omni_cost"] = [str(layer), item.stash.get(self._cpu, 0.0)]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember it if it is over the budget."""
        cost = getattr(report, "omni_cost", None)
        if cost is not None and cost[1] > self._budgets[Layer(cost[0])]:
            self.overruns.append(Overrun(report.nodeid, Layer(cost[0]), cost[1]))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if budgets are enforced; in a worker of pytest-xdist, hand over the counts."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_WORKER_KEY] = dict(self.deselected)
        elif self._enforced and self.overruns and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the counts of a worker. All workers collect the same tests: any one will do."""
        self.deselected = Counter(getattr(node, "workeroutput", {}).get(_WORKER_KEY, self.deselected))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out, and what was slow."""
        lines = [*self._deselection(), *self._slowness()]
        if lines:
            terminalreporter.section("test layers")
            for line in lines:
                terminalreporter.line(line)

    def _deselection(self) -> list[str]:
        if not self.deselected:
            return []
        counts = [
            f"{self.deselected[name]} {name or 'without a layer'}" for name in (*Layer, "") if self.deselected[name]
        ]
        why = f"asked for: {self._asked_by}" if self._asked_by else "run them with --cloud"
        return [f"deselected: {', '.join(counts)} ({why})"]

    def _slowness(self) -> list[str]:
        worst = sorted(self.overruns, key=lambda each: each.cpu / self._budgets[each.layer], reverse=True)
        lines = []
        for layer in Layer:
            over = [each for each in worst if each.layer is layer]
            if over:
                budget = f"{len(over)} {layer} over {self._budgets[layer]:g} s CPU"
                lines += [f"{budget}: {each}" for each in over] if self._in_full else [f"{budget}, slowest {over[0]}"]
        return [("over budget (enforced): " if self._enforced else "over budget: ") + line for line in lines]
