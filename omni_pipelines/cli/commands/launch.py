"""`omni launch`."""

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from typer import Argument, Option

from omni_pipelines.cli.command import Fields, command
from omni_pipelines.cli.dagster_jobs import run_job
from omni_pipelines.cli.dependencies import ExistingHome
from omni_pipelines.cli.dev_server.server import LOCATION, served_port
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.run_configuration import run_configuration, run_tags
from omni_pipelines.cli.text import line
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from resources.served_page import HOST

_POLL_SECONDS = 1.0
_ENDS = {"SUCCESS": "done", "FAILURE": "failed", "CANCELED": "cancelled"}


class Job(StrEnum):
    """The jobs of the code location."""

    INGEST = "ingest_job"
    INDEX = "index_job"
    REFRESH = "refresh_job"
    QUALITY = "quality_job"
    MAINTENANCE = "maintenance_job"


ConfigOption = Annotated[
    list[str] | None,
    Option(
        "--config",
        metavar="FILE|KEY=VALUE",
        help="Options of the run: documents.allow_delete=true, or a YAML file. Repeatable.",
    ),
]


@command(line("{job} {state}: run {run_id}"), around=showing_progress)
def launch(
    home: ExistingHome,
    job: Annotated[Job, Argument(help="The job to run.")],
    queue: Annotated[bool, Option("--queue", help="Let a running `omni dev` run it.")] = False,
    wait: Annotated[
        bool, Option("--wait", help="With --queue: wait until the run ends; the exit code is 1 if it fails.")
    ] = False,
    config: ConfigOption = None,
    tag: Annotated[list[str] | None, Option(metavar="NAME=VALUE", help="A tag of the run. Repeatable.")] = None,
) -> Fields:
    """Run a Dagster job in this process, or in a running `omni dev`."""
    configuration, tags = run_configuration(config or []), run_tags(tag or [])
    if not queue:
        return {"job": job, "run_id": run_job(home, job, configuration, tags=tags).run_id, "state": "done"}
    client = _client(home)
    run_id = _queue(client, job, configuration, tags)
    state = _wait(client, job, run_id) if wait else "queued"
    return {"job": job, "run_id": run_id, "state": state}


def _client(home: Home) -> DagsterGraphQLClient:
    port = served_port(home)
    if port is None:
        cure = "run: omni dev, or launch the job without --queue"
        raise ConfigurationError(f"no `omni dev` serves {home.root}", cure=cure)
    return DagsterGraphQLClient(HOST, port_number=port, timeout=60)


def _queue(client: DagsterGraphQLClient, job: Job, config: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Queue a job; the id of the run."""
    try:
        return client.submit_job_execution(str(job), LOCATION, "__repository__", config, dict(tags))
    except DagsterGraphQLClientError as error:
        raise ConfigurationError(
            f"job {job} was not queued: {_cause(error)}", cure="see the Dagster UI of omni dev"
        ) from error


def _cause(error: DagsterGraphQLClientError) -> BaseException:
    """What went wrong: where the request itself failed, the error of the client repeats the whole query."""
    return error.__cause__ or error


def _wait(client: DagsterGraphQLClient, job: Job, run_id: str) -> str:
    """Wait for the end of a run, and name each of its states.

    Raises:
        OmniError: it failed, or was cancelled, or the server stopped to answer.
    """
    shown = ""
    while True:
        try:
            status = client.get_run_status(run_id).value
        except DagsterGraphQLClientError as error:
            message = f"cannot tell how {job} ends: omni dev does not answer: {_cause(error)}"
            raise OmniError(
                message, cure=f"the run goes on where it was queued; see: omni runs show {run_id[:8]}"
            ) from error
        if status != shown:
            narrate(f"{job} {run_id[:8]}: {status.lower()}")
            shown = status
        if status == "SUCCESS":
            return _ENDS[status]
        if status in _ENDS:
            raise OmniError(f"{job} {_ENDS[status]}: run {run_id[:8]}", cure=f"see: omni runs logs {run_id[:8]}")
        time.sleep(_POLL_SECONDS)
