"""What a long run found, written to docs/reliability.md as it goes: a run that was cut short says so."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import filelock

from tests.stress.harness.extent import RUN, Extent

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
_ENGINES = ("pylance", "lancedb", "tantivy", "pyarrow", "duckdb")
_HEAD = """# Reliability

What was done to a knowledge base, and what became of it. This page is written by `make stress`; do not edit it.
A row appears when its trial has ended, and only a trial without a failure gets that far.

- seed {seed}; again: `OMNI_STRESS_SEED={seed} make stress`
- begun {began}, last row {now:%H:%M} UTC
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
            PAGE.parent.mkdir(exist_ok=True)
            shared = Path(tempfile.gettempdir()) / f"omni-stress-{hashlib.sha256(RUN.encode()).hexdigest()[:16]}.rows"
            with filelock.FileLock(f"{shared}.lock"):
                with shared.open("a") as file:
                    file.write(self.rows[-1])
                PAGE.write_text(self._head() + "".join(sorted(shared.read_text().splitlines(keepends=True))))

    def _head(self) -> str:
        engines = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _ENGINES)
        system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
        began = RUN.rpartition(" ")[0]
        return _HEAD.format(seed=self.seed, began=began, now=datetime.now(UTC), versions=f"{engines}; {system}")
