"""Steps that let other processes of this machine read and split files write the rows that one process writes."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from native.worker_processes import WorkerProcesses
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.settings import Settings
from omni_pipelines.workers import ThisProcess, workers_of
from tests.integration.line import Line, paragraph, write
from tests.integration.steps.table_rows import differing, rows
from tests.samples.every_kind import KINDS

ROOT = Path(__file__).parents[3]
AT_ONCE = WorkerProcesses(2, worth_seconds=-1.0)
KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from native.worker_processes import WorkerProcesses
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.steps.step import BatchSizes
from tests.integration.line import Line
line, read = Line(Home(Path(sys.argv[1]))), []
def kill_later(real, file, limit):
    read.append(file)
    if len(read) > 160:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(file, limit)
line.read_hook = kill_later
run_pipeline(replace(line.context, workers=WorkerProcesses(1, -1.0), batches=BatchSizes(files=16)))
"""


def written_by_one_process(folder: Path, corpus: Path) -> dict[str, Any]:
    line = Line(Home(folder / "one" / ".omni"))
    line.add(corpus)
    run_pipeline(replace(line.context, workers=ThisProcess()))
    return rows(line)


def test_processes_write_the_rows_of_one_process(tmp_path: Path, line: Line) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, raw in (item for files in KINDS.values() for item in files.items()):
        (corpus / name).write_bytes(raw)
    line.add(corpus)
    run_pipeline(replace(line.context, workers=AT_ONCE))
    found = rows(line)
    assert differing(found, written_by_one_process(tmp_path, corpus)) == []
    assert len(found["documents"]) > 100
    assert found["quarantine"], "files that they refuse are reported too"


def test_run_that_was_killed_is_finished_by_the_next_one(tmp_path: Path, line: Line) -> None:
    corpus = write(tmp_path / "corpus", {f"{number}.md": paragraph(f"walrus{number}", 1) for number in range(200)})
    line.add(corpus)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(line.home.root)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert 0 < len(line.rows("documents", "doc_id")) < 200
    run_pipeline(replace(line.context, workers=AT_ONCE))
    assert differing(rows(line), written_by_one_process(tmp_path, corpus)) == []


@pytest.mark.parametrize(("count", "expected"), [(1, ThisProcess), (2, WorkerProcesses)])
def test_number_of_workers_decides_if_there_are_other_processes(count: int, expected: type[object]) -> None:
    assert isinstance(workers_of(Settings(workers=count)), expected)
