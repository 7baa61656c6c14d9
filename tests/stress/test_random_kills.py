"""kill -9 at any moment, while a reader reads all there is: nothing is lost, doubled or mixed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from tests.stress.harness.extent import EXTENT, time_is_over, while_time_lasts
from tests.stress.harness.figures import Figures
from tests.stress.harness.reader import Reader
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import KILLED, Job, Workload, wait_until

MAX_RUN = 1.5
"""Seconds until the kill, at most: a step takes a fraction of that."""


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_kills_at_random_lose_nothing_double_nothing_and_mix_nothing(
    empty: Trial, workload: Workload, ground: Path, figures: Figures, seed: int
) -> None:
    dice = random.Random(seed)
    log = ground / "finished"
    reader = Reader("released", empty.home, empty.docs, seed, ground)
    kills = unfinished = half_built = 0
    for _ in while_time_lasts(range(EXTENT.kills)):
        acknowledged = last_in(log)
        run_until_killed(workload, empty, acknowledged + 1, log, dice.uniform(0.01, MAX_RUN))
        seen = empty.newest()
        assert (seen.step if seen else -1) >= last_in(log)
        kills += 1
        unfinished += heads(empty.home) != released(empty.home)
        half_built += generations(empty.home) > 0
    wait_for_reads(empty, reader, workload, log)
    reads = reader.stop()
    last = last_in(log) + 1
    empty.check_repair(last)
    same_as_a_fresh_build(empty, ground, last)
    assert (reads.inconsistent, reads.backwards, reads.errors) == (0, 0, 0), reads.examples
    assert reads.consistent
    assert unfinished, "no kill hit a step half done"
    figures.add(
        "kill -9 at random moments, with a reader at work",
        "a process that takes step after step",
        kills=kills,
        steps_published=last,
        kills_that_left_unpublished_tables=unfinished,
        kills_that_left_half_a_keyword_index=half_built,
        acknowledged_releases_lost=0,
        reads_of_all_content=reads.consistent,
        inconsistent=reads.inconsistent,
        cut_short_by_collection_and_repeated=reads.collected,
    )


def run_until_killed(workload: Workload, trial: Trial, step: int, log: Path, seconds: float) -> None:
    """A writer that begins at `step` and is killed after so many seconds."""
    process = workload.start(Job("steps", str(trial.home.root), str(trial.docs), trial.seed, step, log=str(log)))
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):  # it ended by itself, which the outcome tells
        os.kill(process, signal.SIGKILL)
    outcome = workload.end()
    assert outcome.code == KILLED, outcome.error


def wait_for_reads(trial: Trial, reader: Reader, workload: Workload, log: Path) -> None:
    """Let the writer go on undisturbed until the reader has seen enough."""
    process = workload.start(
        Job("steps", str(trial.home.root), str(trial.docs), trial.seed, last_in(log) + 1, log=str(log))
    )
    wait_until(lambda: reader.counts()[0] >= EXTENT.reads or time_is_over(), "the reader", seconds=3600)
    os.kill(process, signal.SIGKILL)
    assert workload.end().code == KILLED


def last_in(log: Path) -> int:
    """The last step that a writer said it finished."""
    lines = log.read_text().split() if log.exists() else []
    return int(lines[-1]) if lines else -1


def heads(home: Home) -> dict[str, str]:
    """The head of every table that is there."""
    tables = {name: LanceTable(home.table(name)) for name in ("documents", "chunks", "embeddings")}
    return {name: str(table.head()) for name, table in tables.items() if table.exists()}


def released(home: Home) -> dict[str, str]:
    """The versions in the newest release."""
    release = newest_release(home)
    return release.tables if release is not None else {}


def generations(home: Home) -> int:
    """How many keyword generations no release names."""
    named = {release.keyword.generation for release in list_releases(home)}
    return sum(folder.name not in named for folder in home.keyword.iterdir())


def same_as_a_fresh_build(trial: Trial, ground: Path, step: int) -> None:
    """After all of it, row for row what a new home gets from the same files."""
    fresh = Trial(Home(ground / "fresh" / ".omni"), trial.docs, trial.seed)
    fresh.begin()
    fresh.write(step)
    assert rows(trial.home) == rows(fresh.home)


def rows(home: Home) -> dict[str, list[dict[str, Any]]]:
    """All rows, without what tells when a file was read."""
    when = {"stat", "mtime_ns", "modified", "first_seen", "attempts"}
    found = {}
    for name, definition in schemas.TABLES.items():
        columns = [column for column in definition.schema.names if column not in when]
        found[name] = LanceTable(home.table(name)).read(columns).sort_by(definition.key).to_pylist()
    return found
