"""What a run costs that has nothing or little to do: CPU of the whole process and the processes it starts.

    python -m benchmarks.small_changes [--folder FOLDER] [--files 100000] [--turns 3]

A large knowledge base has a paragraph in each file, a small one has eight files. Vectors of the first ingest are
random, because embedding does not change the cost of the runs that are measured; those embed what changed. The runs
take turns. The result is written to docs/benchmarks/small_changes.md; the exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.commands import cost_of, cost_of_process
from benchmarks.scale import CHANGED, FILES_PER_FOLDER, PARAGRAPHS, ClusteredVectors, add_line, paragraphs
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.file_reads import RACY_NS
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.text.engines import load_counter, model_fingerprint

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "small_changes.md"
FEW = 8
UNCHANGED_FACTOR, UNCHANGED_SECONDS = 1.5, 0.5
LIBRARY_SECONDS, DAGSTER_SECONDS, OWN_SECONDS = 1.5, 3.0, 2.0
_UPDATE = """
import sys
from pathlib import Path
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.steps.step_table import new_run
home = Home(Path(sys.argv[1]))
run_pipeline(new_run(home, load_settings(home)))
"""


@dataclass
class Figure:
    """What is measured in each turn, and the most that it may be."""

    title: str
    measure: Callable[[], float]
    goal: float | None = None
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the turns."""
        return statistics.median(self.seconds)

    @property
    def is_met(self) -> bool:
        """Whether the median is within the goal."""
        return self.goal is None or self.median <= self.goal


def main() -> int:
    """Measure and write the page. Return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keep the knowledge bases in this folder for the next run")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omni-small-changes-") as scratch:
        folder = options.folder or Path(scratch)
        small, large = (built(folder / f"{files}", files) for files in (FEW, options.files))
        measured = figures(small, large, options.files)
        for turn in range(options.turns + 1):
            for figure in measured:
                figure.seconds.append(figure.measure())
                print(f"{figure.title}: {figure.seconds[-1]:.2f} s", flush=True)
            if not turn:  # it writes byte code, and what is kept of models
                for figure in measured:
                    figure.seconds.clear()
    walk, unchanged, by_library, through_dagster = measured[-4], measured[-3], measured[0], measured[1]
    unchanged.goal = UNCHANGED_FACTOR * walk.median + UNCHANGED_SECONDS
    own = [one - other for one, other in zip(through_dagster.seconds, by_library.seconds, strict=True)]
    measured.append(
        Figure("Dagster's own cost: the difference of the first two", time.process_time, OWN_SECONDS, own)
    )
    PAGE.write_text(page(measured, options.files, options.turns))
    print(PAGE.read_text())
    return 0 if all(figure.is_met for figure in measured) else 1


def figures(small: Home, large: Home, files: int) -> list[Figure]:
    """What is measured, in order."""
    few, many = f"one changed file of {FEW}", f"one changed file of {files:,}"
    return [
        Figure(f"{few}, by library", lambda: by_library(small)),
        Figure(f"{few}, `omni ingest`", lambda: through_dagster(small)),
        Figure(f"scandir and stat of {files:,} files", lambda: bare_walk(large)),
        Figure("`omni ingest`, nothing has changed in them", lambda: ingest(large)),
        Figure(f"{many}, by library", lambda: by_library(large), LIBRARY_SECONDS),
        Figure(f"{many}, `omni ingest`", lambda: through_dagster(large), DAGSTER_SECONDS),
    ]


def built(folder: Path, files: int) -> Home:
    """A knowledge base of so many files; an existing one is used as it is."""
    home = Home(folder / HOME_NAME)
    if home.releases.is_dir() and any(home.releases.iterdir()):
        return home
    pool = paragraphs(PARAGRAPHS)
    for number in range(files):
        path = sources(home) / f"{number // FILES_PER_FOLDER:04}" / f"{number:07}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Document {number}\n\n{pool[number % len(pool)]}\n", "utf-8")
        os.utime(path, (CHANGED, CHANGED))
    home.create()
    save_sources(home, register([], [sources(home)], ["*.txt"])[0])
    settings = Settings()
    engines = LoadedEngines(load_counter(settings).count, ClusteredVectors(), model_fingerprint(settings))
    run_pipeline(new_run(home, settings, engines))
    return home


def sources(home: Home) -> Path:
    """The folder that a knowledge base reads."""
    return home.root.parent / "sources"


def bare_walk(home: Home) -> float:
    """List the files, and ask for the size and time of each."""
    began = time.process_time()
    waiting = [str(sources(home))]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
    return time.process_time() - began


def ingest(home: Home) -> float:
    """Run `omni ingest`."""
    return cost_of(("ingest", "--home", str(home.root))).seconds


def through_dagster(home: Home) -> float:
    """Change a file, and run `omni ingest`."""
    change_one(home)
    return ingest(home)


def by_library(home: Home) -> float:
    """Change a file, and run the steps in a process without Dagster."""
    change_one(home)
    return cost_of_process([sys.executable, "-c", _UPDATE, str(home.root)]).seconds


def change_one(home: Home) -> None:
    """Add a line to the file that was changed least recently."""
    changed = min((sources(home) / "0000").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    add_line(changed)
    time.sleep(2 * RACY_NS / 1e9)  # a file changed just now would be read twice


def page(measured: list[Figure], files: int, turns: int) -> str:
    """Return the text of the page."""
    lines, waiting = [], os.getloadavg()[0]
    for figure in measured:
        goal = f"{figure.goal:.2f} s | {'met' if figure.is_met else 'missed'}" if figure.goal is not None else " | "
        spread = f"{min(figure.seconds):.2f} to {max(figure.seconds):.2f}"
        lines.append(f"| {figure.title} | {figure.median:.2f} | {spread} | {goal} |")
    return f"""\
# Runs with little to do

What a run costs when nothing or one file has changed, in processor time.

Written by `python -m benchmarks.small_changes`: {files:,} files with a paragraph each, and {FEW} of the same
kind, Python {platform.python_version()}, turns: {turns}. CPU seconds of the whole process and the processes that it
starts. A changed file is read, cut, embedded with the default embedder, indexed and published. {waiting:.1f}
processes ran on {os.cpu_count()} cores, which makes every figure higher. The goal of a run without changes is
{UNCHANGED_FACTOR} times scandir and stat, and {UNCHANGED_SECONDS} s.

| run | CPU s, median | least to most | goal | |
|---|---|---|---|---|
{chr(10).join(lines)}
"""


if __name__ == "__main__":
    raise SystemExit(main())
