"""`omni launch`."""

from enum import StrEnum
from typing import Annotated

from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from typer import Argument, Option

from omni_pipelines.cli.command import Fields, command
from omni_pipelines.cli.dagster_jobs import run_job
from omni_pipelines.cli.dependencies import ExistingHome
from omni_pipelines.cli.dev_server.server import HOST, LOCATION, served_port
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.text import line
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home


class Job(StrEnum):
    """The jobs of the code location."""

    INGEST = "ingest_job"
    INDEX = "index_job"
    REFRESH = "refresh_job"
    QUALITY = "quality_job"


@command(line("{job} {state}: run {run_id}"), around=showing_progress)
def launch(
    home: ExistingHome,
    job: Annotated[Job, Argument(help="The job to run.")],
    queue: Annotated[bool, Option("--queue", help="Let a running `omni dev` run it.")] = False,
) -> Fields:
    """Run a Dagster job in this process, or in a running `omni dev`."""
    run_id = _queue(home, job) if queue else run_job(home, job).run_id
    return {"job": job, "run_id": run_id, "state": "queued" if queue else "done"}


def _queue(home: Home, job: Job) -> str:
    """Queue a job in the `omni dev` that serves this home; the id of the run."""
    port = served_port(home)
    if port is None:
        cure = "run: omni dev, or launch the job without --queue"
        raise ConfigurationError(f"no `omni dev` serves {home.root}", cure=cure)
    client = DagsterGraphQLClient(HOST, port_number=port, timeout=60)
    try:
        return client.submit_job_execution(str(job), LOCATION, "__repository__")
    except DagsterGraphQLClientError as error:
        raise ConfigurationError(f"job {job} was not queued: {error}", cure="see the page of omni dev") from error
