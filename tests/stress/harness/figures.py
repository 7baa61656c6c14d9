"""The figures of long runs, written row by row to docs/explanation/reliability.md.

A row stays until its trial is run again, so that a page can be brought up to date trial by trial.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import filelock

from tests.stress.harness.extent import Extent

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "reliability.md"
_ENGINES = ("pylance", "lancedb", "tantivy", "pyarrow", "duckdb")
_HEAD = """# Reliability

Faults that were injected into a knowledge base, and what happened. `make stress` writes this page; do not edit it.
A row is written when its trial has ended without a failure, with the day and the seed of the run; a later run
replaces it. Repeat one with `OMNI_STRESS_SEED=SEED make stress`. A trial fails if anything comes to harm.

- last row {now:%Y-%m-%d %H:%M} UTC, on {cores} cores with a load of {load:.1f}
- {versions}

| trial | method | figures | run |
|---|---|---|---|
"""


@dataclass
class Figures:
    """The rows of the page; the processes of a long run share them. A short run writes no page."""

    seed: int
    extent: Extent
    rows: list[str] = field(default_factory=list)

    def add(self, trial: str, method: str, **numbers: object) -> None:
        """Add a row: the trial, the method, and its figures."""
        figures = "; ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())
        name, run = f"| {trial} | {method} |", f"{datetime.now(UTC):%Y-%m-%d}, seed {self.seed}"
        self.rows.append(f"{name} {figures} | {run} |\n")
        if self.extent.name == "long":
            with filelock.FileLock(Path(tempfile.gettempdir()) / "omni-stress.lock"):
                others = [row for row in _rows() if not row.startswith(name)]
                PAGE.write_text(_head() + "".join(sorted([*others, self.rows[-1]])))


def _rows() -> list[str]:
    lines = PAGE.read_text().splitlines(keepends=True) if PAGE.exists() else []
    return [line for line in lines if line.endswith(" |\n") and ", seed " in line]


def _head() -> str:
    engines = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _ENGINES)
    system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
    load = os.getloadavg()[0]
    return _HEAD.format(now=datetime.now(UTC), cores=os.cpu_count(), load=load, versions=f"{engines}; {system}")
