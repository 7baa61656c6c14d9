"""A knowledge base at several sizes: what it costs to build, change, recover and query, and how these costs grow.

    python -m benchmarks.scale [--sizes 10000,100000] [--folder FOLDER]

The documents are paragraphs of Python's library in random order; the vectors are random, in 1,000 clusters. Each part
runs in a process of its own. The figures of a size replace those of an earlier run in docs/benchmarks/scale.json, and
docs/benchmarks/scale.md is written from that file; `--sizes ""` only writes the page again.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.peers.child import peak_megabytes
from benchmarks.peers.given import library_files
from benchmarks.peers.run import measured
from benchmarks.scale_page import page
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import publish
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import STEPS, new_run
from omni_pipelines.tables import open_table
from omni_pipelines.text.engines import load_counter, model_fingerprint

FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"
FIGURES, PAGE = FOLDER / "scale.json", FOLDER / "scale.md"
DIMENSIONS, CLUSTERS, QUERIES, HITS = 384, 1_000, 100, 10
PARAGRAPHS, PARAGRAPHS_PER_FILE, FILES_PER_FOLDER = 20_000, 12, 1_000
CHARACTERS_PER_CHUNK = 850
CHANGED = 1_750_000_000
TIMEOUT = 12 * 3_600
Figures = dict[str, float]


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of chunks, separated by commas")
    parser.add_argument(
        "--folder", type=Path, help="where knowledge bases are built, instead of the temporary folder"
    )
    parser.add_argument("--part", nargs=2, help="do one part in a folder and print its figures; used by itself")
    options = parser.parse_args()
    if options.part:
        name, folder = options.part
        print(orjson.dumps({**PARTS[name](Path(folder)), "peak": peak_megabytes()}).decode())
        return 0
    known: dict[str, Any] = orjson.loads(FIGURES.read_bytes()) if FIGURES.exists() else {}
    for size in filter(None, options.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="omni-scale-", dir=options.folder) as scratch:
            known[size] = {"where": where(), **measure(Path(scratch), int(size))}
        FIGURES.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    PAGE.write_text(page(known), "utf-8")
    print(PAGE.read_text("utf-8"))
    return 0


def where() -> str:
    """The day, the machine and its load."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{day}, {os.cpu_count()} cores, a load of {os.getloadavg()[0]:.0f}, Python {platform.python_version()}"


def measure(folder: Path, chunks: int) -> dict[str, Figures]:
    """The figures of each part, in order: a part continues with the knowledge base that the one before it left."""
    corpus = folder / "sources"
    files = write_files(corpus, chunks * CHARACTERS_PER_CHUNK)
    found = {"build": part("build", folder), "unchanged": part("unchanged", folder)}
    add_line(files[0])
    found["one_file"] = part("one_file", folder)
    for path in files[: max(1, len(files) // 100)]:
        path.with_name(f"more-{path.name}").write_text(path.read_text("utf-8") + "\nOne more line.\n", "utf-8")
    found["one_percent"] = part("one_percent", folder)
    for path in files[-max(1, len(files) // 100) :]:
        path.unlink()
    found["deleted"] = part("deleted", folder)
    add_line(files[len(files) // 2])  # no other file has its texts, so its vectors are asked for
    if "failed" not in part("killed", folder):
        raise SystemExit("the run that should end before its end went through")
    found["recovered"] = part("recovered", folder)
    found["queries"] = part("queries", folder)
    return found


def part(name: str, folder: Path) -> Figures:
    """Do a part in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--part", name, str(folder)]
    figures: Figures = measured(command, folder, timeout=TIMEOUT)
    print(name, figures, flush=True)
    if "failed" in figures and name != "killed":
        raise SystemExit(f"{name}: {figures['failed']}")
    return figures


def write_files(corpus: Path, wanted: int) -> list[Path]:
    """Write files of so many characters in all, at most 1,000 per folder."""
    rng = random.Random(11)
    pool = paragraphs(PARAGRAPHS)
    files: list[Path] = []
    while wanted > 0:
        path = corpus / f"{len(files) // FILES_PER_FOLDER:04}" / f"{len(files):07}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n\n".join([f"Document {len(files)}", *rng.sample(pool, PARAGRAPHS_PER_FILE)])
        path.write_text(text, "utf-8")
        os.utime(path, (CHANGED, CHANGED))
        files.append(path)
        wanted -= len(text)
    return files


def paragraphs(count: int) -> list[str]:
    """Paragraphs of Python's library."""
    found: list[str] = []
    for path in library_files():
        found += [each for each in path.read_text("utf-8", "replace").split("\n\n") if 200 < len(each) < 900]
        if len(found) >= count:
            break
    return found[:count]


def add_line(path: Path) -> None:
    """Change a file."""
    with path.open("a") as file:
        file.write("\nOne more line.\n")


class ClusteredVectors:
    """Random unit vectors near one of 1,000 centres."""

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._centres = np.random.default_rng(3).standard_normal((CLUSTERS, DIMENSIONS), np.float32)

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None, *, kind: str = "") -> Any:
        """Vectors (n, 384), float32."""
        rng = np.random.default_rng(zlib.crc32("".join(texts[:1]).encode()))
        vectors = self._centres[rng.integers(CLUSTERS, size=len(texts))]
        vectors += rng.standard_normal(vectors.shape, np.float32)
        if on_batch is not None:
            on_batch(len(texts))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class EndsTheProcess(ClusteredVectors):
    """Ends the process where vectors are asked for, as a power cut does."""

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None, *, kind: str = "") -> Any:
        """Never returns."""
        os._exit(1)


def ingest(folder: Path, vectors: ClusteredVectors | None = None) -> Figures:
    """Run all steps and publish; the CPU seconds of each, and what the knowledge base holds then."""
    home, settings = Home(folder / HOME_NAME), Settings(workers=1)
    if not home.root.exists():
        home.create()
        save_sources(home, register([], [folder / "sources"], ["*.txt"])[0])
    count = load_counter(settings).count
    engines = LoadedEngines(count, vectors or ClusteredVectors(), model_fingerprint(settings))
    run = new_run(home, settings, engines, "scale", allow_delete=True)
    figures: Figures = {}
    began = time.process_time()
    with writer_session(home, settings):
        began = _lap(figures, "recovery s", began)
        for step in STEPS:
            step.run(run)
            began = _lap(figures, f"{step.name} s", began)
        published = publish(run).release
        _lap(figures, "release s", began)
    figures["documents"], figures["chunks"] = (published.counts[name] for name in ("documents", "chunks"))
    figures["megabytes"] = sum(path.stat().st_size for path in home.root.rglob("*") if path.is_file()) / 1e6
    return figures


def _lap(figures: Figures, name: str, began: float) -> float:
    now = time.process_time()
    figures[name] = now - began
    return now


def query(folder: Path) -> Figures:
    """CPU milliseconds of a search in each mode, and the recall of the vector search."""
    home, vectors = Home(folder / HOME_NAME), ClusteredVectors()
    librarian = Librarian.open(home, embedder=vectors)
    began = time.process_time()
    librarian.prepare()
    figures: Figures = {"loading": time.process_time() - began}
    rng = random.Random(5)
    pool = [text.split() for text in paragraphs(2_000)]
    asked = [" ".join(rng.sample(words, 6)) for words in rng.sample(pool, QUERIES) if len(words) >= 6]
    for mode in (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID):
        costs = [_milliseconds(lambda text=text, mode=mode: librarian.search(text, HITS, mode)) for text in asked]  # type: ignore[misc]
        figures[mode.value] = float(np.mean(costs[10:]))
    return {**figures, "recall": recall(librarian, home, vectors.embed(asked))}


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def recall(librarian: Librarian, home: Home, queries: np.ndarray) -> float:
    """The share of the ten nearest vectors that a search finds; they are found with all exact products."""
    table = open_table(home, EMBEDDINGS)
    best: list[list[tuple[float, str]]] = [[] for _ in queries]
    for batch in table.batches([EMBEDDINGS.key, "vector"]):
        rows = np.array(batch["vector"].flatten()).reshape(-1, DIMENSIONS).astype(np.float32)
        products, keys = queries @ rows.T, batch[EMBEDDINGS.key].to_pylist()
        for number, row in enumerate(products):
            first = np.argsort(-row)[:HITS]
            best[number] = sorted([*best[number], *((float(row[at]), keys[at]) for at in first)])[-HITS:]
    shares = [
        len({key for _, key in wanted} & {key for key, _ in librarian._snapshot.nearest(vector, HITS, {})}) / HITS
        for wanted, vector in zip(best, queries, strict=True)
    ]
    return float(np.mean(shares))


PARTS: dict[str, Callable[[Path], Figures]] = {
    **dict.fromkeys(("build", "unchanged", "one_file", "one_percent", "deleted", "recovered"), ingest),
    "killed": lambda folder: ingest(folder, EndsTheProcess()),
    "queries": query,
}


if __name__ == "__main__":
    sys.exit(main())
