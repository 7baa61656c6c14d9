"""Size and query cost after a thousand small changes, compared with a fresh build.

`make bench` runs it on Python's library, with a bag of words instead of the embedder, because the figures do not
depend on the model. Each update changes one file and publishes a release; then maintenance does what
`omni db index optimize` and `omni db compact` do. The result is written to docs/benchmarks/updates.md. The exit
code is 1 if a figure misses its goal.
"""

from __future__ import annotations

import functools
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.storage import ask_each, build, cpu, queries
from native import lance_vectors
from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.operations.maintenance import compact, optimize_vectors, publish_if_consistent
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, TABLES
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.file_reads import RACY_NS
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter

UPDATES = 1_000
MAX_RATIO = 1.5
TURNS = 5
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "updates.md"
ENGINES = LoadedEngines(WordCounter().count, FakeEmbedder(), "bag of words")


@dataclass(frozen=True)
class State:
    """The figures of a home at one moment."""

    moment: str
    size: int
    """Bytes on disk; files that generations share by hard links count once."""
    chunks: int
    fragments: int
    """Fragments of all tables in the newest release."""
    segments: int
    """Segments of the keyword index in the newest release."""
    vector_parts: int
    query: float = 0.0
    """CPU milliseconds of a query; 0 if not measured."""


def main() -> int:
    """Update, maintain, measure, and write the page. Return 1 if a goal is missed."""
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else UPDATES
    with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder:
        home = build(Path(folder))
        states = [state("built", home)]
        seconds = change(home, Path(folder) / "sources", updates)
        states += maintained(home, Path(folder) / "copy", Path(folder) / "fresh", f"after {updates:,} updates")
    text = page(states, seconds)
    print(text)
    if updates == UPDATES:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
    return 0 if is_met(states) else 1


def maintained(home: Home, copy: Path, fresh: Path, moment: str) -> list[State]:
    """Measure the home as it is, after maintenance, and rebuilt; all three are queried in turns."""
    shutil.copytree(home.root, copy / ".omni")
    states = [state(moment, home)]
    maintain(home)
    states.append(state("after maintenance", home))
    new = rebuilt(home, fresh)
    states.append(state("rebuilt from the same files", new))
    if keys(home) != keys(new):
        raise AssertionError("the updated home and the rebuilt home differ")
    costs = latency(Home(copy / ".omni"), home, new)
    return [replace(figures, query=cost) for figures, cost in zip(states, costs, strict=True)]


def change(home: Home, sources: Path, updates: int) -> list[float]:
    """Change one file after the other, and publish each change. Return the CPU seconds of each run."""
    rng = random.Random(11)
    files = sorted(sources.iterdir())
    took = []
    for number in range(updates):
        path = rng.choice(files)
        lines = path.read_text("utf-8", "replace").splitlines(keepends=True)
        lines.insert(
            rng.randrange(len(lines) + 1), f"# note {number}: {rng.choice(lines or ['nothing']).strip()[:60]}\n"
        )
        path.write_text("".join(lines), "utf-8")
        time.sleep(2 * RACY_NS / 1e9)  # a file changed just now would be read twice
        took.append(cpu(functools.partial(run_pipeline, new_run(home, Settings(), ENGINES, f"update {number}"))))
        if number % 100 == 99:
            print(f"  {number + 1:,} updates, {size_of(home.root) / 1e6:.1f} MB, {took[-1]:.2f} s", flush=True)
    return took


def maintain(home: Home) -> None:
    """Bring the vector index up to date, compact the tables, and publish."""
    with writer_session(home, Settings()):
        optimize_vectors(home)
        for definition in TABLES.values():
            compact(home, definition)
        publish_if_consistent(home, Settings(), "maintenance")


def rebuilt(home: Home, folder: Path) -> Home:
    """Build a new home from the same sources."""
    fresh = Home(folder / ".omni")
    fresh.create()
    save_sources(fresh, load_sources(home))
    run_pipeline(new_run(fresh, Settings(), ENGINES, "fresh"))
    return fresh


def size_of(root: Path) -> int:
    """Return the bytes of all files below a folder; a file with several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            status = os.stat(os.path.join(folder, name))
            seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def state(moment: str, home: Home) -> State:
    """Measure a home, without queries."""
    newest = list_releases(home)[0]
    tables = {name: LanceTable(home.table(name)) for name in newest.tables}
    segments = {path.name.partition(".")[0] for path in (home.keyword / newest.keyword.generation).glob("*.store")}
    return State(
        moment,
        size_of(home.root),
        tables[CHUNKS.name].count(),
        sum(len(table.open().get_fragments()) for table in tables.values()),
        len(segments),
        lance_vectors.coverage(tables[EMBEDDINGS.name]).deltas,
    )


def keys(home: Home) -> list[str]:
    """Return all chunk ids. They depend on the document, the position in it and the text."""
    return sorted(LanceTable(home.table(CHUNKS.name)).read(["chunk_id"])["chunk_id"].to_pylist())


def latency(*homes: Home) -> list[float]:
    """Return the CPU milliseconds of a hybrid query in each home, as medians of alternating turns."""
    asked = queries(LanceTable(homes[-1].table(CHUNKS.name)).read())
    librarians = [Librarian.open(home, embedder=FakeEmbedder()) for home in homes]
    took: list[list[float]] = [[] for _ in homes]
    for turn in range(TURNS + 1):
        for costs, librarian in zip(took, librarians, strict=True):
            measured = ask_each(librarian, asked)
            costs.extend(measured if turn else [])  # the first turn warms up
    return [statistics.median(costs) * 1e3 for costs in took]


def page(states: Sequence[State], seconds: Sequence[float]) -> str:
    """Return the text of the page."""
    *_, fresh = states
    lines = [
        "# Cost of many small updates",
        "",
        "How much larger and slower a home is after a thousand small updates than a fresh build.",
        "",
        f"Written by `make bench` ({Path(__file__).name}): a home of Python's library, {len(seconds):,} updates of",
        "one file, each published as a release, then maintenance: `omni db index optimize` and",
        "`omni db compact`. Three releases are kept, as by default. A bag of words replaces the embedder.",
        f"A query is hybrid, k = 10; its CPU time is the median of {TURNS} turns. Lance {version('pylance')},",
        f"Tantivy {version('tantivy')}, Python {platform.python_version()}.",
        "",
        "| home | MB on disk | ratio | CPU ms per query | ratio | chunks | fragments "
        "| keyword segments | vector segments |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for figures in states:
        cells = (
            figures.moment,
            f"{figures.size / 1e6:.1f}",
            f"{figures.size / fresh.size:.2f}",
            f"{figures.query:.2f}" if figures.query else "",
            f"{figures.query / fresh.query:.2f}" if figures.query else "",
            f"{figures.chunks:,}",
            *(str(number) for number in (figures.fragments, figures.segments, figures.vector_parts)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    first, last = (statistics.median(part) for part in (seconds[:50], seconds[-50:]))
    lines += [
        "",
        f"Goal: after maintenance, size and query cost are below {MAX_RATIO} times those of a fresh build: "
        f"{'met' if is_met(states) else 'NOT met'}.",
        "Runs merge small segments themselves, so the goal is met before maintenance too. The first 50 updates took "
        f"{first:.2f} s of CPU each,",
        f"the last 50 {last:.2f} s. At the end, the home had the same chunks as the rebuilt one.",
    ]
    return "\n".join(lines) + "\n"


def is_met(states: Sequence[State]) -> bool:
    """Return whether size and query cost after maintenance are below the goal."""
    *_, maintained, fresh = states
    return maintained.size < MAX_RATIO * fresh.size and maintained.query < MAX_RATIO * fresh.query


if __name__ == "__main__":
    sys.exit(main())
