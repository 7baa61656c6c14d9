"""Two homes publish into one bucket and are killed at any moment, while others read all there is."""

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
"""Seconds until a kill, at most: a pass takes a fraction of that."""
COLD_EVERY = 10
"""Kills after which the store is read by a home that knows nothing of it."""


@pytest.fixture
def workload(bucket: str) -> Iterator[Workload]:
    """One that knows where the bucket is."""
    with Workload() as workload:
        yield workload


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty store."""
    with s3_server() as url:
        point_aws_at(url, monkeypatch)
        yield make_bucket(url, "shared")


@dataclass
class Writer:
    """A home that writes in a process of its own."""

    shared: Shared
    workload: Workload
    log: Path
    process: int = 0

    def start(self) -> None:
        """Begin with the step after the last that was acknowledged."""
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
        """At whatever it is."""
        with contextlib.suppress(ProcessLookupError):  # it ended by itself, which the outcome tells
            os.kill(self.process, signal.SIGKILL)
        outcome = self.workload.end()
        assert outcome.code == KILLED, outcome.error

    def acknowledged(self) -> int:
        """The last step that was published, as the writer said."""
        lines = self.log.read_text().split() if self.log.exists() else []
        return int(lines[-1]) if lines else -1


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_two_homes_that_are_killed_lose_nothing_double_nothing_and_mix_nothing(
    bucket: str, ground: Path, figures: Figures, seed: int
) -> None:
    dice = random.Random(seed)
    docs = ground / "docs"
    homes = {name: Shared.made(ground, name, bucket, docs, seed) for name in (*WRITERS, "judge", "reader")}
    with Workload() as first, Workload() as second:
        writers = [
            Writer(homes[name], workload, ground / f"{name}.log")
            for name, workload in zip(WRITERS, (first, second), strict=True)
        ]
        for writer in writers:
            writer.shared.begin()
            writer.start()
        reader = Reader("shared", homes["reader"].home, docs, seed, ground)
        kills = cold = 0
        for _ in while_time_lasts(range(EXTENT.shared_kills)):
            time.sleep(dice.uniform(0.01, MAX_RUN))
            victim = dice.choice(writers)
            victim.kill()
            kills += 1
            _judge(homes["judge"], writers)
            if kills % COLD_EVERY == 1:
                _judge(Shared.made(ground, f"cold{kills}", bucket, docs, seed), writers)
                cold += 1
            victim.start()
        wait_until(lambda: reader.counts()[0] >= EXTENT.shared_reads or time_is_over(), "the reader", seconds=3600)
        for writer in writers:
            writer.kill()
    reads = reader.stop()
    last = {writer.shared.name: writer.acknowledged() + 1 for writer in writers}
    for writer in writers:
        writer.shared.write(last[writer.shared.name])
    _judge_rebuild(homes["judge"], ground, last)
    assert (reads.inconsistent, reads.backwards, reads.errors) == (0, 0, 0), reads.examples
    assert reads.consistent
    figures.add(
        "kill -9 of two writers that share a bucket, with a reader at work",
        "two homes that take step after step, an S3 server, one home that reads, new homes that join",
        kills=kills,
        steps_published=sum(last.values()),
        acknowledged_steps_lost=0,
        reads_of_all_content=reads.consistent + kills,
        of_them_by_new_homes=cold,
        inconsistent=0,
        cut_short_by_collection_and_repeated=reads.collected,
    )


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_a_death_at_any_request_to_the_store_is_repaired_by_the_next_pass(
    bucket: str, ground: Path, figures: Figures, seed: int, workload: Workload
) -> None:
    """Each pass first takes over what the other home published, then publishes, then collects."""
    dice = random.Random(seed)
    left, right, judge = (Shared.made(ground, name, bucket, ground / "docs", seed) for name in (*WRITERS, "judge"))
    for each in (left, right):
        each.begin()
        each.write(0)
    step = deaths = 0
    numbers = iter(range(1, 1000)) if not EXTENT.operations else iter(sorted(dice.sample(range(1, 60), 3)))
    for number, after in itertools.product(while_time_lasts(numbers), (False, True)):
        step += 1
        right.write(step)
        job = Job("step", str(left.home.root), str(left.docs), seed, step, "shared", request(number, after=after))
        outcome = workload.run(job)
        seen = judge.read()
        assert seen is not None
        assert seen.content.differences(judge.expects(seen)) == []
        assert seen.steps["right"] == step
        assert seen.steps["left"] in {step - 1, step}
        left.write(step)
        seen = judge.read()
        assert seen is not None
        assert dict(seen.steps) == {"left": step, "right": step}
        assert seen.content.differences(judge.expects(seen)) == []
        if outcome.code != KILLED:
            assert outcome.code == 0, outcome.error
            break
        deaths += 1
    assert deaths
    _judge_rebuild(judge, ground, {"left": step, "right": step})
    figures.add(
        "kill -9 before and after a request to the store",
        "of a pass that takes over, publishes and collects",
        requests=deaths,
        repaired=deaths,
        failures=0,
    )


NOISE = 0.1
"""Share of requests that are spoiled, in each way."""


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_lost_answers_and_cut_downloads_lose_nothing_and_double_nothing(
    bucket: str, ground: Path, figures: Figures, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = {name: Shared.made(ground, name, bucket, ground / "docs", seed) for name in (*WRITERS, "judge")}
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
                homes[name].write(steps[name] + 1)  # a redo by itself
            steps[name] += 1
            seen = homes["judge"].read()
            assert seen is not None
            assert dict(seen.steps) == steps
            assert seen.content.differences(homes["judge"].expects(seen)) == []
        failures = dict(noise.failures)
    assert set(failures) == {"request dropped", "answered with 503", "answer lost", "download cut short"}
    assert all(failures.values())
    figures.add(
        "two writers behind a network that spoils a tenth of all requests in each way",
        "dropped before it is done, answer lost, 503, download cut short; all content compared after each step",
        steps_published=sum(steps.values()) + 2,
        **{failure.replace(" ", "_"): count for failure, count in failures.items()},
        passes_that_gave_up_and_were_repeated=gave_up,
        acknowledged_steps_lost=0,
        inconsistent=0,
    )


def _judge(judge: Shared, writers: list[Writer]) -> None:
    """The newest release holds exactly what each folder gave at a step, and at least the acknowledged one."""
    acknowledged = {writer.shared.name: writer.acknowledged() for writer in writers}
    seen = judge.read()
    if seen is None:
        assert set(acknowledged.values()) == {-1}
        return
    assert seen.content.differences(judge.expects(seen)) == [], f"release {seen.release} of steps {seen.steps}"
    lost = {name: step for name, step in acknowledged.items() if seen.steps[name] < step}
    assert not lost, f"acknowledged {lost}, but release {seen.release} shows {seen.steps}"


def _judge_rebuild(judge: Shared, ground: Path, steps: dict[str, int]) -> None:
    seen = judge.read()
    assert seen is not None
    assert dict(seen.steps) == steps
    alone = Shared(Home(ground / "alone" / ".omni"), judge.docs, judge.seed)
    alone.home.create()
    sources, _ = register(load_sources(alone.home), [judge.docs / name for name in WRITERS])
    save_sources(alone.home, sources)
    rebuilt = alone.rebuilt()
    assert seen.content.differences(rebuilt) == []
