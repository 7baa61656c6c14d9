"""Dagster jobs that the command line runs in its own process.

They are recorded in the Dagster instance of the home, which the web page shows.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from omni_pipelines.cli.output import narrate
from omni_pipelines.definitions import defs
from omni_pipelines.errors import ConfigurationError, OmniError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.gate_results import gate_failed
from omni_pipelines.sources.session import SourceSession
from resources.instance import open_instance
from resources.knowledge import KnowledgeHome
from resources.runs import fail_orphaned_runs, tags_of_this_process, terminable

Metadata = Mapping[str, Mapping[str, Any]]
"""Asset → the metadata of its materialization, as plain values."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that succeeded."""

    run_id: str
    metadata: Metadata


def run_job(
    home: Home,
    name: str,
    config: Mapping[str, object] | None = None,
    session: SourceSession | None = None,
    lock_seconds: float | None = None,
) -> FinishedRun:
    """Run a job in this process, with the sources as the session sees them. A person can terminate it from the page.

    `lock_seconds` is the maximum time to wait for another writer, if not that of the settings.

    Raises:
        ConfigurationError: there is no such job.
        KeyboardInterrupt: after Ctrl+C, or when a person terminated the run from the page. What the steps
            committed is kept, and the next run goes on from there.
        OmniError: a step raised it, or a blocking check failed.
    """
    job = _job(name)
    with open_instance(home) as instance:
        for run_id in fail_orphaned_runs(instance):
            narrate(f"note: run {run_id[:8]} died; the work it had finished is kept")
        run_id = str(uuid.uuid4())
        resources = {
            **(defs.resources or {}),
            "knowledge": KnowledgeHome(path=str(home.root), lock_seconds=lock_seconds),
            "session": session or SourceSession(),
        }
        with terminable(instance, run_id) as terminated:
            try:
                result = job.execute_in_process(
                    run_config={**(config or {}), "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                    instance=instance,
                    run_id=run_id,
                    tags=tags_of_this_process(),
                    resources=resources,
                )
            except dg.DagsterError as error:
                failed = _failed_check(instance, run_id)
                if failed is None:
                    raise
                raise failed from error
            except dg.DagsterExecutionInterruptedError as error:  # Dagster's form of Ctrl+C
                if terminated.is_set():
                    narrate(f"run {run_id[:8]} was terminated from the page")
                raise KeyboardInterrupt from error
        return FinishedRun(result.run_id, _metadata(result))


def _job(name: str) -> dg.JobDefinition:
    names = [job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    if name not in names:
        raise ConfigurationError(f"there is no job {name!r}", cure=nearest(name, names, f"jobs: {', '.join(names)}"))
    return defs.resolve_job_def(name)


def _failed_check(instance: dg.DagsterInstance, run_id: str) -> OmniError | None:
    """The error of the check that stopped a run, if one did. Dagster's own error has no description of it."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = entry.get_dagster_event().asset_check_evaluation_data
        if check.severity == dg.AssetCheckSeverity.WARN:
            continue
        if not check.passed and check.check_name == "gate":
            return gate_failed(str(check.description))
        if not check.passed:
            return OmniError(
                f"check {check.check_name} of {check.asset_key.to_user_string()} failed: {check.description}",
                cure="nothing was published; see the run in: omni dev",
            )
    return None


def _metadata(result: dg.ExecuteInProcessResult) -> Metadata:
    metadata = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        asset = materialization.asset_key.to_user_string()
        metadata[asset] = {name: value.value for name, value in materialization.metadata.items()}
    return metadata
