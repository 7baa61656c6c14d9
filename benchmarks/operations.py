"""What it costs to keep a knowledge base true: an idle `omni dev`, a look at the sources, a change, the definitions.

    python -m benchmarks.operations [--files 10000] [--seconds 60] [--turns 7]

Needs the default model. The result is written to docs/benchmarks/operations.md; the exit code is 1 if a goal is
missed. Run it on an idle machine: the time from a change to its release is time of the clock.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines, RunContext
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "operations.md"
ENGINES = LoadedEngines(WordCounter().count, FakeEmbedder(), "bag of words")
START_SECONDS = 300
SETTLE_SECONDS = 45
"""After its start `omni dev` makes the first looks at everything; then it is idle."""
_TICKS = os.sysconf("SC_CLK_TCK")
_OMNI = [sys.executable, "-m", "omni_pipelines.cli.main"]


@dataclass(frozen=True)
class Figure:
    """A figure, and the most that it may be."""

    what: str
    value: float
    goal: float
    unit: str

    @property
    def row(self) -> str:
        """A line of the page."""
        verdict = "met" if self.value <= self.goal else "missed"
        return f"| {self.what} | {self.value:.3g} {self.unit} | {self.goal:g} {self.unit} | {verdict} |"


def main() -> int:
    """Measure and write the page. Return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60, help="how long an idle server is watched")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="omni-operations-") as folder:
        figures = [
            Figure("importing the definitions, in imports of dagster", definitions(options.turns), 1.5, "times"),
            Figure(f"a look of the sensor at {options.files:,} files", look(Path(folder), options), 0.15, "s CPU"),
            *server(Path(folder), options.seconds),
        ]
    PAGE.write_text(page(figures, load))
    print(PAGE.read_text())
    return 0 if all(figure.value <= figure.goal for figure in figures) else 1


def definitions(turns: int) -> float:
    """How much more CPU time the definitions take than Dagster alone: medians of processes that run in turns."""
    costs: dict[str, list[float]] = {"dagster": [], "omni_pipelines.definitions": []}
    for _ in range(turns + 1):
        for module, taken in costs.items():
            taken.append(import_seconds(module))
    alone, ours = (statistics.median(taken[1:]) for taken in costs.values())  # the first one writes byte code
    return ours / alone


def import_seconds(module: str) -> float:
    """CPU seconds of a process that imports a module."""
    code = f"import sys; sys.dont_write_bytecode = False; import {module}"
    process = subprocess.Popen([sys.executable, "-c", code])
    _, _, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime


def look(folder: Path, options: argparse.Namespace) -> float:
    """Median CPU seconds of a tick of the source sensor that finds every file as it was ingested."""
    import dagster as dg

    from resources.knowledge import KnowledgeHome
    from sensors.changes import source_sensor

    class Fake(KnowledgeHome):
        def run(self, *arguments: Any, **named: Any) -> RunContext:
            return replace(super().run(*arguments, **named), engines=ENGINES)

    with ProcessPoolExecutor(1) as pool:  # what an ingest leaves in memory makes a look dearer
        home = pool.submit(many_files, folder, options.files).result()
    seconds = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(options.turns + 1):
            context = dg.build_sensor_context(instance=instance, resources={"knowledge": Fake(path=str(home.root))})
            before = time.process_time()
            result = source_sensor(context)
            seconds.append(time.process_time() - before)
            assert isinstance(result, dg.SensorResult)
            assert "every source is as it was ingested" in str(result.skip_reason)
    return statistics.median(seconds[1:])  # the first one imports


def many_files(folder: Path, count: int) -> Home:
    """A home with one source of so many small files."""
    sources, home = folder / "many", Home(folder / "many-home")
    for number in range(count):
        path = sources / f"{number % 100:02}" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Note {number}\n\nWords of note {number}.\n")
    home.create()
    save_sources(home, register([], [sources], [])[0])
    run_pipeline(new_run(home, load_settings(home), ENGINES))
    return home


def server(folder: Path, seconds: int) -> Iterator[Figure]:
    """What an idle `omni dev` costs, and how long it takes from a change to a release."""
    notes = folder / "notes"
    notes.mkdir()
    (notes / "heron.md").write_text("# Heron\n\nThe heron stands in cold water at dawn.\n")
    home = find_home(folder / ".omni")
    subprocess.run([*_OMNI, "ingest", str(notes), "--home", str(home.root)], check=True, capture_output=True)
    with serving(home) as process:
        time.sleep(SETTLE_SECONDS)
        before = cpu_seconds(process.pid)
        time.sleep(seconds)
        share = 100 * (cpu_seconds(process.pid) - before) / seconds
        yield Figure(f"an idle `omni dev`, over {seconds} s", share, 5, "% of a core")
        yield Figure("an idle `omni dev`, memory (PSS)", megabytes(process.pid), 600, "MB")
        yield Figure("from a changed file to its release", until_released(home, notes / "heron.md"), 60, "s")


@contextmanager
def serving(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Run `omni dev`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*_OMNI, "dev", "--port", str(port), "--home", str(home.root)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            while "serving on" not in (line := process.stderr.readline()):
                assert line, "omni dev did not start"
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def until_released(home: Home, path: Path) -> float:
    """Seconds of the clock from a change of a file to the release that shows it."""
    before, start = newest_release(home), time.monotonic()
    assert before is not None
    path.write_text("# Heron\n\nThe heron sleeps on one leg.\n")
    while time.monotonic() - start < START_SECONDS:
        release = newest_release(home)
        if release is not None and release.release > before.release:
            return time.monotonic() - start
        time.sleep(0.2)
    return float("inf")


def processes(root: int) -> set[int]:
    """A process and all below it."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, last = {root}, set[int]()
    while found != last:
        last, found = found, found | {child for child, parent in parents.items() if parent in found}
    return found


def cpu_seconds(root: int) -> float:
    """CPU time of a process and all below it, with those that have ended."""
    used = 0
    for pid in processes(root):
        with suppress(OSError):
            used += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return used / _TICKS


def megabytes(root: int) -> float:
    """Memory of a process and all below it; what they share counts once."""
    lines = [line for pid in processes(root) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def page(figures: Sequence[Figure], load: float) -> str:
    """Return the text of the page."""
    rows = "\n".join(figure.row for figure in figures)
    return f"""\
# Cost of operation

Written by `python -m benchmarks.operations`, Python {platform.python_version()}, {os.cpu_count()} cores, with a load
of {load:.1f} from other programs, which makes CPU figures higher and the time to a release longer.

| | measured | goal | |
|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    raise SystemExit(main())
