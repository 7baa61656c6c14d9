"""`omni db index`: the indexes of the tables."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Result, Rows, command
from omni_pipelines.cli.commands.db import publishing_session
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import line, table
from omni_pipelines.cli.views import tables as views
from omni_pipelines.errors import OmniError
from omni_pipelines.operations import maintenance
from omni_pipelines.operations.advised_maintenance import do_advised_maintenance
from omni_pipelines.operations.index_job_records import JobRecord, JobState
from omni_pipelines.operations.index_jobs import IndexJob, create_index_background, index_jobs


class IndexedTable(StrEnum):
    """The tables that have an index."""

    EMBEDDINGS = "embeddings"
    CHUNKS = "chunks"


class VectorIndexType(StrEnum):
    """The types of vector index."""

    IVF_SQ = "ivf_sq"
    IVF_FLAT = "ivf_flat"
    IVF_RQ = "ivf_rq"
    IVF_PQ = "ivf_pq"
    IVF_HNSW_SQ = "ivf_hnsw_sq"


TableArgument = Annotated[
    IndexedTable, Argument(help="embeddings for the vector index, chunks for the keyword index.")
]
TypeOption = Annotated[
    VectorIndexType | None,
    Option(
        "--type", case_sensitive=False, help="Type of the vector index, also for later builds. Default: as before."
    ),
]
FollowOption = Annotated[
    str | None,
    Option(metavar="JOB", help="Print the events of this job as JSON lines until it ends, instead of the list."),
]


@command(line("{id}  {table}  {state}"))
def create(
    home: ExistingHome,
    table: TableArgument = IndexedTable.EMBEDDINGS,
    background: Annotated[bool, Option("--background", help="Return at once; see: omni db index jobs.")] = False,
    kind: TypeOption = None,
) -> Result[JobRecord]:
    """Build the index of a table, here or in the background."""
    job = create_index_background(home, table, kind or "")
    if not background:
        job.wait()
    record = job.record
    if record.state not in (JobState.FAILED, JobState.CANCELLED):
        return Result(record)
    message = f"job {record.id} {record.state}: {record.error or 'it was cancelled'}"
    return Result(record, error=OmniError(message, cure="start it again: omni db index create"))


@command(
    table(
        "id",
        "created_at",
        "table",
        "state",
        "progress",
        "waits_for",
        "error",
        empty="no job was started yet; run: omni db index create --background",
    )
)
def jobs(
    home: ExistingHome,
    cancel: Annotated[str | None, Option(metavar="JOB", help="Cancel this job first.")] = None,
    wait: Annotated[str | None, Option(metavar="JOB", help="Wait for the end of this job first.")] = None,
    follow: FollowOption = None,
) -> Rows[JobRecord] | None:
    """List the background jobs, newest first."""
    if cancel:
        IndexJob(home, cancel).cancel()
    if wait:
        IndexJob(home, wait).wait()
    if follow:
        for event in IndexJob(home, follow).events(None):
            say(event.model_dump_json())
            sys.stdout.flush()
        return None
    return Rows("jobs", [job.record for job in index_jobs(home)])


@command(line("{indexed:,} of {rows:,} vectors indexed, {deltas} parts"))
def optimize(
    home: ExistingHome,
    settings: HomeSettings,
    retrain: Annotated[bool, Option("--retrain", help="Train the index again, from all vectors.")] = False,
) -> Fields:
    """Bring the vector index up to date with its table."""
    with publishing_session(home, settings):
        coverage = maintenance.optimize_vectors(home, retrain=retrain)
    return {"rows": coverage.rows, "indexed": coverage.indexed, "deltas": coverage.deltas}


@command(views.show_applied_advice)
def auto(home: ExistingHome, settings: HomeSettings) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Do the maintenance that omni db health advises."""
    with publishing_session(home, settings):
        return {"done": do_advised_maintenance(home)}
