"""What a thousand small changes leave behind: the size of the store, and what a query costs, against a fresh build.

`make bench` runs it on Python's own library, with a bag of words in place of the embedder, for what is measured does
not depend on the model. Each update changes one file and publishes a release; then maintenance does what
`omni db index optimize` and `omni db compact` do. The result goes to docs/benchmarks, and the exit code is 1 where a
figure misses its mark.
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
    """What a home is like at one moment."""

    what: str
    size: int
    """Bytes on disk; what two generations share by hard links counts once."""
    chunks: int
    fragments: int
    """Of all tables, in the newest release."""
    segments: int
    """Of the keyword index in the newest release."""
    vector_parts: int
    query: float = 0.0
    """CPU milliseconds; 0 where it was not asked."""


def main() -> int:
    """Change, tend, measure, write the page; 1 where a mark is missed."""
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else UPDATES
    with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder:
        home = build(Path(folder))
        states = [state("built", home)]
        seconds = change(home, Path(folder) / "sources", updates)
        states += tended(home, Path(folder) / "untended", Path(folder) / "fresh", f"after {updates:,} updates")
    text = page(states, seconds)
    print(text)
    if updates == UPDATES:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
    return 0 if is_met(states) else 1


def tended(home: Home, untended: Path, fresh: Path, what: str) -> list[State]:
    """The home as it is, after maintenance, and built anew; all three are asked in turns."""
    shutil.copytree(home.root, untended / ".omni")
    states = [state(what, home)]
    maintain(home)
    states.append(state("after maintenance", home))
    anew = rebuilt(home, fresh)
    states.append(state("built anew from the same files", anew))
    if keys(home) != keys(anew):
        raise AssertionError("the updated home does not hold what one built anew holds")
    asked = latency(Home(untended / ".omni"), home, anew)
    return [replace(each, query=query) for each, query in zip(states, asked, strict=True)]


def change(home: Home, sources: Path, updates: int) -> list[float]:
    """Change one file after the other, each with a pass that publishes. CPU seconds of each pass."""
    chance = random.Random(11)
    files = sorted(sources.iterdir())
    took = []
    for number in range(updates):
        path = chance.choice(files)
        lines = path.read_text("utf-8", "replace").splitlines(keepends=True)
        at = chance.randrange(len(lines) + 1)
        lines.insert(at, f"# note {number}: {chance.choice(lines or ['nothing']).strip()[:60]}\n")
        path.write_text("".join(lines), "utf-8")
        time.sleep(2 * RACY_NS / 1e9)  # a file changed just now would be read twice
        took.append(cpu(functools.partial(run_pipeline, new_run(home, Settings(), ENGINES, f"update {number}"))))
        if number % 100 == 99:
            print(f"  {number + 1:,} updates, {size_of(home.root) / 1e6:.1f} MB, {took[-1]:.2f} s", flush=True)
    return took


def maintain(home: Home) -> None:
    """What a person may do now and then: bring the vector index up to date, merge what is small, publish."""
    with writer_session(home, Settings()):
        optimize_vectors(home)
        for definition in TABLES.values():
            compact(home, definition)
        publish_if_consistent(home, Settings(), "maintenance")


def rebuilt(home: Home, folder: Path) -> Home:
    """A new home of the same sources."""
    fresh = Home(folder / ".omni")
    fresh.create()
    save_sources(fresh, load_sources(home))
    run_pipeline(new_run(fresh, Settings(), ENGINES, "fresh"))
    return fresh


def size_of(root: Path) -> int:
    """Bytes of all files below a folder, each once however many names it has."""
    seen: dict[tuple[int, int], int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            status = os.stat(os.path.join(folder, name))
            seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def state(what: str, home: Home) -> State:
    """The figures of a home."""
    newest = list_releases(home)[0]
    tables = {name: LanceTable(home.table(name)) for name in newest.tables}
    segments = {path.name.partition(".")[0] for path in (home.keyword / newest.keyword.generation).glob("*.store")}
    return State(
        what,
        size_of(home.root),
        tables[CHUNKS.name].count(),
        sum(len(each.open().get_fragments()) for each in tables.values()),
        len(segments),
        lance_vectors.coverage(tables[EMBEDDINGS.name]).deltas,
    )


def keys(home: Home) -> list[str]:
    """All chunk ids: they name the document, the place in it and the text."""
    return sorted(LanceTable(home.table(CHUNKS.name)).read(["chunk_id"])["chunk_id"].to_pylist())


def latency(*homes: Home) -> list[float]:
    """CPU milliseconds of a hybrid query in each home, in turns, the medians."""
    asked = queries(LanceTable(homes[-1].table(CHUNKS.name)).read())
    librarians = [Librarian.open(each, embedder=FakeEmbedder()) for each in homes]
    took: list[list[float]] = [[] for _ in homes]
    for turn in range(TURNS + 1):
        for each, librarian in zip(took, librarians, strict=True):
            found = ask_each(librarian, asked)
            each.extend(found if turn else [])  # the first turn warms up
    return [statistics.median(each) * 1e3 for each in took]


def page(states: Sequence[State], seconds: Sequence[float]) -> str:
    """The page, in Markdown."""
    *_, fresh = states
    lines = [
        "# What many small updates leave behind",
        "",
        f"Written by `make bench` ({Path(__file__).name}): a home of Python's library, {len(seconds):,} updates of",
        "one file, each a pass that publishes a release, then maintenance: `omni db index optimize` and",
        "`omni db compact`. The last three releases are kept, as by default. "
        "A bag of words stands in for the embedder;",
        f"a query is hybrid, k = 10, its CPU time the median of {TURNS} turns. Lance {version('pylance')}, Tantivy",
        f"{version('tantivy')}, Python {platform.python_version()}.",
        "",
        "| home | MB on disk | times | CPU ms a query | times | chunks | fragments "
        "| segments of words | of vectors |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in states:
        cells = (
            each.what,
            f"{each.size / 1e6:.1f}",
            f"{each.size / fresh.size:.2f}",
            f"{each.query:.2f}" if each.query else "",
            f"{each.query / fresh.query:.2f}" if each.query else "",
            f"{each.chunks:,}",
            *(str(number) for number in (each.fragments, each.segments, each.vector_parts)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    first, last = (statistics.median(part) for part in (seconds[:50], seconds[-50:]))
    lines += [
        "",
        f"The mark is below {MAX_RATIO} times a fresh build for both after maintenance, and it is",
        f"{'met' if is_met(states) else 'NOT met'}. "
        "The passes themselves merge what piles up, so it holds before it, too.",
        f"The first 50 updates took {first:.2f} s of CPU each, the last 50 {last:.2f} s. "
        "After all of it the home held",
        "the same chunks as the one built anew.",
    ]
    return "\n".join(lines) + "\n"


def is_met(states: Sequence[State]) -> bool:
    """Whether size and latency after maintenance are below the mark."""
    *_, tended, fresh = states
    return tended.size < MAX_RATIO * fresh.size and tended.query < MAX_RATIO * fresh.query


if __name__ == "__main__":
    sys.exit(main())
