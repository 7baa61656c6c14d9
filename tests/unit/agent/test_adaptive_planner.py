"""Estimates of the calls that a task deserves."""

from __future__ import annotations

import pytest

from omni_pipelines.agent.adaptive_planner import MAX_CALLS, AdaptivePlanner
from omni_pipelines.errors import ConfigurationError

PLANNER = AdaptivePlanner()


@pytest.mark.parametrize(
    ("task", "calls"),
    [
        ("Analyze the code", 3),
        ("List all files", 5),
        ("Edit the file", 4),
        ("Create a new file", 5),
        ("Refactor the codebase", 7),
        ("Debug the issue", 6),
        ("something else", 3),
        ("", 3),
        ("Edit all Python files", 6),
    ],
)
def test_estimate_is_that_of_the_oracle(task: str, calls: int) -> None:
    assert PLANNER.estimate_steps(task) == calls


@pytest.mark.parametrize(
    ("task", "calls"),
    [
        ("Install the package", 3),
        ("Fix the budget calculation", 4),
        ("Refactor the small parser", 7),
        ("Debug why the target list fails", 6),
        ("Fixing the tests", 4),
        ("He refactored it", 7),
    ],
)
def test_estimate_is_by_whole_words_and_the_first_verb(task: str, calls: int) -> None:
    assert PLANNER.estimate_steps(task) == calls


@pytest.mark.parametrize(
    ("task", "skill"),
    [
        ("Polish the readme", "writer"),
        ("Find every occurrence", "grep"),
        ("Run the tests", "runner"),
        ("Show the branch", "git"),
        ("Copy the folder", "file_ops"),
        ("Think", None),
        ("Finding Nemo", None),
    ],
)
def test_skill_is_suggested_by_whole_words(task: str, skill: str | None) -> None:
    assert PLANNER.suggest_skill(task) == skill


def test_limit_grows_with_progress_up_to_a_maximum() -> None:
    limits = [3]
    while (longer := PLANNER.extended("Edit the file", limits[-1])) != limits[-1]:
        limits.append(longer)
    assert limits == [3, 7, 11, 15, 19, 23, MAX_CALLS]
    assert PLANNER.extended("Edit the file", 100) == 100
    with pytest.raises(ConfigurationError):
        PLANNER.extended("Edit the file", 0)
