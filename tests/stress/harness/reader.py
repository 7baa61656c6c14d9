"""A reader that never stops: it takes the newest state, reads all of it, and compares it with what must be there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.home import Home
from tests.stress.harness.stores import Collected, Store, wrong
from tests.stress.harness.workload import STORES


@dataclass(frozen=True)
class Reads:
    """What a reader saw."""

    consistent: int
    inconsistent: int
    backwards: int
    """States older than one seen before."""
    collected: int
    """Looks cut short because the release was collected; the next one found a newer."""
    errors: int
    examples: list[str]


class Reader:
    """The reader's process, from the test's side."""

    def __init__(self, store: str, home: Home, docs: Path, seed: int, folder: Path) -> None:
        self._stop, self._result = folder / "reader.stop", folder / "reader.json"
        self._count = folder / "reader.count"
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.stress.harness.reader",
                store,
                str(home.root),
                str(docs),
                str(seed),
                str(folder),
            ],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "RUST_LOG": "off"},
        )

    def counts(self) -> tuple[int, int]:
        """How many looks were consistent until now, and how many were not."""
        try:
            consistent, other = self._count.read_text().split()
        except (FileNotFoundError, ValueError):
            return 0, 0
        return int(consistent), int(other)

    def stop(self) -> Reads:
        """Let it finish the look it is at. A signal would be swallowed inside a call of Lance."""
        self._stop.touch()
        assert self._process.wait(120) == 0
        return Reads(**json.loads(self._result.read_text()))


def read_until_told(store: Store, folder: Path) -> Reads:
    """Read on and on."""
    counts: Counter[str] = Counter()
    examples: list[str] = []
    newest = -1
    parent = os.getppid()
    while folder.exists() and os.getppid() == parent and not (folder / "reader.stop").exists():
        try:
            seen = store.read()
        except Collected:
            counts["collected"] += 1
            continue
        except Exception as error:  # noqa: BLE001  # any error is a finding
            counts["errors"] += 1
            examples.append(f"{type(error).__name__}: {error}"[:300])
            _tell(folder, counts)
            continue
        if seen is None:
            time.sleep(0.01)
            continue
        differences = wrong(store, seen)
        counts["inconsistent" if differences else "consistent"] += 1
        examples += [f"release {seen.release}, step {seen.step}: {each}" for each in differences]
        _tell(folder, counts)
        counts["backwards"] += seen.step < newest
        newest = max(newest, seen.step)
    names = ("consistent", "inconsistent", "backwards", "collected", "errors")
    return Reads(**{name: counts[name] for name in names}, examples=examples[:20])


def _tell(folder: Path, counts: Counter[str]) -> None:
    (folder / "reader.count").write_text(f"{counts['consistent']} {counts['inconsistent'] + counts['errors']}")


if __name__ == "__main__":
    kind, home, docs, seed, folder = sys.argv[1:]
    reads = read_until_told(STORES[kind](Home(Path(home)), Path(docs), int(seed)), Path(folder))
    if Path(folder).exists():
        (Path(folder) / "reader.json").write_text(json.dumps(reads.__dict__))
