"""A fault at each operation that changes a file: the process is killed, the disk fails, or the disk is full."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.stress.conftest import BASE_STEP
from tests.stress.harness import faults
from tests.stress.harness.extent import EXTENT, while_time_lasts
from tests.stress.harness.faults import Fault
from tests.stress.harness.figures import Figures
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import KILLED, Workload

STEP = BASE_STEP + 1
FAULTS: dict[str, Callable[[Path, int], Fault]] = {
    "kill": faults.kill,
    "input/output error": faults.input_output_error,
    "disk full": faults.disk_full,
}
JOBS = {"index": "one index build", "compact": "one compaction", "step": "one run, from files to release"}


@pytest.mark.timeout(3 * 7200 if EXTENT.name == "long" else 300)
@pytest.mark.parametrize("job", JOBS)
def test_fault_at_any_operation_leaves_a_readable_release_and_is_repaired_by_the_next_run(
    trial: Trial, faulty: Workload, figures: Figures, seed: int, job: str
) -> None:
    """In the short form one fault, which the seed chooses."""
    ready = prepared(trial, faulty, job)
    every = list(FAULTS)
    for fault in every if EXTENT.name == "long" else random.Random(f"{seed} {job}").sample(every, 1):
        fault_at_chosen_operations(ready, faulty, figures, seed, job, fault)


def fault_at_chosen_operations(
    ready: Trial, faulty: Workload, figures: Figures, seed: int, job: str, fault: str
) -> None:
    operations = count(ready, faulty, job, FAULTS[fault])
    tried = fired = survived = 0
    for at in while_time_lasts(chosen(operations, seed)):
        victim = ready.copy("victim")
        outcome = faulty.run(victim.job(job, STEP, fault=FAULTS[fault](victim.home.root, at)))
        where = f"{fault} at operation {at} of {operations} of {job}: {outcome}"
        assert outcome.code == (KILLED if fault == "kill" and outcome.fired else outcome.code), where
        assert outcome.code in {0, 1, KILLED}, where
        try:
            victim.check_readable(STEP)
            if at % 10 == 0:
                victim.check_every_release()
            victim.check_repair(STEP)
        except Exception as error:
            raise AssertionError(where) from error
        tried += 1
        fired += outcome.fired > 0
        survived += outcome.code == 0
        victim.delete()
    assert fired, "no fault was injected"
    figures.add(
        f"{fault} at operation N",
        JOBS[job],
        operations=operations,
        tried=tried,
        faults_injected=fired,
        jobs_that_finished_nevertheless=survived,
        failures=0,
    )


def prepared(trial: Trial, workload: Workload, job: str) -> Trial:
    """Prepare a home in which the job has work to do."""
    if job == "index":
        assert workload.run(trial.job("tables", STEP)).code == 0
    return trial


def count(trial: Trial, workload: Workload, job: str, fault: Callable[[Path, int], Fault]) -> int:
    """Count the operations of the job that this fault can affect."""
    victim = trial.copy("counted")
    outcome = workload.run(victim.job(job, STEP, fault=fault(victim.home.root, 1 << 30)))
    victim.delete()
    assert outcome.code == 0, outcome
    return outcome.seen


def chosen(operations: int, seed: int) -> Sequence[int]:
    """Choose the operations to test: all in random order, or as many as the short form tests."""
    return random.Random(seed).sample(range(1, operations + 1), min(operations, EXTENT.operations or operations))


def test_process_with_one_failed_operation_succeeds_at_the_second_try(
    trial: Trial, faulty: Workload, seed: int
) -> None:
    operations = count(trial, faulty, "step", faults.input_output_error)
    for at in while_time_lasts(chosen(operations, seed)[:64]):
        victim = trial.copy("victim")
        outcome = faulty.run(victim.job("twice", STEP, fault=faults.input_output_error(victim.home.root, at)))
        where = f"operation {at} of {operations}: {outcome}"
        assert outcome.code == 0, where
        seen = victim.newest()
        assert seen is not None, where
        assert seen.step == STEP, where
        victim.delete()
