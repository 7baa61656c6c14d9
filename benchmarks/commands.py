"""What a command costs that starts, answers and ends: CPU of the whole process, and its memory.

    python -m benchmarks.commands [--home FOLDER] [--chunks 50000] [--turns 5]

The knowledge base is that of `benchmarks.query_cost`. The commands run in turns, so that what else the machine does
hits all of them alike. The last one reads a changed file and publishes a release, through Dagster. The result is
written to docs/benchmarks/commands.md; the exit code is 1 if a figure misses its goal.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.query_cost import big_home
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "commands.md"
QUESTION = "how do I read a csv file with headers"
_START = "import sys; sys.argv[0] = 'omni'; from omni_pipelines.cli.main import run; run()"


@dataclass(frozen=True)
class Command:
    """A command, and the most that it may cost."""

    title: str
    arguments: tuple[str, ...]
    seconds: float | None = None
    megabytes: int | None = None


@dataclass(frozen=True)
class Cost:
    """What one process cost."""

    seconds: float
    megabytes: float


def main() -> int:
    """Measure and write the page. Return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="keep the knowledge base in this folder for the next run")
    parser.add_argument("--chunks", type=int, default=50_000)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omni-commands-") as scratch:
        folder = options.home or Path(scratch)
        with ProcessPoolExecutor(1, get_context("spawn")) as builder:  # a process counts the memory of its parent
            home = builder.submit(big_home, folder, options.chunks).result()
        return report(home, folder / "sources", options.turns)


def commands(home: Home) -> tuple[Command, ...]:
    """The commands that change nothing."""
    at = ("--home", str(home.root))
    return (
        Command("omni --help", ("--help",), 0.15),
        Command("omni search, by words", ("search", *at, "--mode", "keyword", QUESTION), 0.6, 200),
        Command("omni search, by words and meaning", ("search", *at, QUESTION), 0.6, 200),
        Command("omni ask", ("ask", *at, QUESTION), 0.8),
        Command("omni ingest, nothing has changed", ("ingest", *at)),
    )


def report(home: Home, sources: Path, turns: int) -> int:
    """Run the commands in turns, then the ingest of a changed file, and write the page."""
    measured = commands(home)
    costs: dict[str, list[Cost]] = {command.title: [] for command in measured}
    for _ in range(turns + 1):
        for command in measured:
            costs[command.title].append(cost_of(command.arguments))
    costs = {title: each[1:] for title, each in costs.items()}  # the first run writes byte code
    changed = Command("omni ingest, one changed file", ("ingest", "--home", str(home.root)), 3.0)
    with next(sources.rglob("*.py")).open("a") as file:
        file.write("# changed\n")
    costs[changed.title] = [cost_of(changed.arguments)]
    with Librarian.open(home) as librarian:
        counts = librarian._snapshot.counts()
    PAGE.write_text(page([*measured, changed], costs, counts["documents"], counts["chunks"]))
    print(PAGE.read_text())
    return 0 if all(is_met(command, costs[command.title]) for command in [*measured, changed]) else 1


def cost_of(arguments: Sequence[str]) -> Cost:
    """Run omni in a process of its own."""
    return cost_of_process([sys.executable, "-c", _START, *arguments])


def cost_of_process(command: Sequence[str]) -> Cost:
    """Run a command to its end; processes that it starts count as well."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def is_met(command: Command, costs: Sequence[Cost]) -> bool:
    """Whether the median of the costs is within the goals of a command."""
    seconds = statistics.median(cost.seconds for cost in costs)
    megabytes = max(cost.megabytes for cost in costs)
    return seconds <= (command.seconds or seconds) and megabytes <= (command.megabytes or megabytes)


def page(measured: Sequence[Command], costs: dict[str, list[Cost]], documents: int, chunks: int) -> str:
    """Return the text of the page."""
    floor = 1.1 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # a child begins with our peak
    lines = []
    for command in measured:
        seconds = [cost.seconds for cost in costs[command.title]]
        goals = [
            f"{command.seconds:g} s" if command.seconds else "",
            f"{command.megabytes} MB" if command.megabytes else "",
        ]
        goal = ", ".join(filter(None, goals))
        verdict = ("met" if is_met(command, costs[command.title]) else "missed") if goal else ""
        most = max(cost.megabytes for cost in costs[command.title])
        memory = f"{most:.0f}" if most > floor else f"below {floor:.0f}"
        figures = f"{statistics.median(seconds):.2f} | {min(seconds):.2f} | {memory}"
        lines.append(f"| {command.title} | {figures} | {goal} | {verdict} |")
    turns, waiting = len(costs[measured[0].title]), os.getloadavg()[0]
    return f"""\
# Cost of a command

What one start of a command costs in processor time and memory.

Written by `python -m benchmarks.commands`: {documents:,} documents, {chunks:,} passages, Python
{platform.python_version()}, {turns} turns. CPU seconds and peak memory of the whole process. {waiting:.1f} processes
ran on {os.cpu_count()} cores, which makes every figure of CPU higher. The last command runs once, through Dagster.

| command | CPU s, median | least | MB | goal | |
|---|---|---|---|---|---|
{chr(10).join(lines)}
"""


if __name__ == "__main__":
    raise SystemExit(main())
