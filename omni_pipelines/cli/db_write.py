"""The commands of `omni db` that write: they hold the writer's lock, and what they change the next release shows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.home import Home

index = typer.Typer(help="Indexes: build, tend, and what is at work.", no_args_is_help=True, rich_markup_mode=None)
TableArgument = Annotated[str, typer.Argument(help="documents, chunks, embeddings or quarantine.")]
IndexedArgument = Annotated[str, typer.Argument(help="embeddings (vectors) or chunks (keywords).")]
RUN = "omni db"


def add_to(app: typer.Typer) -> None:
    """Put the commands under `omni db`."""
    app.command()(compact)
    app.command("add-columns")(add_columns)
    app.command("alter-columns")(alter_columns)
    app.command("drop-columns")(drop_columns)
    app.command()(migrate)
    app.command()(checkout)
    app.command()(restore)
    app.add_typer(index, name="index")


def compact(
    table: Annotated[Optional[str], typer.Argument(help="One table; default: all.")] = None,  # noqa: UP045
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Merge small fragments and delete what no release needs."""
    from dataclasses import asdict

    from omni_pipelines.operations.inspection import known_table, listed
    from omni_pipelines.operations.maintenance import compact as merge

    done: dict[str, Any] = {}
    with _writing(home) as place:
        names = [table] if table else [each["name"] for each in listed(place) if each["exists"]]
        for name in names:
            known_table(name)
            done[name] = asdict(merge(place, known_table(name)))
    if json:
        say_json({"tables": done})
        return
    for name, each in done.items():
        fragments = f"{each['fragments_before']} to {each['fragments_after']} fragments"
        say(f"{name}: {fragments}, {each['bytes_before']:,} to {each['bytes_after']:,} bytes")


def add_columns(
    table: TableArgument,
    columns_json: Annotated[
        str, typer.Option("--columns-json", help='[{"name": "owner", "data_type": "Utf8", "nullable": true}]')
    ],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Add columns of your own to a table."""
    from omni_pipelines.operations import user_columns as columns

    new = columns.parsed(columns_json, columns.NewColumn)
    _change(home, table, json, lambda place: columns.add_columns(place, table, new))


def alter_columns(
    table: TableArgument,
    alterations_json: Annotated[
        str, typer.Option("--alterations-json", help='[{"path": "owner", "rename": "team", "data_type": "Utf8"}]')
    ],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Rename or retype columns of your own."""
    from omni_pipelines.operations import user_columns as columns

    changes = columns.parsed(alterations_json, columns.Alteration)
    _change(home, table, json, lambda place: columns.alter_columns(place, table, changes))


def drop_columns(
    table: TableArgument,
    column: Annotated[list[str], typer.Option("--column", "-c", help="A column of your own. Repeatable.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Drop columns of your own."""
    from omni_pipelines.operations import user_columns as columns

    _change(home, table, json, lambda place: columns.drop_columns(place, table, column))


def migrate(
    table: Annotated[Optional[str], typer.Argument(help="One table; default: all.")] = None,  # noqa: UP045
    force: Annotated[bool, typer.Option("--force", help="Do it; without, only say what would be done.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Rewrite tables that are in an older format or have other codecs than the settings say."""
    from omni_pipelines.operations.inspection import known_table, listed
    from omni_pipelines.operations.maintenance import migrate as rewrite
    from omni_pipelines.operations.maintenance import migration

    with _writing(home) as place:
        names = [table] if table else [each["name"] for each in listed(place) if each["exists"]]
        work = rewrite if force else migration
        plans = {name: list(work(place, known_table(name)).pending) for name in names}
    if json:
        say_json({"applied" if force else "pending": plans})
        return
    for name, pending in plans.items():
        say(f"{name}: {'; '.join(pending) or 'as it should be'}")
    if any(plans.values()) and not force:
        narrate("nothing was changed; do it with: omni db migrate --force")


def checkout(
    table: TableArgument,
    version: Annotated[int, typer.Argument(help="A version of `omni db versions`.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Look at a table as it was. Nothing is changed."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import opened

    dataset = opened(find_home(home), table).open(version)
    found = {"table": table, "version_id": version, "num_rows": dataset.count_rows(), "columns": dataset.schema.names}
    if json:
        say_json(found)
    else:
        say(f"{table} at version {version}: {found['num_rows']:,} rows; write them out: omni db export --version")


def restore(
    table: TableArgument,
    version: Annotated[int, typer.Argument(help="A version of `omni db versions`.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make an old version of a table the newest again. The next ingest compares it with the sources."""
    from omni_pipelines.operations.user_columns import restore as bring_back

    _change(home, table, json, lambda place: bring_back(place, table, version))
    narrate("no release shows it yet; the next is made by: omni ingest")


@index.command()
def create(
    table: IndexedArgument = "embeddings",
    background: Annotated[
        bool, typer.Option("--background", help="Return at once; see: omni db index jobs.")
    ] = False,
    kind: Annotated[
        str,
        typer.Option("--type", help="Of vectors: ivf_sq, ivf_flat, ivf_rq, ivf_pq or ivf_hnsw_sq. It stays that."),
    ] = "",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Build the index of a table, here or in the background."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.errors import OmniError
    from omni_pipelines.operations.index_job_records import JobState
    from omni_pipelines.operations.index_jobs import create_index_background

    job = create_index_background(find_home(home), table, kind.lower())
    if not background:
        job.wait()
    record = job.record
    if json:
        say_json(record.model_dump(mode="json"))
    else:
        say(f"{record.id}  {record.table}  {record.state}")
    if record.state in (JobState.FAILED, JobState.CANCELLED):
        raise OmniError(
            f"job {record.id} {record.state}: {record.error or 'it was cancelled'}", cure="start it again"
        )


@index.command()
def jobs(
    cancel: Annotated[Optional[str], typer.Option("--cancel", help="Stop this job first.")] = None,  # noqa: UP045
    wait: Annotated[Optional[str], typer.Option("--wait", help="Wait for this job first.")] = None,  # noqa: UP045
    follow: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--follow", help="Instead of the list: the events of this job as JSON lines, until it is over."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List the background jobs, newest first."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.index_jobs import IndexJob, index_jobs

    place = find_home(home)
    place.check()
    if cancel:
        IndexJob(place, cancel).cancel()
    if wait:
        IndexJob(place, wait).wait()
    if follow:
        for event in IndexJob(place, follow).events(None):
            say(event.model_dump_json())
            sys.stdout.flush()
        return
    records = [job.record for job in index_jobs(place)]
    if json:
        say_json({"jobs": [record.model_dump(mode="json") for record in records]})
        return
    for record in records:
        created = record.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        say(f"{record.id}  {created}  {record.table:<10}  {record.state:<9}  {record.progress:>4.0%}  {record.error}")


@index.command()
def optimize(
    retrain: Annotated[bool, typer.Option("--retrain", help="Train the vector index anew.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Bring the vector index up to date with its table."""
    from omni_pipelines.operations.maintenance import optimize_vectors

    with _writing(home) as place:
        coverage = optimize_vectors(place, retrain=retrain)
    if json:
        say_json({"rows": coverage.rows, "indexed": coverage.indexed, "deltas": coverage.deltas})
    else:
        say(f"{coverage.indexed:,} of {coverage.rows:,} vectors indexed, {coverage.deltas} parts")


@index.command()
def auto(home: HomeOption = None, json: JsonOption = False) -> None:
    """Do what `omni db health` advises, and nothing where it advises nothing."""
    from omni_pipelines.operations.inspection import health, known_table, listed
    from omni_pipelines.operations.maintenance import compact as merge
    from omni_pipelines.operations.maintenance import optimize_vectors

    done: dict[str, list[str]] = {}
    with _writing(home) as place:
        for name in [each["name"] for each in listed(place) if each["exists"]]:
            done[name] = [each for each in health(place, name).recommendations if each != "none"]
            if "run_compaction" in done[name]:
                merge(place, known_table(name))
            if {"create_indices", "rebuild_indices"} & set(done[name]):
                optimize_vectors(place, retrain="rebuild_indices" in done[name])
    if json:
        say_json({"done": done})
        return
    for name, steps in done.items():
        say(f"{name}: {', '.join(steps) or 'nothing to do'}")


@contextmanager
def _writing(home: Path | None) -> Iterator[Home]:
    """The home under the writer's lock; what was changed is published at the end, if the line is whole."""
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.operations.maintenance import publish_if_consistent
    from omni_pipelines.pipeline.writer_session import writer_session

    place = find_home(home)
    place.check()
    settings = load_settings(place)
    with writer_session(place, settings, sync=True):
        yield place
        published = publish_if_consistent(place, settings, RUN)
    if published is not None and published.new:
        narrate(f"release {published.release.release} shows it")


def _change(home: Path | None, table: str, json: bool, work: Callable[[Home], None]) -> None:
    with _writing(home) as place:
        work(place)
    if json:
        say_json({"table": table, "ok": True})
    else:
        say(f"{table}: done")
