"""The tools for Dagster: they run `omni` as a process of its own, so that no agent loads Dagster."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, Field

from omni_pipelines.configuration import child_environment
from omni_pipelines.errors import ToolExecutionError, ToolTimeout
from omni_pipelines.home import Home
from omni_pipelines.permissions.commands import CommandLimits, FinishedCommand, run_command
from omni_pipelines.tools.signature import tool

LAUNCH_SECONDS, STATUS_SECONDS = 3_600.0, 60.0
Job = Literal["ingest_job", "index_job", "refresh_job", "quality_job", "maintenance_job"]


class LaunchedRun(BaseModel, frozen=True):
    """A run that was launched."""

    job: str
    run_id: str
    state: str


class RecentRun(BaseModel, frozen=True):
    """A run of the instance."""

    run_id: str
    job: str
    status: str
    created_at: datetime
    seconds: float | None
    """How long it ran; None before it started."""
    release: int | None
    """The release that it published."""


class DagsterTools:
    """The tools for the Dagster instance of one home. `run` starts the processes; tests replace it."""

    def __init__(self, home: Home, run: Callable[..., FinishedCommand] = run_command) -> None:
        self._home, self._start = home, run

    @tool("dagster.launch", title="Launch a job", category="dagster", open_world=True)
    def launch(self, job: Job) -> LaunchedRun:
        """Run a Dagster job and wait for its end.

        Args:
            job: refresh_job reads what changed and publishes a release, quality_job measures.
        """
        words = [sys.executable, "-m", "omni_pipelines.cli.main", "launch", job, "--json"]
        return LaunchedRun.model_validate(self._run("dagster.launch", words, LAUNCH_SECONDS))

    @tool("dagster.status", title="Last runs", category="dagster", read_only=True)
    def status(self, count: Annotated[int, Field(ge=1, le=50)] = 5) -> list[RecentRun]:
        """List the last Dagster runs, newest first.

        Args:
            count: How many.
        """
        words = [sys.executable, "-m", "omni_pipelines.cli.main", "runs", "list", "--limit", str(count), "--json"]
        runs = self._run("dagster.status", words, STATUS_SECONDS)["runs"]
        return [RecentRun.model_validate(run) for run in runs]

    def _run(self, name: str, words: list[str], seconds: float) -> dict[str, list[dict[str, object]]]:
        limits = CommandLimits(seconds=seconds)
        finished = self._start(words, self._home.root.parent, child_environment(self._home), limits)
        if finished.timed_out:
            raise ToolTimeout(name, seconds)
        try:
            document = orjson.loads(finished.output)
        except orjson.JSONDecodeError:
            document = {}
        if finished.exit_code != 0:
            problem = document.get("error", {})
            message = problem.get("message") or finished.errors.strip()[-500:] or "it said nothing"
            raise ToolExecutionError(name, message, finished.exit_code, cure=problem.get("cure", ""))
        result: dict[str, list[dict[str, object]]] = document
        return result
