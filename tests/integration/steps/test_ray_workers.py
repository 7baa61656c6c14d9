"""The steps on a Ray cluster: the same rows as in this process, also when a node or the run itself is killed."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from native.errors import EngineError
from native.lance_segments import Segments
from native.lance_tables import LanceTable
from native.lance_vectors import KIND, IndexCoverage, build
from native.ray_workers import IN_FLIGHT, RayWorkers
from omni_pipelines.errors import SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.steps.step import BatchSizes, RunContext
from tests.integration.line import Line, paragraph, write
from tests.integration.native.embedding_rows import numbered
from tests.integration.native.embedding_rows import rows as embedding_rows
from tests.integration.steps.table_rows import differing, rows
from tests.ray_cluster import NODES, kill_a_worker_node, ray_cluster

ROOT = Path(__file__).parents[3]
LONG = os.environ.get("OMNI_STRESS") == "long"
FILES, PARAGRAPHS = (2_400, 18) if LONG else (60, 3)
"""In the long form over 20,000 chunks."""

KILLED_DRIVER = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from native.ray_workers import RayWorkers
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.steps.step import BatchSizes
from tests.integration.line import Line
line, read = Line(Home(Path(sys.argv[1]))), []
def kill_later(real, file, limit):
    read.append(file)
    if len(read) > 40:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(file, limit)
line.read_hook = kill_later
run_pipeline(replace(line.context, workers=RayWorkers(sys.argv[2], 1), batches=BatchSizes(seconds=0)))
"""


OTHERS = {
    "broken.pdf": "%PDF-1.7 no more",
    "herd.tsv": "name\tage\nwalrus\t7\n",
    "herd.js": "function feed(walrus) { return walrus.age; }\n",
    "unnamed": "Words of a file whose name says nothing.\n",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with ray_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    files = {f"{number % 7}/{number}.md": paragraph(f"walrus{number}", PARAGRAPHS) for number in range(FILES)}
    return write(folder, {**files, **OTHERS})


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The rows that one process makes."""
    line = Line(Home(tmp_path_factory.mktemp("local") / ".omni"))
    line.add(corpus)
    line.run()
    return rows(line)


def on(cluster: Any, line: Line, batches: BatchSizes | None = None) -> RunContext:
    context = replace(line.context, workers=RayWorkers(cluster.address, least_items=1))
    return context if batches is None else replace(context, batches=batches)


def test_a_cluster_gives_the_rows_of_one_process_although_a_node_is_killed(
    cluster: Any, corpus: Path, expected: dict[str, Any], line: Line
) -> None:
    line.add(corpus)
    read = 0

    def kill_in_the_middle(real: ReadFile, file: SourceFile, limit: int) -> FileContent:
        nonlocal read
        read += 1
        if read == FILES // 2:
            kill_a_worker_node(cluster)
        return real(file, limit)

    line.read_hook = kill_in_the_middle
    assert run_pipeline(on(cluster, line)).published.new
    assert differing(rows(line), expected) == []
    assert len(expected["chunks"]) >= (20_000 if LONG else 100)
    assert [row["path"] for row in expected["quarantine"]] == ["broken.pdf"], "what workers refuse is told as well"
    assert line.embedder.embedded == [], "this process embedded nothing"


def test_a_run_that_was_killed_is_finished_by_the_next_one(
    cluster: Any, corpus: Path, expected: dict[str, Any], line: Line
) -> None:
    line.add(corpus)
    command = [sys.executable, "-c", KILLED_DRIVER, str(line.home.root), cluster.address]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode < 0
    assert 0 < len(line.rows("documents", "doc_id")) < FILES
    run_pipeline(line.context)
    assert differing(rows(line), expected) == []


def test_items_are_taken_only_as_fast_as_they_are_worked_off(cluster: Any) -> None:
    taken = itertools.count()
    done = 0
    for item, results in RayWorkers(cluster.address, least_items=1).map(_twice, taken):
        assert list(results) == [2 * item]
        done += 1
        if done == 30:
            break
    assert next(taken) <= done + IN_FLIGHT * NODES


def _twice(item: int) -> list[int]:
    return [2 * item]


def test_segments_of_a_vector_index_are_built_on_the_cluster(cluster: Any, tmp_path: Path) -> None:
    table = LanceTable(tmp_path / "embeddings.lance")
    table.create(EMBEDDINGS.schema)
    for first in (0, 3_000):
        table.upsert("chunk_id", embedding_rows(numbered(first, first + 3_000), seed=first))
    on_cluster = partial(RayWorkers(cluster.address).map, least_items=2)
    assert build(table, segments=Segments(on_cluster, rows=3_000)) == IndexCoverage(
        6_000, 6_000, 1, KIND, trained=6_000
    )


@pytest.mark.parametrize("error", [SourceMissing("gone", cure="look"), EngineError("broken", cure="x"), OSError(5)])
def test_an_error_in_a_worker_is_raised_here_as_it_is(cluster: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        list(RayWorkers(cluster.address, least_items=1).map(_raising(error), [1]))
    assert (str(raised.value), vars(raised.value)) == (str(error), vars(error))


def _raising(error: Exception) -> Callable[[int], list[int]]:
    def work(_item: int) -> list[int]:
        raise error

    return work


@pytest.mark.skipif(not LONG, reason="starts several processes: OMNI_STRESS=long")
def test_an_item_that_ends_every_worker_ends_the_run_and_not_the_cluster(cluster: Any) -> None:
    workers = RayWorkers(cluster.address, least_items=1)
    with pytest.raises(EngineError, match="the Ray cluster lost its work"):
        list(workers.map(os._exit, [1]))
    assert [list(results) for _, results in workers.map(_twice, [1, 2])] == [[2], [4]]
