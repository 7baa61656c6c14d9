"""What a chunk costs on disk and in processor time, and what a million of them would.

python -m benchmarks.sizing [--small 4000] [--large 16000]

Two knowledge bases are built from the texts of Python's library and the installed packages. The cost of a chunk is
the difference between them, so that fixed costs do not count. Bags of words replace the vectors, because the default
embedder would take a quarter of an hour; its own cost is measured on some of the texts. The result is written to
docs/benchmarks/sizing.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from benchmarks.query_cost import BYTES_PER_CHUNK, SUFFIXES, copy_texts
from native.lance_tables import LanceTable
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import publish
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import STEPS, new_run
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "sizing.md"
EMBEDDED, TURNS = 64, 5
"""Texts that are embedded, and how often: the least disturbed turn counts."""
MILLIONS = (1, 10, 100)
Figures = dict[str, float]


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=4_000)
    parser.add_argument("--large", type=int, default=16_000)
    parser.add_argument("--build", type=Path, help="build in this folder and print the figures; used by itself")
    parser.add_argument("--embed", type=Path, help="embed texts of the home in this folder; used by itself")
    options = parser.parse_args()
    for part, work in ((options.build, build), (options.embed, embed)):
        if part is not None:
            print(orjson.dumps(work(part, options.small)).decode())
            return 0
    with tempfile.TemporaryDirectory(prefix="omni-sizing-") as scratch:
        found = []
        for chunks in (options.small, options.large):
            folder = Path(scratch) / str(chunks)
            found.append(in_a_process("--build", folder, chunks))
        found[1] |= in_a_process("--embed", folder, chunks)
    PAGE.write_text(page(*found), "utf-8")
    print(PAGE.read_text("utf-8"))
    return 0


def in_a_process(part: str, folder: Path, chunks: int) -> Figures:
    """Do a part in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.sizing", part, str(folder), "--small", str(chunks)]
    figures: Figures = orjson.loads(subprocess.run(command, capture_output=True, check=True).stdout.splitlines()[-1])
    return figures


def build(folder: Path, chunks: int) -> Figures:
    """Build a knowledge base; the processor seconds of each step, and the bytes of what it made."""
    home = Home(folder / HOME_NAME)
    home.create()
    copy_texts(folder / "sources", chunks * BYTES_PER_CHUNK)
    save_sources(home, register([], [folder / "sources"], ["*" + suffix for suffix in SUFFIXES])[0])
    settings = load_settings(home).model_copy(update={"workers": 1})  # all of the cost is that of this process
    engines = LoadedEngines(load_counter(settings).count, FakeEmbedder(), model_fingerprint(settings))
    run = new_run(home, settings, engines, "bench")
    figures: Figures = {"write": 0.0}
    LanceTable.upsert = _timed(LanceTable.upsert, figures)  # type: ignore[method-assign]
    with writer_session(home, settings):
        for step in STEPS:
            began = time.process_time()
            rows = step.run(run).rows
            figures[f"{step.name} s"] = time.process_time() - began
            figures["chunks"] = rows
        publish(run)
    for name in ("documents", "chunks", "embeddings"):
        figures[f"{name} bytes"] = _size(home.table(name))
    figures["keyword_index bytes"] = _size(home.keyword)
    return figures


def _timed(upsert: Callable[..., None], figures: Figures) -> Callable[..., None]:
    def timed(*arguments: object) -> None:
        began = time.process_time()
        upsert(*arguments)
        figures["write"] += time.process_time() - began

    return timed


def embed(folder: Path, _chunks: int) -> Figures:
    """Embed some of the texts with the default embedder; processor seconds per text."""
    home = Home(folder / HOME_NAME)
    embedder = load_embedder(load_settings(home), workers=1)
    texts = LanceTable(home.table("chunks")).read(["text"])["text"].to_pylist()
    texts = texts[:: max(1, len(texts) // EMBEDDED)][:EMBEDDED]
    embedder.embed(texts[:8])
    return {"embed": min(_seconds(embedder, texts) for _ in range(TURNS)) / len(texts)}


def _seconds(embedder: Embedder, texts: Sequence[str]) -> float:
    began = time.process_time()
    embedder.embed(texts)
    return time.process_time() - began


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def page(small: Figures, large: Figures) -> str:
    """The text of the page."""
    more = large["chunks"] - small["chunks"]
    each = {name: (large[name] - small[name]) / more for name in small}
    disk = sum(value for name, value in each.items() if name.endswith(" bytes"))
    read = each["documents s"] + each["chunks s"]
    index = each["keyword_index s"] + each["vector_index s"]
    costs: list[tuple[str, Callable[[float], float]]] = [
        ("disk, GB", lambda n: disk * n / 1e9),
        ("CPU hours to read and cut", lambda n: read * n / 3600),
        ("CPU hours to embed", lambda n: large["embed"] * n / 3600),
        ("CPU hours to write rows, in one process", lambda n: each["write"] * n / 3600),
        ("CPU hours to build the indexes", lambda n: index * n / 3600),
    ]
    rows = "\n".join(f"| {name} | {' | '.join(_shown(cost(n * 1e6)) for n in MILLIONS)} |" for name, cost in costs)
    single = "\n".join(f"| {name} | {value} |" for name, value in _single(each, large, disk))
    return f"""\
# Sizing

How much disk and processor time a knowledge base of a given size takes.

Written by `python -m benchmarks.sizing`, on a machine with {os.cpu_count()} processors and a load of
{os.getloadavg()[0]:.0f} at the end: knowledge bases of {small["chunks"]:,} and {large["chunks"]:,} chunks of Python's
library and of packages. A cost per chunk is the difference between the two. CPU times include the waiting for shared
caches under that load.

| per chunk | |
|---|---|
{single}

The table below multiplies these figures. Nothing of this size was built here: take it as an order of magnitude, and
measure on your own texts before you buy machines.

| million chunks | {" | ".join(str(n) for n in MILLIONS)} |
|---|{"---|" * len(MILLIONS)}
{rows}

The disk figure is for one release; until old releases are deleted, their rows take space too. Embedding takes most of
the time. A [Ray cluster](../how-to/deployment.md#a-ray-cluster) divides that time among its processors, but not the
time to write rows, which one process does. What [a query costs](queries.md) was measured on 50,000 chunks, and memory
on [a large tree](large_tree.md) of 100,000 chunks. Neither grows in proportion, so neither is in the table.
"""


def _single(each: Figures, large: Figures, disk: float) -> list[tuple[str, str]]:
    names = {"documents bytes": "documents", "chunks bytes": "chunks", "embeddings bytes": "vectors"}
    names["keyword_index bytes"] = "keyword index"
    sizes = [(f"bytes: {shown}", f"{each[name]:,.0f}") for name, shown in names.items()]
    steps = ("documents", "chunks", "keyword_index", "vector_index")
    times = [(f"CPU ms: {name}", f"{each[f'{name} s'] * 1e3:.2f}") for name in steps]
    embedding = [("CPU ms: embedding by the default model", f"{large['embed'] * 1e3:.1f}")]
    writing = [("CPU ms: writing its rows", f"{each['write'] * 1e3:.3f}")]
    return [*sizes, ("bytes in all", f"{disk:,.0f}"), *times, *embedding, *writing]


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
