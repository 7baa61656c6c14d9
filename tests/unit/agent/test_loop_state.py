"""What a task has read and changed, and calls that bring nothing new."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.agent.action_guard import ActionGuard
from omni_pipelines.agent.loop_state import LoopState, canonical_path

A, B, C = "read:a", "read:b", "read:c"
CHANGE = "write:a"


def levels(*calls: tuple[str, str] | str) -> list[str]:
    """The level after each call; a call is its name and its output, which is the name unless it is given."""
    guard = ActionGuard(LoopState())
    found: list[str] = []
    for made in calls:
        name, output = made if isinstance(made, tuple) else (made, f"output of {made}")
        is_reading = not name.startswith("write")
        path = {"path": name.partition(":")[2]}
        level = guard.update(name, path, output, is_read_only=is_reading, is_success=True)
        found.append(level)
    return found


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([A, B, C], ["", "", ""]),
        ([A, A, A, A, A, A], ["", "hint", "hint", "replan", "hint", "stop"]),
        ([A, B, A, B, A, B, A], ["", "", "hint", "hint", "replan", "hint", "stop"]),
        ([A, A, CHANGE, A, A], ["", "hint", "", "", "hint"]),
        ([A, B, CHANGE, A, B, CHANGE, A, B], [""] * 8),
        ([A, (A, "it has changed"), A], ["", "", "hint"]),
        ([(A, "same"), (B, "same"), (C, "same")], ["", "hint", "hint"]),
        ([A, A, B, A], ["", "hint", "", "hint"]),
    ],
    ids=str,
)
def test_loop_is_noticed_by_outputs_and_never_after_a_change(
    calls: Sequence[tuple[str, str] | str], expected: list[str]
) -> None:
    assert levels(*calls) == expected


@given(st.lists(st.sampled_from([A, B, C, CHANGE]), max_size=30))
def test_call_with_a_new_output_is_never_taken_for_a_loop(calls: list[str]) -> None:
    assert set(levels(*((name, f"output {number}") for number, name in enumerate(calls)))) <= {""}


@given(st.lists(st.sampled_from([A, B]), min_size=11, max_size=11))
def test_loop_over_two_calls_is_stopped_after_eleven_of_them(calls: list[str]) -> None:
    assert "stop" in levels(*calls)


def test_cycle_is_named_by_its_length() -> None:
    state = LoopState()
    for name in (A, B, C, A, B, C):
        state.add(name, {}, name)
    assert state.cycle == 3
    assert "cycle of 3" in ActionGuard(state).reason()


def test_read_is_redundant_only_in_the_same_range_with_the_same_content() -> None:
    state = LoopState()
    state.mark_read("./src//a.py", "hash 1", "start=1,end=9")
    assert state.is_redundant_read("src/a.py", "hash 1", "start=1,end=9")
    assert not state.is_redundant_read("src/a.py", "hash 2", "start=1,end=9")
    assert not state.is_redundant_read("src/a.py", "hash 1", "start=10,end=20")
    assert not state.is_redundant_read("src/a.py", "hash 1")


def test_file_may_be_read_once_more_after_each_change() -> None:
    state = LoopState()
    state.mark_read("a.py", "1")
    state.mark_modified("a.py")
    assert state.should_allow_re_read("a.py")
    assert not state.is_redundant_read("a.py", "1")
    state.mark_read("a.py", "2")
    assert not state.should_allow_re_read("a.py")
    assert state.is_redundant_read("a.py", "2")
    assert state.get_stats() == {"visited_files": 1, "modified_files": 0}
    state.reset()
    assert state.get_stats() == {"visited_files": 0, "modified_files": 0}


@pytest.mark.parametrize("path", [".env", "../x", "/abs/x", "-", "a b/c"])
def test_path_that_is_in_one_form_already_stays_as_it_is(path: str) -> None:
    assert canonical_path(path) == path


def test_guard_names_every_path_of_a_call_that_reads_several() -> None:
    guard = ActionGuard(LoopState())
    both = {"paths": ["a.py", "./b.py"]}
    assert guard.check("files.read_many", both, "1") == ""
    guard.update("files.read_many", both, "1", is_read_only=True, is_success=True)
    assert "a.py, ./b.py" in guard.check("files.read_many", both, "1")


def test_state_is_the_same_after_a_checkpoint() -> None:
    state = LoopState()
    state.mark_read("a", "1")
    state.mark_modified("b")
    state.add(A, {"path": "a"}, "1")
    assert LoopState.model_validate(state.model_dump(mode="json")) == state
