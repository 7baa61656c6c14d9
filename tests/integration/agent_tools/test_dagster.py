"""The tools for Dagster on a real home: they run `omni` in a process of its own."""

from __future__ import annotations

import dagster as dg
import pytest

from omni_pipelines.agent_tools.dagster import DagsterTools
from omni_pipelines.home import Home
from omni_pipelines.tools.catalog import ToolCatalog
from resources.instance import open_instance
from resources.recent_runs import recent_runs


@pytest.fixture
def catalog(home: Home) -> ToolCatalog:
    catalog, tools = ToolCatalog(), DagsterTools(home)
    catalog.add(tools.launch, tools.status)
    return catalog


def test_launch_that_fails_says_why(catalog: ToolCatalog) -> None:
    response = catalog.call("dagster.launch", {"job": "refresh_job"})
    assert (response.error_code, "there is nothing to ingest" in str(response.error_message)) == ("3002", True)


def test_unknown_job_is_refused_before_anything_starts(catalog: ToolCatalog) -> None:
    assert catalog.call("dagster.launch", {"job": "x; rm -rf ."}).error_code == "1001"


def test_last_runs_are_listed_newest_first(home: Home) -> None:
    @dg.op
    def work() -> None:
        return

    @dg.job
    def first() -> None:
        work()

    @dg.job
    def second() -> None:
        work()

    with open_instance(home) as instance:
        for job in (first, second):
            job.execute_in_process(instance=instance)
    runs = recent_runs(home, 5)
    assert [(run["job"], run["status"]) for run in runs] == [("second", "success"), ("first", "success")]
    assert [len(recent_runs(home, 1)), runs[0]["started_at"] is not None] == [1, True]
