"""The tools for Dagster on a real home: they run `omni` in a process of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from omni_pipelines.agent_tools.dagster import DagsterTools
from omni_pipelines.home import Home
from omni_pipelines.permissions.commands import FinishedCommand
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.catalog import ToolCatalog
from resources.run_history import RunSummary


class Processes:
    """Notes the commands, and ends each as the test says."""

    def __init__(self, finished: FinishedCommand) -> None:
        self.finished, self.words = finished, list[str]()

    def run(self, words: list[str], *_: object) -> FinishedCommand:
        self.words = words
        return self.finished


def called(home: Home, finished: FinishedCommand, job: str = "refresh_job") -> tuple[ToolResponse, list[str]]:
    catalog, processes = ToolCatalog(), Processes(finished)
    tools = DagsterTools(home, processes.run)
    catalog.add(tools.launch, tools.status)
    return catalog.call("dagster.launch", {"job": job}), processes.words


def test_launch_runs_omni_and_returns_the_run(home: Home) -> None:
    printed = '{"job": "refresh_job", "run_id": "r1", "state": "done", "schema_version": 1}'
    response, words = called(home, FinishedCommand(0, printed, ""))
    assert response.unwrap() == {"job": "refresh_job", "run_id": "r1", "state": "done"}
    assert words[1:] == ["-m", "omni_pipelines.cli.main", "launch", "refresh_job", "--json"]


@pytest.mark.parametrize(
    ("finished", "code", "told"),
    [
        (FinishedCommand(2, "", "omni: there is nothing to ingest"), "3002", "there is nothing to ingest"),
        (FinishedCommand(-9, "", "", timed_out=True), "3003", "did not finish"),
        (FinishedCommand(1, "", ""), "3002", "it said nothing"),
    ],
)
def test_launch_that_fails_says_why(home: Home, finished: FinishedCommand, code: str, told: str) -> None:
    response, _ = called(home, finished)
    assert (response.error_code, told in str(response.error_message)) == (code, True)


def test_unknown_job_is_refused_before_anything_starts(home: Home) -> None:
    response, words = called(home, FinishedCommand(0, "{}", ""), job="x; rm -rf .")
    assert (response.error_code, words) == ("1001", [])


def test_last_runs_are_those_that_omni_runs_lists(home: Home) -> None:
    run = RunSummary(
        "r1", "refresh_job", "success", "page", datetime(2026, 1, 1, tzinfo=UTC), 2.5, 7, {"reason": "x"}
    )
    catalog, processes = ToolCatalog(), Processes(FinishedCommand(0, orjson.dumps({"runs": [run]}).decode(), ""))
    catalog.add(DagsterTools(home, processes.run).status)
    (found,) = catalog.call("dagster.status", {"count": 3}).unwrap()
    assert (found["run_id"], found["status"], found["seconds"], found["release"]) == ("r1", "success", 2.5, 7)
    assert processes.words[3:] == ["runs", "list", "--limit", "3", "--json"]
