"""What a long run found, written to docs/explanation/reliability.md as it goes: a run that was cut short says so."""

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

What was done to a knowledge base, and what became of it. This page is written by `make stress`; do not edit it.
A row appears when its trial has ended, and only a trial without a failure gets that far.

- seed {seed}; again: `OMNI_STRESS_SEED={seed} make stress`
- begun {began}, last row {now:%H:%M} UTC; {end}
- {versions}

| trial | how | figures |
|---|---|---|
"""


@dataclass
class Figures:
    """The rows of the page. A short run keeps them to itself; the processes of a long one share a file of them."""

    seed: int
    extent: Extent
    rows: list[str] = field(default_factory=list)

    def add(self, trial: str, how: str, **numbers: object) -> None:
        """A row: what was tried, by what means, and what came of it."""
        told = "; ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())
        self.rows.append(f"| {trial} | {how} | {told} |\n")
        if self.extent.name == "long":
            with filelock.FileLock(f"{SHARED}.lock"):
                with SHARED.open("a") as file:
                    file.write(self.rows[-1])
                self._write("still at work, or killed")

    def end(self, passed: bool) -> None:
        """Say how the run ended; it is over, and its file goes."""
        if SHARED.exists():
            self._write("all its trials passed" if passed else "some trial FAILED")
            for path in (SHARED, SHARED.with_name(f"{SHARED.name}.lock")):
                path.unlink(missing_ok=True)

    def _write(self, end: str) -> None:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(self._head(end) + "".join(sorted(SHARED.read_text().splitlines(keepends=True))))

    def _head(self, end: str) -> str:
        engines = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _ENGINES)
        system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
        cut = f"; cut short after {MINUTES} minutes, as OMNI_STRESS_MINUTES said" if time_is_over() else ""
        return _HEAD.format(
            seed=self.seed,
            began=RUN.rpartition(" ")[0],
            now=datetime.now(UTC),
            end=end + cut,
            versions=f"{engines}; {system}",
        )
