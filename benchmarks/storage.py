"""What a kept keyword writer, a pool of open tables and codecs save, and what a background build costs queries.

`make bench` runs it on Python's own library, with a bag of words in place of the embedder, for what is measured does
not depend on the model. Everything is CPU time of this process, taken in turns, the median of all turns; the result
goes to docs/benchmarks, and the exit code is 1 where a figure misses its mark.
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
from native.tantivy_index import KeywordEntry, KeywordIndex
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
"""Characters of an entry, as of a tool's description and of a passage, and how many times less a kept writer takes.
What a commit costs does not depend on them; what indexing costs does, and no writer saves it."""
QUERIES = 60
TURNS = 3
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "storage.md"


@dataclass(frozen=True)
class Figure:
    """A line of the page."""

    what: str
    ours: str
    other: str
    ratio: float
    mark: str
    met: bool


def main() -> int:
    """Measure, write the page; 1 where a mark is missed."""
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
    return 0 if all(figure.met for figure in figures) else 1


def build(folder: Path) -> Home:
    """A knowledge base of Python's library."""
    sources = folder / "sources"
    sources.mkdir()
    left = TEXT_BYTES
    for number, path in enumerate(sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))):
        if 0 < path.stat().st_size < 200_000 and left > 0:
            left -= path.stat().st_size
            shutil.copyfile(path, sources / f"{number:05}_{path.name}")
    home = Home(folder / ".omni")
    home.create()
    found, _ = register([], [sources], [])
    save_sources(home, found)
    engines = LoadedEngines(WordCounter().count, FakeEmbedder(), "bag of words")
    run_pipeline(new_run(home, Settings(), engines, "bench"))
    return home


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def writer_reuse(folder: Path, chunks: pa.Table, length: int, least: float) -> Figure:
    """Batches of ten texts of at most `length` characters through one kept writer, and through a writer for each."""
    texts = [text[:length] for text in chunks["text"].slice(0, BATCHES * BATCH).to_pylist()]
    entries = [KeywordEntry(str(at), str(at), text, "", {"source": "bench"}) for at, text in enumerate(texts)]
    folder = folder / f"length{length}"
    batches = [entries[at : at + BATCH] for at in range(0, len(entries), BATCH)]
    turns = [
        tuple(cpu(functools.partial(way, folder / f"{way.__name__}{turn}", batches)) for way in (_kept, _each))
        for turn in range(TURNS)
    ]
    kept, each = (statistics.median(turn[at] for turn in turns) / len(batches) * 1e3 for at in (0, 1))
    return Figure(
        f"one keyword writer for {len(batches)} batches of {BATCH} texts of {length} characters, against one each",
        f"{kept:.2f} ms a batch",
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
    """Words that stand side by side somewhere."""
    chance = random.Random(7)
    texts = [text.split() for text in chance.sample(chunks["text"].to_pylist(), QUERIES)]
    return [" ".join(words[len(words) // 2 :][:6])[:300] or "import" for words in texts]


def pooled(home: Home, chunks: pa.Table) -> Figure:
    """Hybrid queries over pooled tables, and with every table opened anew for each query."""
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
        f"hybrid query, k = 10, {chunks.num_rows:,} chunks, without the embedder: tables pooled, against opened anew",
        f"{ours:.1f} ms a query",
        f"{other:.1f} ms",
        other / ours,
        "less",
        ours < other,
    )


def codecs(folder: Path, home: Home, chunks: pa.Table) -> Figure:
    """Chunks with their vectors as we store them, and as Lance does by itself with float32 vectors."""
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
        "chunks with vectors: our codecs and float16, against Lance's defaults and float32",
        f"{sizes[0] / 1e6:.1f} MB",
        f"{sizes[1] / 1e6:.1f} MB",
        sizes[1] / sizes[0],
        "at most 0.55 of it",
        sizes[0] <= 0.55 * sizes[1],
    )


def ask_each(librarian: Librarian, asked: Sequence[str]) -> list[float]:
    """CPU seconds of each query."""
    return [cpu(functools.partial(librarian.search, query, 10)) for query in asked]


def background(home: Home, chunks: pa.Table) -> Figure:
    """Hybrid queries while another process builds the vector index anew, and in between."""
    asked = queries(chunks)
    quiet: list[float] = []
    busy: list[float] = []
    for turn in range(TURNS):
        librarian = Librarian.open(home, embedder=FakeEmbedder())  # each build makes a release, and three are kept
        ask_each(librarian, asked)
        quiet += ask_each(librarian, asked)
        with writer_session(home, Settings()):
            lance_vectors.drop(LanceTable(home.table(EMBEDDINGS.name)))  # the release still names the version with it
        job = create_index_background(home, EMBEDDINGS.name)
        while job.record.state not in FINAL:
            busy += ask_each(librarian, asked)
        quiet += ask_each(librarian, asked)
        print(f"  build {turn + 1}: {job.record.state}")
    ours, other = statistics.median(busy) * 1e3, statistics.median(quiet) * 1e3
    return Figure(
        f"hybrid query while the vector index is built in the background ({len(busy)} queries), against without",
        f"{ours:.2f} ms",
        f"{other:.2f} ms",
        other / ours,
        "within 10 %",
        ours <= 1.1 * other,
    )


def page(figures: Sequence[Figure], rows: int) -> str:
    """The page, in Markdown."""
    lines = [
        "# What the storage layer saves",
        "",
        f"Written by `make bench` ({Path(__file__).name}) from {rows:,} chunks of Python's library; CPU time of the",
        f"process, in turns, medians. Lance {version('pylance')}, Tantivy {version('tantivy')}, Python",
        f"{platform.python_version()} on {platform.machine()}.",
        "",
        "| what | here | otherwise | times | mark | met |",
        "|---|---|---|---|---|---|",
    ]
    for each in figures:
        met = "yes" if each.met else "NO"
        lines.append(f"| {each.what} | {each.ours} | {each.other} | **{each.ratio:.2f}** | {each.mark} | {met} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
