"""Worker processes: they start only for much work, keep the order, raise what was raised, and never stay behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from native import worker_processes
from native.errors import EngineError
from native.worker_processes import BYTES_IN_FLIGHT, ITEMS_AT_ONCE, WorkerProcesses
from tests.integration.native.worked_functions import fatal, fatal_once, process_of, refused_from_50, slow

ITEMS = range(5 * ITEMS_AT_ONCE + 3)
AT_ONCE = -1.0
"""Seconds of work that must be left for processes to start."""
ORPHANS = """
from native.worker_processes import WorkerProcesses
from tests.integration.native.worked_functions import slow
for _, pids in WorkerProcesses(1, -1.0).map(slow, [0] * 16 + [3]):
    print(*pids, flush=True)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def ended(pid: int) -> bool:
    """Whether a process ends within 10 s."""
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


def test_little_work_is_done_in_this_process() -> None:
    found = [(item, list(results)) for item, results in WorkerProcesses(2).map(process_of, ITEMS)]
    assert found == [(item, [(item, os.getpid())]) for item in ITEMS]


def test_processes_start_when_much_is_left_and_not_for_the_last_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_processes, "_MEASURED_SECONDS", 0.02)

    def pids(total: int, worth_seconds: float) -> list[int]:
        found = WorkerProcesses(1, worth_seconds).map(slow, [0.01] * total, total=total)
        return [pid for _, results in found for pid in results]

    much, little = pids(40, 0.05), pids(40, 100.0)
    assert (much[:3], much[-1] == os.getpid()) == ([os.getpid()] * 3, False)
    assert set(little) == {os.getpid()}


def test_results_of_several_processes_come_in_the_order_of_the_items() -> None:
    found = [(item, list(results)) for item, results in WorkerProcesses(2, AT_ONCE).map(process_of, ITEMS)]
    assert [(item, results[0][0]) for item, results in found] == [(item, item) for item in ITEMS]
    assert len({results[0][1] for _, results in found}) == 2


def test_processes_end_with_the_last_result() -> None:
    found = list(WorkerProcesses(2, AT_ONCE).map(process_of, ITEMS))
    assert not [pid for _, ((_, pid),) in found if is_alive(pid)]


def test_items_are_taken_only_as_fast_as_they_are_worked_off() -> None:
    taken = []

    def large_items() -> Iterator[bytes]:
        for number in range(40):
            taken.append(number)
            yield b"x" * (BYTES_IN_FLIGHT // 4)

    next(WorkerProcesses(2, AT_ONCE).map(bytes.splitlines, large_items()))
    assert len(taken) < 10


def test_error_is_raised_behind_the_results_before_it() -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="50 is too much") as raised:
        done.extend(item for item, _ in WorkerProcesses(2, AT_ONCE).map(refused_from_50, ITEMS))
    assert done == list(range(50))
    assert "in refused_from_50" in raised.value.__notes__[0]


def test_work_that_cannot_be_copied_is_done_in_this_process() -> None:
    found = list(WorkerProcesses(2, AT_ONCE).map(lambda item: [(item, os.getpid())], ITEMS))
    assert [list(results) for _, results in found] == [[(item, os.getpid())] for item in ITEMS]


def test_items_of_a_process_that_died_are_done_by_another(tmp_path: Path) -> None:
    found = list(WorkerProcesses(2, AT_ONCE).map(fatal_once, [tmp_path / "died"] * 3))
    assert [results for _, results in found] == [["survived"]] * 3


def test_item_that_ends_every_process_is_an_error_with_a_cure() -> None:
    with pytest.raises(EngineError, match=r"died 2 times over the same files; see if memory is short; .*workers = 1"):
        list(WorkerProcesses(2, AT_ONCE).map(fatal, ITEMS))


def test_processes_are_killed_when_nobody_reads_on() -> None:
    found = WorkerProcesses(1, AT_ONCE).map(slow, [0] * ITEMS_AT_ONCE + [60])
    _, (pid,) = next(found)
    assert is_alive(pid)
    began = time.monotonic()
    found.close()  # type: ignore[attr-defined]  # it is a generator
    assert ended(pid)
    assert time.monotonic() - began < 30


def test_processes_end_when_this_one_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert ended(pid)
