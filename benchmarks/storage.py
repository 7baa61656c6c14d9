"""The savings of one keyword writer, of pooled tables and of codecs, and the cost of background builds.

`make bench` runs it on Python's library, with a bag of words instead of the embedder, because the figures do not
depend on the model. Everything is CPU time of this process, as the median of alternating turns. The result is
written to docs/benchmarks/storage.md. The exit code is 1 if a figure misses its goal.
"""

from __future__ import annotations

import functools
import platform
import random
import shutil
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa

from native import lance_vectors
from native.dataset_cache import POOL
from native.keyword_engine import KeywordEngine
from native.lance_tables import LanceTable
from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.operations.index_job_records import FINAL
from omni_pipelines.operations.index_jobs import create_index_background
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, VECTOR_SIZE
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter

TEXT_BYTES = 8_000_000
BATCHES, BATCH = 100, 10
WRITERS = ((200, 15.0), (1_000, 15.0))
"""Characters of an entry (a tool description, a passage), and how many times less one writer must take.

The cost of a commit does not depend on the length. The cost of indexing does, and one writer cannot save it.
"""
QUERIES = 60
TURNS = 3
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "storage.md"


@dataclass(frozen=True)
class Figure:
    """A row of the table."""

    comparison: str
    ours: str
    other: str
    ratio: float
    goal: str
    is_met: bool


def main() -> int:
    """Measure and write the page. Return 1 if a goal is missed."""
    with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder:
        home = build(Path(folder))
        chunks = LanceTable(home.table(CHUNKS.name)).read()
        print(f"{chunks.num_rows:,} chunks")
        figures = [writer_reuse(Path(folder), chunks, length, least) for length, least in WRITERS]
        figures += [pooled(home, chunks), codecs(Path(folder), home, chunks)]
        figures.append(background(home, chunks))
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(figures, chunks.num_rows))
    print(PAGE.read_text())
    return 0 if all(figure.is_met for figure in figures) else 1


def build(folder: Path) -> Home:
    """Build a knowledge base of Python's library."""
    sources = folder / "sources"
    sources.mkdir()
    left = TEXT_BYTES
    for number, path in enumerate(sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))):
        if 0 < path.stat().st_size < 200_000 and left > 0:
            left -= path.stat().st_size
            shutil.copyfile(path, sources / f"{number:05}_{path.name}")
    home = Home(folder / ".omni")
    home.create()
    registered, _ = register([], [sources], [])
    save_sources(home, registered)
    engines = LoadedEngines(WordCounter().count, FakeEmbedder(), "bag of words")
    run_pipeline(new_run(home, Settings(), engines, "bench"))
    return home


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def writer_reuse(folder: Path, chunks: pa.Table, length: int, least: float) -> Figure:
    """Compare one writer for all batches of ten texts of at most `length` characters with one writer per batch."""
    texts = [text[:length] for text in chunks["text"].slice(0, BATCHES * BATCH).to_pylist()]
    entries = [
        KeywordEntry(str(number), str(number), text, "", {"source": "bench"}) for number, text in enumerate(texts)
    ]
    folder = folder / f"length{length}"
    batches = [entries[at : at + BATCH] for at in range(0, len(entries), BATCH)]
    turns = [
        tuple(cpu(functools.partial(way, folder / f"{way.__name__}{turn}", batches)) for way in (_kept, _each))
        for turn in range(TURNS)
    ]
    kept, each = (statistics.median(turn[at] for turn in turns) / len(batches) * 1e3 for at in (0, 1))
    return Figure(
        f"one keyword writer for {len(batches)} batches of {BATCH} texts of {length} characters, or one per batch",
        f"{kept:.2f} ms per batch",
        f"{each:.2f} ms",
        each / kept,
        f"at least {least:g} times less",
        each / kept >= least,
    )


def _kept(folder: Path, batches: Sequence[list[KeywordEntry]]) -> None:
    with KeywordEngine(KeywordIndex.create(folder, ("source",))) as engine:
        for batch in batches:
            engine.bulk_upsert(batch)


def _each(folder: Path, batches: Sequence[list[KeywordEntry]]) -> None:
    index = KeywordIndex.create(folder, ("source",))
    for batch in batches:
        with index.writer() as writer:
            writer.upsert(batch)
            writer.commit()


def queries(chunks: pa.Table) -> list[str]:
    """Return queries of consecutive words of the texts."""
    rng = random.Random(7)
    texts = [text.split() for text in rng.sample(chunks["text"].to_pylist(), QUERIES)]
    return [" ".join(words[len(words) // 2 :][:6])[:300] or "import" for words in texts]


def pooled(home: Home, chunks: pa.Table) -> Figure:
    """Compare hybrid queries over pooled tables with queries that open every table again."""
    librarian, asked = Librarian.open(home, embedder=FakeEmbedder()), queries(chunks)

    def ask(reopen: bool) -> None:
        for query in asked:
            if reopen:
                POOL.evict()
            librarian.search(query, 10)

    ask(False)
    turns = [(cpu(lambda: ask(False)), cpu(lambda: ask(True))) for _ in range(TURNS)]
    ours, other = (statistics.median(turn[at] for turn in turns) / len(asked) * 1e3 for at in (0, 1))
    return Figure(
        f"hybrid query, k = 10, {chunks.num_rows:,} chunks, no embedder: tables pooled, or opened for each query",
        f"{ours:.1f} ms per query",
        f"{other:.1f} ms",
        other / ours,
        "less",
        ours < other,
    )


def codecs(folder: Path, home: Home, chunks: pa.Table) -> Figure:
    """Compare the stored size of chunks and vectors with that of Lance's defaults and float32 vectors."""
    vectors = LanceTable(home.table(EMBEDDINGS.name)).read(["vector"])["vector"].combine_chunks().flatten()
    single = pa.array(vectors.to_numpy(zero_copy_only=False).astype(np.float32))
    bare = [field.with_metadata(None) for field in CHUNKS.schema]
    plain = chunks.cast(pa.schema(bare)).append_column(
        "vector", pa.FixedSizeListArray.from_arrays(single, VECTOR_SIZE)
    )
    ours = chunks.cast(CHUNKS.schema).append_column(
        EMBEDDINGS.schema.field("vector").with_metadata(None),
        pa.FixedSizeListArray.from_arrays(vectors, VECTOR_SIZE),
    )
    sizes = []
    for name, table in (("ours", ours), ("plain", plain)):
        lance.write_dataset(table, str(folder / name))
        sizes.append(sum(path.stat().st_size for path in (folder / name / "data").iterdir()))
    return Figure(
        "chunks with vectors: our codecs and float16, or Lance's defaults and float32",
        f"{sizes[0] / 1e6:.1f} MB",
        f"{sizes[1] / 1e6:.1f} MB",
        sizes[1] / sizes[0],
        "at most 0.55 of it",
        sizes[0] <= 0.55 * sizes[1],
    )


def ask_each(librarian: Librarian, asked: Sequence[str]) -> list[float]:
    """Return the CPU seconds of each query."""
    return [cpu(functools.partial(librarian.search, query, 10)) for query in asked]


def background(home: Home, chunks: pa.Table) -> Figure:
    """Compare hybrid queries during a rebuild of the vector index in another process with queries before it."""
    asked = queries(chunks)
    quiet: list[float] = []
    busy: list[float] = []
    for turn in range(TURNS):
        librarian = Librarian.open(
            home, embedder=FakeEmbedder()
        )  # again for each turn: a build publishes a release, and three are kept
        ask_each(librarian, asked)
        quiet += ask_each(librarian, asked)
        with writer_session(home, Settings()):
            lance_vectors.drop(
                LanceTable(home.table(EMBEDDINGS.name))
            )  # the release still names the version with the index
        job = create_index_background(home, EMBEDDINGS.name)
        while job.record.state not in FINAL:
            busy += ask_each(librarian, asked)
        quiet += ask_each(librarian, asked)
        print(f"  build {turn + 1}: {job.record.state}")
    ours, other = statistics.median(busy) * 1e3, statistics.median(quiet) * 1e3
    return Figure(
        f"hybrid query during a background build of the vector index ({len(busy)} queries), or without one",
        f"{ours:.2f} ms",
        f"{other:.2f} ms",
        other / ours,
        "within 10 %",
        ours <= 1.1 * other,
    )


def page(figures: Sequence[Figure], rows: int) -> str:
    """Return the text of the page."""
    lines = [
        "# Savings of the storage layer",
        "",
        "What the storage layer saves, compared with the plain use of Lance and Tantivy.",
        "",
        f"Written by `make bench` ({Path(__file__).name}) from {rows:,} chunks of Python's library. CPU time of the",
        f"process, medians of alternating turns. Lance {version('pylance')}, Tantivy {version('tantivy')}, Python",
        f"{platform.python_version()} on {platform.machine()}.",
        "",
        "| comparison | first | second | ratio | goal | met |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        met = "yes" if figure.is_met else "NO"
        cells = (figure.comparison, figure.ours, figure.other, f"**{figure.ratio:.2f}**", figure.goal, met)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
