"""kill -9 at random moments, while a reader reads all content: nothing is lost, duplicated or mixed."""

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

MAX_RUN = 2.5
"""Maximum number of seconds until the kill; a step takes a fraction of that."""
_MOST = 4
"""Times as many kills as wanted, at most, until one has interrupted a step."""


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_random_kills_lose_duplicate_and_mix_nothing(
    empty: Trial, workload: Workload, scratch: Path, figures: Figures, seed: int
) -> None:
    rng = random.Random(seed)
    log = scratch / "finished"
    reader = Reader("released", empty.home, empty.docs, seed, scratch)
    kills = unfinished = half_built = 0
    for _ in while_time_lasts(range(_MOST * EXTENT.kills)):
        acknowledged = last_in(log)
        run_until_killed(workload, empty, acknowledged + 1, log, rng.uniform(0.01, MAX_RUN))
        seen = empty.newest()
        assert (seen.step if seen else -1) >= last_in(log)
        kills += 1
        unfinished += heads(empty.home) != released(empty.home)
        half_built += generations(empty.home) > 0
        if kills >= EXTENT.kills and unfinished:
            break
    wait_for_reads(empty, reader, workload, log)
    reads = reader.stop()
    last = last_in(log) + 1
    empty.check_repair(last)
    check_against_fresh_build(empty, scratch, last)
    assert (reads.inconsistent, reads.backwards, reads.errors) == (0, 0, 0), reads.examples
    assert reads.consistent
    assert unfinished, "no kill interrupted a step"
    figures.add(
        "kill -9 at random moments, while another process reads",
        "a writer process that publishes step after step",
        kills=kills,
        steps_published=last,
        kills_that_left_unpublished_tables=unfinished,
        kills_that_left_half_a_keyword_index=half_built,
        acknowledged_releases_lost=0,
        reads_of_all_content=reads.consistent,
        inconsistent=reads.inconsistent,
        reads_repeated_after_collection=reads.collected,
    )


def run_until_killed(workload: Workload, trial: Trial, step: int, log: Path, seconds: float) -> None:
    """Start a writer at `step`, and kill it after `seconds`."""
    process = workload.start(Job("steps", str(trial.home.root), str(trial.docs), trial.seed, step, log=str(log)))
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):  # it ended by itself; the outcome shows the error
        os.kill(process, signal.SIGKILL)
    outcome = workload.end()
    assert outcome.code == KILLED, outcome.error


def wait_for_reads(trial: Trial, reader: Reader, workload: Workload, log: Path) -> None:
    """Let the writer run undisturbed until the reader has read often enough."""
    process = workload.start(
        Job("steps", str(trial.home.root), str(trial.docs), trial.seed, last_in(log) + 1, log=str(log))
    )
    wait_until(lambda: reader.counts()[0] >= EXTENT.reads or time_is_over(), "the reader", seconds=3600)
    os.kill(process, signal.SIGKILL)
    assert workload.end().code == KILLED


def last_in(log: Path) -> int:
    """Return the last step that a writer reported as finished."""
    lines = log.read_text().split() if log.exists() else []
    return int(lines[-1]) if lines else -1


def heads(home: Home) -> dict[str, str]:
    """Return the head of every existing table."""
    tables = {name: LanceTable(home.table(name)) for name in ("documents", "chunks", "embeddings")}
    return {name: str(table.head()) for name, table in tables.items() if table.exists()}


def released(home: Home) -> dict[str, str]:
    """Return the table versions of the newest release."""
    release = newest_release(home)
    return release.tables if release is not None else {}


def generations(home: Home) -> int:
    """Count the keyword generations that no release names."""
    named = {release.keyword.generation for release in list_releases(home)}
    return sum(folder.name not in named for folder in home.keyword.iterdir())


def check_against_fresh_build(trial: Trial, scratch: Path, step: int) -> None:
    """Check that the home has the same rows as a new home built from the same files."""
    fresh = Trial(Home(scratch / "fresh" / ".omni"), trial.docs, trial.seed)
    fresh.begin()
    fresh.write(step)
    assert rows(trial.home) == rows(fresh.home)


def rows(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Return all rows, without columns that depend on when a file was read."""
    times = {"stat", "mtime_ns", "modified", "first_seen", "attempts"}
    tables = {}
    for name, definition in schemas.TABLES.items():
        columns = [column for column in definition.schema.names if column not in times]
        tables[name] = LanceTable(home.table(name)).read(columns).sort_by(definition.key).to_pylist()
    return tables
