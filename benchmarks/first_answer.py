"""The first minutes with omni: when `make run` prints a cited answer, and when a folder of code can be searched.

    python -m benchmarks.first_answer [--files 10000] [--turns 1]

Both start without a knowledge base, in an environment that is installed and has the models. `make run` counts until
it prints the citation of its first answer. A folder of Python's library and of packages, with copies where these have
too few files, counts from `omni ingest` until `omni search` finds a function in it. Both are ended there, because
embedding takes much longer. The result is written to docs/benchmarks/first_answer.md; the exit code is 1 if a goal is
missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.state.releases import release_numbers

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "first_answer.md"
ANSWER_SECONDS, SEARCH_SECONDS = 20.0, 90.0
FILES, FILES_PER_FOLDER = 10_000, 100
_CITATION = re.compile(r"\[1\] .+:\d+")
_OMNI = (sys.executable, "-m", "omni_pipelines.cli.main")
_QUERY = "bisect_left"


def main() -> int:
    """Measure and write the page. Return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    answers, searches = [], []
    for _ in range(options.turns):
        with tempfile.TemporaryDirectory(prefix="omni-first-") as scratch:
            answers.append(seconds_to_answer(Path(scratch)))
        with tempfile.TemporaryDirectory(prefix="omni-first-") as scratch:
            megabytes = copy_code(Path(scratch) / "code", options.files)
            searches.append(seconds_to_search(Path(scratch)))
    goal = SEARCH_SECONDS if options.files >= FILES else None
    code = f"{options.files:,} files of Python, {megabytes:.0f} MB, can be searched"
    rows = (("`make run` prints a cited answer", answers, ANSWER_SECONDS), (code, searches, goal))
    PAGE.write_text(page([_line(*row) for row in rows], options.turns))
    print(PAGE.read_text())
    return 0 if all(_is_met(seconds, most) for _, seconds, most in rows) else 1


def seconds_to_answer(folder: Path) -> float:
    """The time from `make run` to the first citation that it prints; the environment of this process is used."""
    marks = {name: folder / name.lower() for name in ("STAMP", "COMPILED")}
    for mark in marks.values():
        mark.touch()  # what make takes for an installation
    variables = {"BIN": Path(sys.executable).parent, "DEMO": folder / HOME_NAME, **marks}
    began = time.monotonic()
    with started(["make", "run", *(f"{name}={path}" for name, path in variables.items())]) as process:
        for line in process.stdout or ():
            if _CITATION.match(line):
                return time.monotonic() - began
    raise SystemExit("make run ended without a cited answer")


def copy_code(folder: Path, count: int) -> float:
    """Write `count` different files of Python; return their size in MB."""
    paths = list(_code_files())
    size = 0
    for number in range(count):
        original = paths[number % len(paths)]
        text = original.read_bytes() + (b"# copy %d\n" % number if number >= len(paths) else b"")
        copy = folder / f"{number // FILES_PER_FOLDER:03}" / f"{number:05}_{original.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(text)
        size += len(text)
    return size / 1e6


def _code_files() -> Iterator[Path]:
    for name in ("stdlib", "purelib"):
        root = Path(sysconfig.get_path(name))
        yield from (
            path for path in sorted(root.rglob("*.py")) if "site-packages" not in path.relative_to(root).parts
        )


def seconds_to_search(folder: Path) -> float:
    """The time from `omni ingest` to the end of the first search that has hits."""
    home = Home(folder / HOME_NAME)
    at = ("--home", str(home.root))
    began = time.monotonic()
    with started([*_OMNI, "ingest", *at, str(folder / "code")]) as process:
        while not release_numbers(home):
            if process.poll():
                raise SystemExit("omni ingest failed")
            time.sleep(0.1)
        subprocess.run([*_OMNI, "search", *at, _QUERY], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began


@contextmanager
def started(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command in the root of the checkout; at the end, it and what it started are killed."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def page(lines: Sequence[str], turns: int) -> str:
    """Return the text of the page."""
    return f"""\
# The first answer

How long it takes from an installed omni without a knowledge base to an answer.

Written by `python -m benchmarks.first_answer`: {turns} turn{"s" if turns > 1 else ""}, Python
{platform.python_version()}, {os.cpu_count()} cores, a load of {os.getloadavg()[0]:.0f} at the end; the measured
processes alone make it about 2. Seconds of a clock, so they are higher the more the machine does besides.

| what | seconds, median | least | goal | |
|---|---|---|---|---|
{chr(10).join(lines)}

Both use the first release: an ingest publishes it when all passages can be found by words, and embedding goes on.
"""


def _line(title: str, seconds: Sequence[float], goal: float | None) -> str:
    figures = f"{statistics.median(seconds):.1f} | {min(seconds):.1f}"
    if goal is None:
        return f"| {title} | {figures} | | |"
    return f"| {title} | {figures} | {goal:.0f} s | {'met' if _is_met(seconds, goal) else 'missed'} |"


def _is_met(seconds: Sequence[float], goal: float | None) -> bool:
    return goal is None or statistics.median(seconds) <= goal


if __name__ == "__main__":
    raise SystemExit(main())
