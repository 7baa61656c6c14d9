"""kill -9 at every named moment of a run, in a home with releases and in one without."""

from __future__ import annotations

import random

import pytest

from tests.stress.conftest import BASE_STEP
from tests.stress.harness.crash_points import POINTS, owner_of, released_at, request
from tests.stress.harness.extent import EXTENT
from tests.stress.harness.figures import Figures
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import KILLED, Workload

STEP = BASE_STEP + 1
FIRST_ONLY = "first table created"
"""Does not happen in later runs, because their tables exist."""


@pytest.mark.parametrize("name", [*POINTS, request(1, after=False)])
def test_point_names_an_existing_function(name: str) -> None:
    owner, function_name = owner_of(name)
    assert callable(getattr(owner, function_name, None))


def test_kill_at_any_named_moment_is_repaired_by_the_next_run(
    trial: Trial, workload: Workload, figures: Figures, seed: int
) -> None:
    moments = sorted(POINTS.keys() - {FIRST_ONLY})
    for name in random.Random(seed).sample(moments, min(len(moments), EXTENT.moments)):
        victim = trial.copy("victim")
        outcome = workload.run(victim.job("step", STEP, crash_at=name))
        assert outcome.code == KILLED, f"{name}: {outcome}"
        seen = victim.check_readable(STEP)
        assert seen is not None
        assert seen.step == (STEP if released_at(name) else BASE_STEP), name
        victim.check_every_release()
        victim.check_repair(STEP)
        victim.delete()
    figures.add("kill -9 at named moments", "one run", moments=min(len(moments), EXTENT.moments), failures=0)


@pytest.mark.parametrize(
    "name", ["first table created", "first commit", "generation complete", "record about to be written"]
)
def test_kill_during_the_first_run_does_not_stop_the_second(empty: Trial, workload: Workload, name: str) -> None:
    assert workload.run(empty.job("step", 0, crash_at=name)).code == KILLED
    assert empty.newest() is None
    empty.check_repair(0)


def test_several_kills_in_a_row_are_repaired_like_one(trial: Trial, workload: Workload) -> None:
    for name in ("chunks committed", "generation complete", "last tag"):
        assert workload.run(trial.job("step", STEP, crash_at=name)).code == KILLED
    trial.check_readable(STEP)
    trial.check_repair(STEP)
