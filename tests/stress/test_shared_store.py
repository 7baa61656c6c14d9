"""Two homes publish to one bucket and are killed at random moments, while other homes read all content."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from native.errors import StoreError
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.sources.registry import load_sources, register, save_sources
from tests.object_server import ADDRESS, Noise, make_bucket, point_aws_at, s3_server
from tests.stress.harness.crash_points import request
from tests.stress.harness.extent import EXTENT, time_is_over, while_time_lasts
from tests.stress.harness.figures import Figures
from tests.stress.harness.reader import Reader
from tests.stress.harness.sharing import WRITERS, Shared
from tests.stress.harness.workload import KILLED, Job, Workload, wait_until

MAX_RUN = 2.5
"""Maximum number of seconds until a kill; a run takes a fraction of that."""
NEW_HOME_EVERY = 10
"""Number of kills after which a new home reads the store."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start an S3 server, and return the address of an empty store."""
    with s3_server() as url:
        point_aws_at(url, monkeypatch)
        yield make_bucket(url, "shared")


@dataclass
class Writer:
    """A home with its own writer process."""

    shared: Shared
    workload: Workload
    log: Path
    process: int = 0

    def start(self) -> None:
        """Start with the step after the last acknowledged one."""
        shared = self.shared
        self.process = self.workload.start(
            Job(
                "steps",
                str(shared.home.root),
                str(shared.docs),
                shared.seed,
                self.acknowledged() + 1,
                "shared",
                log=str(self.log),
            )
        )

    def kill(self) -> None:
        """Kill the process."""
        with contextlib.suppress(ProcessLookupError):  # it ended by itself; the outcome shows the error
            os.kill(self.process, signal.SIGKILL)
        outcome = self.workload.end()
        assert outcome.code == KILLED, outcome.error

    def acknowledged(self) -> int:
        """Return the last step that the writer reported as published."""
        lines = self.log.read_text().split() if self.log.exists() else []
        return int(lines[-1]) if lines else -1


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_kills_of_two_writers_lose_duplicate_and_mix_nothing(
    bucket: str, scratch: Path, figures: Figures, seed: int, workload: Workload
) -> None:
    rng = random.Random(seed)
    docs = scratch / "docs"
    homes = {name: Shared.create(scratch, name, bucket, docs, seed) for name in (*WRITERS, "observer", "reader")}
    with Workload() as other:
        writers = [
            Writer(homes[name], process, scratch / f"{name}.log")
            for name, process in zip(WRITERS, (workload, other), strict=True)
        ]
        for writer in writers:
            writer.shared.begin()
            writer.start()
        reader = Reader("shared", homes["reader"].home, docs, seed, scratch)
        kills = new_homes = 0
        for _ in while_time_lasts(range(EXTENT.shared_kills)):
            time.sleep(rng.uniform(0.01, MAX_RUN))
            victim = rng.choice(writers)
            victim.kill()
            kills += 1
            _check_newest(homes["observer"], writers)
            if kills % NEW_HOME_EVERY == 1:
                _check_newest(Shared.create(scratch, f"new{kills}", bucket, docs, seed), writers)
                new_homes += 1
            victim.start()
        wait_until(lambda: reader.counts()[0] >= EXTENT.shared_reads or time_is_over(), "the reader", seconds=3600)
        for writer in writers:
            writer.kill()
    reads = reader.stop()
    last = {writer.shared.name: writer.acknowledged() + 1 for writer in writers}
    for writer in writers:
        writer.shared.write(last[writer.shared.name])
    _check_against_rebuild(homes["observer"], scratch, last)
    assert (reads.inconsistent, reads.backwards, reads.errors) == (0, 0, 0), reads.examples
    assert reads.consistent
    figures.add(
        "kill -9 of two writers that share a bucket, while another process reads",
        "two homes that publish step after step, an S3 server, one home that reads, new homes that join",
        kills=kills,
        steps_published=sum(last.values()),
        acknowledged_steps_lost=0,
        reads_of_all_content=reads.consistent + kills,
        of_these_by_new_homes=new_homes,
        inconsistent=0,
        reads_repeated_after_collection=reads.collected,
    )


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_kill_at_any_request_to_the_store_is_repaired_by_the_next_run(
    bucket: str, scratch: Path, figures: Figures, seed: int, workload: Workload
) -> None:
    """Each run first fetches what the other home published, then publishes, then collects."""
    rng = random.Random(seed)
    left, right, observer = (
        Shared.create(scratch, name, bucket, scratch / "docs", seed) for name in (*WRITERS, "observer")
    )
    for shared in (left, right):
        shared.begin()
        shared.write(0)
    step = deaths = 0
    numbers = range(1, 1000) if not EXTENT.operations else [rng.randrange(1, 60)]
    for number, after in itertools.product(while_time_lasts(numbers), (False, True)):
        step += 1
        right.write(step)
        job = Job("step", str(left.home.root), str(left.docs), seed, step, "shared", request(number, after=after))
        outcome = workload.run(job)
        seen = observer.read()
        assert seen is not None
        assert seen.content.differences(observer.expects(seen)) == []
        assert seen.steps["right"] == step
        assert seen.steps["left"] in {step - 1, step}
        left.write(step)
        seen = observer.read()
        assert seen is not None
        assert dict(seen.steps) == {"left": step, "right": step}
        assert seen.content.differences(observer.expects(seen)) == []
        if outcome.code != KILLED:
            assert outcome.code == 0, outcome.error
            break
        deaths += 1
    assert deaths
    _check_against_rebuild(observer, scratch, {"left": step, "right": step})
    figures.add(
        "kill -9 before and after a request to the store",
        "one run that fetches, publishes and collects",
        requests=deaths,
        repaired=deaths,
        failures=0,
    )


NOISE = 0.1
"""Share of requests that fail, in each way."""


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_failing_network_loses_and_duplicates_nothing(
    bucket: str, scratch: Path, figures: Figures, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = {name: Shared.create(scratch, name, bucket, scratch / "docs", seed) for name in (*WRITERS, "observer")}
    steps = dict.fromkeys(WRITERS, -1)
    gave_up = 0
    with Noise(os.environ[ADDRESS], seed, NOISE) as noise:
        point_aws_at(noise.url, monkeypatch)
        for name in WRITERS:
            homes[name].begin()
        for number in while_time_lasts(range(EXTENT.noisy_steps)):
            name = WRITERS[number % 2]
            try:
                homes[name].write(steps[name] + 1)
            except (StoreError, UpstreamMoved):
                gave_up += 1
                homes[name].write(steps[name] + 1)  # the next run repairs it
            steps[name] += 1
            seen = homes["observer"].read()
            assert seen is not None
            assert dict(seen.steps) == steps
            assert seen.content.differences(homes["observer"].expects(seen)) == []
        spoiled = dict(noise.spoiled)
    assert set(spoiled) == {"request dropped", "answered with 503", "answer lost", "download cut short"}
    assert all(spoiled.values())
    figures.add(
        "two writers behind a network in which a tenth of all requests fail in each way",
        "request dropped, answer lost, status 503, download truncated; all content compared after each step",
        steps_published=sum(steps.values()) + 2,
        **{way.replace(" ", "_"): count for way, count in spoiled.items()},
        runs_that_gave_up_and_were_repeated=gave_up,
        acknowledged_steps_lost=0,
        inconsistent=0,
    )


def _check_newest(observer: Shared, writers: list[Writer]) -> None:
    """Check the content of the newest release, and that it contains every acknowledged step."""
    acknowledged = {writer.shared.name: writer.acknowledged() for writer in writers}
    seen = observer.read()
    if seen is None:
        assert set(acknowledged.values()) == {-1}
        return
    assert seen.content.differences(observer.expects(seen)) == [], f"release {seen.release} of steps {seen.steps}"
    lost = {name: step for name, step in acknowledged.items() if seen.steps[name] < step}
    assert not lost, f"acknowledged {lost}, but release {seen.release} contains {seen.steps}"


def _check_against_rebuild(observer: Shared, scratch: Path, steps: dict[str, int]) -> None:
    seen = observer.read()
    assert seen is not None
    assert dict(seen.steps) == steps
    alone = Shared(Home(scratch / "alone" / ".omni"), observer.docs, observer.seed)
    alone.home.create()
    sources, _ = register(load_sources(alone.home), [observer.docs / name for name in WRITERS])
    save_sources(alone.home, sources)
    rebuilt = alone.rebuilt()
    assert seen.content.differences(rebuilt) == []
