"""What this checkout costs beside another commit, by ratio: exit code 1 if it costs more than it may.

    make compare BASE=main
    python -m benchmarks.commits BASE [--turns 5] [--most 1.2] [--size tiny]

The benchmark of this checkout measures both, in turns, so that what else the machine does hits both alike. A ratio is
the median over the turns of the CPU of this checkout, divided by that of the other commit in the same turn.
"""

from __future__ import annotations

import argparse
import io
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.environment import HERE
from benchmarks.peers.given import SIZES
from benchmarks.peers.run import ROOT, Product, Run, loaded, one_turn, write_given

CHAINS = (("ingest", "unchanged", "changed"), ("embedding",), ("keyword",))
COSTS = {"ingest": "cpu", "unchanged": "cpu", "changed": "cpu", "embedding": "ms", "keyword": "query"}
"""Each work, and the figure of it that is compared."""


def main() -> int:
    """Measure both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--most", type=float, default=1.2, help="the largest ratio that is allowed")
    parser.add_argument("--size", choices=SIZES, default="tiny")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omni-commits-") as scratch:
        folder = Path(scratch)
        unpack(options.base, folder / "base")
        ours, theirs = measure(folder, (ROOT, folder / "base"), options.size, options.turns)
    found = ratios(ours, theirs)
    for work, ratio in found.items():
        print(f"{work}: {ratio:.2f} times the CPU of {options.base}{' (too much)' if ratio > options.most else ''}")
    return 1 if any(ratio > options.most for ratio in found.values()) else 0


def unpack(commit: str, folder: Path) -> None:
    """Write the tree of a commit, with the benchmarks of this checkout."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(folder, filter="data")
    shutil.rmtree(folder / "benchmarks", ignore_errors=True)
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")


def measure(folder: Path, roots: Sequence[Path], size: str, turns: int) -> list[list[Run]]:
    """The runs of each checkout. The first turn is left out, because it writes byte code."""
    runs: list[list[Run]] = [[] for _ in roots]
    for chain in CHAINS:
        given = folder / chain[0]
        write_given(given, chain[0], SIZES[size])
        for turn in range(turns + 1):
            for root, made in zip(roots, runs, strict=True):
                product = Product("omni", loaded("omni"), HERE, root)
                made += [run for run in one_turn(product, chain, given, folder, turn) if turn]
    return runs


def ratios(ours: Sequence[Run], theirs: Sequence[Run]) -> dict[str, float]:
    """For each work the median ratio.

    Raises:
        SystemExit: a work failed.
    """
    for run in (*ours, *theirs):
        if "failed" in run:
            raise SystemExit(f"{run['work']} failed: {run['failed']}")
    base = {(run["work"], run["turn"]): run[COSTS[run["work"]]] for run in theirs}
    by_work: dict[str, list[float]] = {}
    for run in ours:
        ratio = run[COSTS[run["work"]]] / base[run["work"], run["turn"]]
        by_work.setdefault(run["work"], []).append(ratio)
    return {work: statistics.median(each) for work, each in by_work.items()}


if __name__ == "__main__":
    sys.exit(main())
