"""Dagster jobs run from the command line: in this process, recorded in the instance that `omni dev` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omni_pipelines.cli.output import narrate
from omni_pipelines.errors import ConfigurationError, OmniError, nearest

if TYPE_CHECKING:
    import dagster as dg

    from omni_pipelines.home import Home
    from omni_pipelines.sources.session import SourceSession


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    run_id: str
    metadata: dict[str, dict[str, Any]]
    """Asset to what its materialization says, as plain values."""


def run_job(
    home: Home, name: str, config: Mapping[str, Any] | None = None, session: SourceSession | None = None
) -> Outcome:
    """Run a job here and now.

    Raises:
        ConfigurationError: no such job.
        OmniError: a step failed with one of ours, or a blocking check did not pass.
    """
    import uuid

    import dagster as dg

    from omni_pipelines.definitions import defs
    from omni_pipelines.sources.session import SourceSession
    from resources.instance import open_instance
    from resources.knowledge import KnowledgeHome
    from resources.runs import fail_orphaned_runs, tags_of_this_process

    job = _job(defs, name)
    with open_instance(home) as instance:
        for run_id in fail_orphaned_runs(instance):
            narrate(f"note: run {run_id[:8]} had died; what it had finished is kept")
        run_id = str(uuid.uuid4())
        try:
            result = job.execute_in_process(
                run_config={**(config or {}), "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                instance=instance,
                run_id=run_id,
                tags=tags_of_this_process(),
                resources={
                    **_resources(defs),
                    "knowledge": KnowledgeHome(path=str(home.root)),
                    "session": session or SourceSession(),
                },
            )
        except dg.DagsterError as error:
            failed = _failed_check(instance, run_id)
            if failed is None:
                raise
            raise failed from error
        return Outcome(result.run_id, _metadata(result))


def _job(defs: dg.Definitions, name: str) -> dg.JobDefinition:
    names = [job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    if name not in names:
        raise ConfigurationError(f"there is no job {name!r}", cure=nearest(name, names, f"jobs: {', '.join(names)}"))
    return defs.resolve_job_def(name)


def _resources(defs: dg.Definitions) -> dict[str, Any]:
    return dict(defs.resources or {})


def _failed_check(instance: dg.DagsterInstance, run_id: str) -> OmniError | None:
    """The check that stopped a run, if one did: Dagster's own error names it, but not what it found."""
    import dagster as dg

    from omni_pipelines.knowledge.quality.gate_results import gate_failed

    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        found = entry.get_dagster_event().asset_check_evaluation_data
        if not found.passed and found.check_name == "gate":
            return gate_failed(str(found.description))
        if not found.passed:
            return OmniError(
                f"check {found.check_name} of {found.asset_key.to_user_string()} failed: {found.description}",
                cure="nothing was published; see the run in: omni dev",
            )
    return None


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        asset = materialization.asset_key.to_user_string()
        found[asset] = {name: value.value for name, value in materialization.metadata.items()}
    return found


_LAUNCH = """
mutation($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default", runConfigData: {}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on PipelineNotFoundError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""


def queue_job(home: Home, name: str) -> str:
    """Hand a job to the `omni dev` that serves this home; the id of the queued run.

    Raises:
        ConfigurationError: none serves it, or there is no such job.
    """
    import urllib.request

    import orjson

    from omni_pipelines.cli.dev import HOST, LOCATION, served_port

    port = served_port(home)
    if port is None:
        raise ConfigurationError(f"no `omni dev` serves {home.root}", cure="start one, or launch without --queue")
    selector = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "pipelineName": name}
    body = orjson.dumps({"query": _LAUNCH, "variables": {"selector": selector}})
    request = urllib.request.Request(  # the address is our own
        f"http://{HOST}:{port}/graphql", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = orjson.loads(answer.read())["data"]["launchRun"]
    if found["__typename"] != "LaunchRunSuccess":
        raise ConfigurationError(f"job {name!r} was not taken: {found.get('message', found)}", cure="see: omni dev")
    return str(found["run"]["runId"])
