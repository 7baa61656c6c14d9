"""Dagster jobs that the command line runs in its own process.

They are recorded in the Dagster instance of the home, which the Dagster UI shows.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from omni_pipelines.cli.output import narrate
from omni_pipelines.definitions import defs
from omni_pipelines.errors import ConfigurationError, OmniError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.gate_results import gate_failed
from omni_pipelines.publishing.gate_checks import measure_of
from omni_pipelines.sources.session import SourceSession
from resources.instance import open_instance
from resources.knowledge import KnowledgeHome
from resources.runs import fail_orphaned_runs, tags_of_this_process, terminable

Metadata = Mapping[str, Mapping[str, Any]]
"""Asset → the metadata of its materialization, as plain values."""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The run configuration that keeps Dagster's log out of the terminal."""


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
    tags: Mapping[str, str] | None = None,
) -> FinishedRun:
    """Run a job in this process, with the sources as the session sees them. The Dagster UI can terminate it.

    `lock_seconds` is the maximum time to wait for another writer, if not that of the settings.

    Raises:
        ConfigurationError: there is no such job, or it does not take this configuration.
        KeyboardInterrupt: after Ctrl+C, or when a person terminated the run in the Dagster UI. What the steps
            committed is kept, and the next run goes on from there.
        OmniError: a step raised it, or a blocking check failed.
    """
    job = _job(name)
    with run_here(home) as (instance, run_id):
        try:
            result = job.execute_in_process(
                run_config={**(config or {}), **QUIET},
                instance=instance,
                run_id=run_id,
                tags={**(tags or {}), **tags_of_this_process()},
                resources=resources_of(home, session, lock_seconds),
            )
        except dg.DagsterInvalidConfigError as error:
            raise invalid_configuration(name, [each.message for each in error.errors]) from error
        except dg.DagsterError as error:
            failed = _failed_check(instance, run_id)
            if failed is None:
                raise
            raise failed from error
        return FinishedRun(result.run_id, _metadata(result))


@contextmanager
def run_here(home: Home) -> Iterator[tuple[dg.DagsterInstance, str]]:
    """Open the instance for one run in this process, which a person can terminate in the Dagster UI; with its id.

    Raises:
        KeyboardInterrupt: after Ctrl+C, or when a person terminated the run.
    """
    with open_instance(home) as instance:
        for run_id in fail_orphaned_runs(instance):
            narrate(f"note: run {run_id[:8]} died; the work it had finished is kept")
        run_id = str(uuid.uuid4())
        with terminable(instance, run_id) as terminated:
            try:
                yield instance, run_id
            except dg.DagsterExecutionInterruptedError as error:  # Dagster's form of Ctrl+C
                if terminated.is_set():
                    narrate(f"run {run_id[:8]} was terminated in the Dagster UI")
                raise KeyboardInterrupt from error


def resources_of(home: Home, session: SourceSession | None, lock_seconds: float | None) -> dict[str, Any]:
    """The resources of a run on this home."""
    return {
        **(defs.resources or {}),
        "knowledge": KnowledgeHome(path=str(home.root), lock_seconds=lock_seconds),
        "session": session or SourceSession(),
    }


def invalid_configuration(job: str, problems: list[str]) -> ConfigurationError:
    """The error of a job that does not take a run configuration."""
    return ConfigurationError(
        f"{job} does not take this configuration: {' '.join(problems)}",
        cure="the launchpad of the job in the Dagster UI shows what it takes",
    )


def _job(name: str) -> dg.JobDefinition:
    names = [job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    if name not in names:
        raise ConfigurationError(f"there is no job {name!r}", cure=nearest(name, names, f"jobs: {', '.join(names)}"))
    return defs.resolve_job_def(name)


def _failed_check(instance: dg.DagsterInstance, run_id: str) -> OmniError | None:
    """The error of the checks that stopped a run, if any did. Dagster's own error has no description of them."""
    failed = [
        check
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        for check in [entry.get_dagster_event().asset_check_evaluation_data]
        if not check.passed and check.severity != dg.AssetCheckSeverity.WARN
    ]
    if not failed:
        return None
    first = failed[0]
    asset = first.asset_key.to_user_string()
    if asset == "retrieval_quality":
        return gate_failed("; ".join(f"{measure_of(check.check_name)}: {check.description}" for check in failed))
    return OmniError(
        f"check {first.check_name} of {asset} failed: {first.description}",
        cure="nothing was published; see the run in: omni dev",
    )


def _metadata(result: dg.ExecuteInProcessResult) -> Metadata:
    metadata = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        asset = materialization.asset_key.to_user_string()
        metadata[asset] = {name: value.value for name, value in materialization.metadata.items()}
    return metadata
