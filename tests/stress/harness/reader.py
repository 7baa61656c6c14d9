"""A process that repeatedly reads all content of the newest state and compares it with the expected content."""

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
from tests.stress.harness.stores import ReleaseCollected, Store, problems
from tests.stress.harness.workload import STORES


@dataclass(frozen=True)
class Reads:
    """How many reads of a reader gave which result."""

    consistent: int
    inconsistent: int
    backwards: int
    """Reads of a step older than one read before."""
    collected: int
    """Reads that ended early because the release was collected; the next read finds a newer one."""
    errors: int
    examples: list[str]


class Reader:
    """Starts and stops a reader process from a test."""

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
        """Return the number of consistent reads so far, and of all other reads."""
        try:
            consistent, other = self._count.read_text().split()
        except (FileNotFoundError, ValueError):
            return 0, 0
        return int(consistent), int(other)

    def stop(self) -> Reads:
        """Let the current read finish, and return the results.

        A file stops the process, because a signal would be lost inside a call of Lance.
        """
        self._stop.touch()
        assert self._process.wait(120) == 0
        return Reads(**json.loads(self._result.read_text()))


def read_until_stopped(store: Store, folder: Path) -> Reads:
    """Read until a file `reader.stop` appears or the parent process ends."""
    counts: Counter[str] = Counter()
    examples: list[str] = []
    newest = -1
    parent = os.getppid()
    while folder.exists() and os.getppid() == parent and not (folder / "reader.stop").exists():
        try:
            seen = store.read()
        except ReleaseCollected:
            counts["collected"] += 1
            continue
        except Exception as error:  # noqa: BLE001  # every error of a reader is a failure to report
            counts["errors"] += 1
            examples.append(f"{type(error).__name__}: {error}"[:300])
            _write_counts(folder, counts)
            continue
        if seen is None:
            time.sleep(0.01)
            continue
        differences = problems(store, seen)
        counts["inconsistent" if differences else "consistent"] += 1
        examples += [f"release {seen.release}, step {seen.step}: {difference}" for difference in differences]
        _write_counts(folder, counts)
        counts["backwards"] += seen.step < newest
        newest = max(newest, seen.step)
    names = ("consistent", "inconsistent", "backwards", "collected", "errors")
    return Reads(**{name: counts[name] for name in names}, examples=examples[:20])


def _write_counts(folder: Path, counts: Counter[str]) -> None:
    (folder / "reader.count").write_text(f"{counts['consistent']} {counts['inconsistent'] + counts['errors']}")


if __name__ == "__main__":
    kind, home, docs, seed, folder = sys.argv[1:]
    reads = read_until_stopped(STORES[kind](Home(Path(home)), Path(docs), int(seed)), Path(folder))
    if Path(folder).exists():
        (Path(folder) / "reader.json").write_text(json.dumps(reads.__dict__))
