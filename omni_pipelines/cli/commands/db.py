"""`omni db`: the tables, and what can be done to them.

Commands that write hold the writer's lock. What they change is in the next release.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Result, Rows, command
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.text import line, say_fields
from omni_pipelines.cli.views import tables as views
from omni_pipelines.home import Home
from omni_pipelines.operations import inspection, maintenance, user_columns
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.settings import Settings


class TableName(StrEnum):
    """The tables of a home."""

    DOCUMENTS = "documents"
    QUARANTINE = "quarantine"
    CHUNKS = "chunks"
    EMBEDDINGS = "embeddings"


TableArgument = Annotated[TableName, Argument(help="A table.")]
TablesArgument = Annotated[TableName | None, Argument(help="A table. Default: all.")]
LimitOption = Annotated[int, Option("--limit", "-n", min=1, help="How many versions at most.")]
NewColumnsOption = Annotated[
    str, Option(metavar="JSON", help='Such as [{"name": "owner", "data_type": "Utf8", "nullable": true}]')
]
AlterationsOption = Annotated[
    str, Option(metavar="JSON", help='Such as [{"path": "owner", "rename": "team", "data_type": "Utf8"}]')
]


@command(views.show_rows)
def list_(home: ExistingHome) -> Rows[Fields]:
    """List the tables."""
    return Rows("tables", inspection.list_tables(home))


@command(views.show_stats)
def stats(home: ExistingHome, table: TablesArgument = None) -> views.ByTable[views.StoredColumns]:
    """Show the codec and size of every column, in memory and on disk."""
    tables = {}
    for name in chosen_tables(home, table):
        columns = inspection.stored_columns(home, name)
        raw, stored = sum(column["raw"] for column in columns), sum(column["stored"] for column in columns)
        tables[name] = views.StoredColumns(columns, raw, stored)
    return views.ByTable(tables)


@command(line("{count}"))
def count(home: ExistingHome, table: TableArgument) -> Fields:
    """Count the rows of a table."""
    return {"table": table, "count": inspection.existing_table(home, table).count()}


@command(views.show_info)
def table_info(home: ExistingHome, table: TableArgument) -> Rows[Fields]:
    """Show the version, format, rows and columns of a table."""
    return Rows("columns", inspection.table_columns(home, table), table=table, **inspection.table_info(home, table))


@command(views.show_rows)
def versions(home: ExistingHome, table: TableArgument, limit: LimitOption = 20) -> Rows[Fields]:
    """List the kept versions of a table and their releases."""
    return Rows("versions", inspection.list_versions(home, table, limit), table=table)


@command(views.show_rows)
def fragments(home: ExistingHome, table: TableArgument) -> Rows[Fields]:
    """List the fragments of a table."""
    return Rows("fragments", inspection.list_fragments(home, table), table=table)


@command(views.show_health)
def health(home: ExistingHome, table: TablesArgument = None) -> views.ByTable[inspection.TableHealth]:
    """Show whether tables need maintenance, and which."""
    return views.ByTable({name: inspection.table_health(home, name) for name in chosen_tables(home, table)})


@command(views.show_misfits)
def validate_schema(home: ExistingHome, table: TablesArgument = None) -> Result[views.ByTable[Sequence[str]]]:
    """Compare the columns on disk with their definitions.

    The exit code is 1 if they differ.
    """
    differences = {name: inspection.schema_differences(home, name) for name in chosen_tables(home, table)}
    return Result(views.ByTable(differences), exit_code=1 if any(differences.values()) else 0)


@command(views.show_index_stats)
def index_stats(home: ExistingHome, table: TableArgument) -> Rows[Fields]:
    """Show figures of the indexes of a table, and of the pool of open tables."""
    counters = inspection.index_counters(home, table)
    return Rows("indices", inspection.list_indices(home, table), table=table, **counters)


@command(say_fields)
def query_metrics(home: ExistingHome) -> Fields:
    """Show how many queries were answered, and how long they took.

    The queries of all processes are counted together.
    """
    return inspection.query_metrics(home)


@command(line("{rows:row} in {file}"))
def export(
    home: ExistingHome,
    table: TableArgument,
    target: Annotated[Path, Argument(help="A .parquet or .jsonl file. It must not exist.")],
    version: Annotated[int | None, Option(help="A version from omni db versions. Default: the newest.")] = None,
) -> Fields:
    """Write a table to a file that other programs read."""
    return {"table": table, "file": target, "rows": user_columns.export(home, table, target, version)}


@command(views.show_compactions)
def compact(
    home: ExistingHome, settings: HomeSettings, table: TablesArgument = None
) -> views.ByTable[maintenance.Compaction]:
    """Merge small fragments, and delete versions that no release needs."""
    with publishing_session(home, settings):
        names = chosen_tables(home, table)
        return views.ByTable({name: maintenance.compact(home, inspection.known_table(name)) for name in names})


@command(line("{table}: done"))
def add_columns(
    home: ExistingHome, settings: HomeSettings, table: TableArgument, columns_json: NewColumnsOption
) -> Fields:
    """Add columns of your own to a table."""
    columns = user_columns.parse_json(columns_json, user_columns.NEW_COLUMNS)
    return _change(home, settings, table, lambda: user_columns.add_columns(home, table, columns))


@command(line("{table}: done"))
def alter_columns(
    home: ExistingHome, settings: HomeSettings, table: TableArgument, alterations_json: AlterationsOption
) -> Fields:
    """Rename columns of your own, or change their type."""
    alterations = user_columns.parse_json(alterations_json, user_columns.ALTERATIONS)
    return _change(home, settings, table, lambda: user_columns.alter_columns(home, table, alterations))


@command(line("{table}: done"))
def drop_columns(
    home: ExistingHome,
    settings: HomeSettings,
    table: TableArgument,
    column: Annotated[list[str], Option("--column", "-c", help="A column of your own. Repeatable.")],
) -> Fields:
    """Delete columns of your own."""
    return _change(home, settings, table, lambda: user_columns.drop_columns(home, table, column))


@command(views.show_migrations)
def migrate(
    home: ExistingHome,
    settings: HomeSettings,
    table: TablesArgument = None,
    force: Annotated[bool, Option("--force", help="Rewrite them. Without it, only show what would change.")] = False,
) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Rewrite tables whose format or codecs differ from the settings."""
    work = maintenance.migrate if force else maintenance.plan_migration
    with publishing_session(home, settings):
        names = chosen_tables(home, table)
        plans = {name: work(home, inspection.known_table(name)) for name in names}
    return {"applied" if force else "pending": plans}


@command(line("{table}: done"))
def restore(
    home: ExistingHome,
    settings: HomeSettings,
    table: TableArgument,
    version: Annotated[int, Argument(help="A version from omni db versions.")],
) -> Result[Fields]:
    """Make an old version of a table the newest again.

    The next omni ingest compares it with the sources.
    """
    changed = _change(home, settings, table, lambda: user_columns.restore(home, table, version))
    return Result(changed, note="no release shows it yet; to publish the next one, run: omni ingest")


def chosen_tables(home: Home, table: TableName | None) -> list[str]:
    """The table that was named, or every table that exists."""
    return [table.value] if table else [known["name"] for known in inspection.list_tables(home) if known["exists"]]


@contextmanager
def publishing_session(home: Home, settings: Settings) -> Iterator[None]:
    """Hold the writer's lock, and publish what was changed, unless a run is unfinished."""
    with writer_session(home, settings, sync=True):
        yield
        published = maintenance.publish_if_consistent(home, settings, "omni db")
    if published is not None and published.new:
        narrate(f"release {published.release.release} shows it")


def _change(home: Home, settings: Settings, table: TableName, change: Callable[[], None]) -> Fields:
    with publishing_session(home, settings):
        change()
    return {"table": table, "ok": True}
