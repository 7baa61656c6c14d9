"""The figures of a long run, written row by row to docs/explanation/reliability.md."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import filelock

from tests.stress.harness.extent import MINUTES, RUN, Extent, time_is_over

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "reliability.md"
SHARED = Path(tempfile.gettempdir()) / f"omni-stress-{hashlib.sha256(RUN.encode()).hexdigest()[:16]}.rows"
_ENGINES = ("pylance", "lancedb", "tantivy", "pyarrow", "duckdb")
_HEAD = """# Reliability

Faults that were injected into a knowledge base, and what happened. `make stress` writes this page; do not edit it.
A row is written when its trial has ended without a failure.

- seed {seed}; repeat with `OMNI_STRESS_SEED={seed} make stress`
- started {began}, last row {now:%H:%M} UTC; {end}
- {versions}

| trial | method | figures |
|---|---|---|
"""


@dataclass
class Figures:
    """The rows of the page. The processes of a long run share them in a file; a short run writes no page."""

    seed: int
    extent: Extent
    rows: list[str] = field(default_factory=list)

    def add(self, trial: str, method: str, **numbers: object) -> None:
        """Add a row: the trial, the method, and its figures."""
        figures = "; ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())
        self.rows.append(f"| {trial} | {method} | {figures} |\n")
        if self.extent.name == "long":
            with filelock.FileLock(f"{SHARED}.lock"):
                with SHARED.open("a") as file:
                    file.write(self.rows[-1])
                self._write("still running, or killed")

    def end(self, passed: bool) -> None:
        """Write how the run ended, and delete the shared file."""
        if SHARED.exists():
            self._write("all trials passed" if passed else "at least one trial FAILED")
            for path in (SHARED, SHARED.with_name(f"{SHARED.name}.lock")):
                path.unlink(missing_ok=True)

    def _write(self, end: str) -> None:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(self._head(end) + "".join(sorted(SHARED.read_text().splitlines(keepends=True))))

    def _head(self, end: str) -> str:
        engines = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _ENGINES)
        system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
        cut = f"; stopped after OMNI_STRESS_MINUTES={MINUTES}" if time_is_over() else ""
        return _HEAD.format(
            seed=self.seed,
            began=RUN.rpartition(" ")[0],
            now=datetime.now(UTC),
            end=end + cut,
            versions=f"{engines}; {system}",
        )
