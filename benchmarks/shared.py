"""The cost of a store in a bucket: to fill it, to join it, to publish a change, to look for news, and to query.

`make bench` runs it on Python's library, with a bag of words instead of the embedder, against an S3 server on
127.0.0.1. Requests and bytes are counted at the client. The result is written to docs/benchmarks/shared.md.
"""

from __future__ import annotations

import functools
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TypeVar

import lance
import pytest

from benchmarks.storage import build, cpu
from native.filters import is_in
from native.lance_tables import LanceTable
from native.object_store import ObjectStore
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import CHUNKS
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.pull import refresh
from omni_pipelines.sources.model.file_reads import RACY_NS
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from tests.object_server import make_bucket, point_aws_at, s3_server

UPDATES = 20
FETCHES = 20
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "shared.md"
ENGINES = LoadedEngines(WordCounter().count, FakeEmbedder(), "bag of words")

T = TypeVar("T")
Row = tuple[str, float, float, float, float]
"""Operation, requests, megabytes up, megabytes down, CPU milliseconds."""


class Counting(ObjectStore):
    """An object store that counts requests and bytes."""

    counts: ClassVar[Counter[str]] = Counter()

    def _repeat(self, request: Callable[[], T], what: str) -> T:
        self.counts["requests"] += 1
        return super()._repeat(request, what)

    def put(self, key: str, data: bytes | Path) -> None:
        """Upload, and count the bytes."""
        self.counts["up"] += len(data) if isinstance(data, bytes) else data.stat().st_size
        super().put(key, data)

    def download(self, key: str, path: Path) -> bool:
        """Download, and count the bytes."""
        exists = super().download(key, path)
        self.counts["down"] += path.stat().st_size if exists else 0
        return exists


@contextmanager
def server() -> Iterator[str]:
    """Start an S3 server, and yield the address of an empty store that counts requests."""
    with s3_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr("omni_pipelines.sharing.bucket.ObjectStore", Counting)
        point_aws_at(url, patch)
        yield make_bucket(url, "bench")


def main() -> None:
    """Fill, join, change, look for news and query; write the page."""
    with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder, server() as store:
        home, settings = build(Path(folder)), Settings(store=store)
        alone, other = Home(Path(folder) / "alone" / ".omni"), Home(Path(folder) / "other" / ".omni")
        shutil.copytree(home.root, alone.root)
        rows = [
            measured("a home with one release fills an empty store", lambda: catch_up(home, settings)),
            measured("a new home joins", lambda: refresh(other, settings)),
            measured("a reader looks for news, and there is none", lambda: refresh(other, settings)),
        ]
        without, *changed = changes(Path(folder) / "sources", alone, home, other, settings)
        chunks = require_release(home).counts["chunks"]
        text = page([*rows, *changed], without, chunks, fetches(other, store))
    PAGE.write_text(text)
    print(text)


def catch_up(home: Home, settings: Settings) -> None:
    """Fetch what others have published, as every writer does first."""
    with writer_session(home, settings, sync=True):
        pass


def measured(operation: str, work: Callable[[], object]) -> Row:
    """Measure one call."""
    Counting.counts.clear()
    seconds = cpu(work)
    counts = Counting.counts
    return operation, counts["requests"], counts["up"] / 1e6, counts["down"] / 1e6, seconds * 1e3


def changes(sources: Path, alone: Home, home: Home, other: Home, settings: Settings) -> list[Row]:
    """Change one file after the other; run with and without a store, and let a reader fetch the change."""
    rng, files = random.Random(11), sorted(sources.iterdir())
    turns: list[list[Row]] = []
    for number in range(UPDATES):
        path = rng.choice(files)
        path.write_text(path.read_text("utf-8", "replace") + f"# note {number}\n", "utf-8")
        time.sleep(2 * RACY_NS / 1e9)  # a file changed just now would be read twice
        update = f"update {number}"
        here, there = new_run(alone, Settings(), ENGINES, update), new_run(home, settings, ENGINES, update)
        turns.append(
            [
                measured("one file changed, no store", functools.partial(run_pipeline, here)),
                measured("one file changed, published in the store", functools.partial(run_pipeline, there)),
                measured("a reader fetches the change", lambda: refresh(other, settings)),
            ]
        )
    return [_middle(rows) for rows in zip(*turns, strict=True)]


def _middle(rows: Sequence[Row]) -> Row:
    operations, *figures = zip(*rows, strict=True)
    requests, up, down, milliseconds = (statistics.median(map(float, column)) for column in figures)
    return str(operations[0]), requests, up, down, milliseconds


def fetches(home: Home, store: str) -> tuple[float, float]:
    """Return the CPU milliseconds to fetch ten chunks by key, from the home and from the table in the bucket."""
    pinned = require_release(home).tables[CHUNKS.name]
    uuid, _, version = pinned.rpartition(":")
    table = LanceTable(home.table(CHUNKS.name))
    remote = lance.dataset(f"{store}/tables/{CHUNKS.name}-{uuid}.lance", version=int(version))
    keys = table.read(["chunk_id"], version=int(version))["chunk_id"].to_pylist()
    rng = random.Random(5)
    here, there = [], []
    for _ in range(FETCHES):
        chosen = is_in("chunk_id", rng.sample(keys, 10))
        here.append(cpu(lambda where=chosen: table.read(["text"], where, int(version))))  # type: ignore[misc]
        there.append(cpu(lambda where=chosen: remote.to_table(columns=["text"], filter=where)))  # type: ignore[misc]
    return statistics.median(here) * 1e3, statistics.median(there) * 1e3


def page(rows: Sequence[Row], without: Row, chunks: int, fetched: tuple[float, float]) -> str:
    """Return the text of the page."""
    lines = "".join(
        f"| {operation} | {requests:,.0f} | {up:.2f} | {down:.2f} | {milliseconds:,.0f} |\n"
        for operation, requests, up, down, milliseconds in (*rows, without)
    )
    return _PAGE.format(chunks=chunks, updates=UPDATES, lines=lines, here=fetched[0], there=fetched[1])


_PAGE = """# Cost of a store in a bucket

What it costs to share releases among homes by a bucket.

Written by `python -m benchmarks.shared`: a knowledge base of {chunks:,} chunks and an S3 server on 127.0.0.1.
Requests and bytes are counted at the client, and CPU is that of the client. The figures of a changed file are
medians of {updates} changes. The time that an operation takes depends on the network and the requests, of which up
to eight run at a time.

| operation | requests | MB up | MB down | CPU ms |
|---|---|---|---|---|
{lines}
A query reads only files of the home, with or without a store. Fetching ten chunks by key takes {here:.1f} ms of CPU
from the home and {there:.1f} ms from the same table in the bucket, plus a request for each piece. That is why each
home is a copy of the store.
"""


if __name__ == "__main__":
    main()
