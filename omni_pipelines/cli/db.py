"""`omni db`: the tables and indexes, looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli import db_write
from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.home import Home

app = typer.Typer(
    help="Tables and indexes: look at them, keep them well.", no_args_is_help=True, rich_markup_mode=None
)
db_write.add_to(app)

TableArgument = Annotated[str, typer.Argument(help="documents, chunks, embeddings or quarantine.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")]
MAX_CELL_LENGTH = 200
"""Characters of a text that is shown."""


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the tables."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import listed

    tables = listed(find_home(home))
    _show({"tables": tables}, tables, json)


@app.command()
def stats(
    table: Annotated[Optional[str], typer.Argument(help="One table; default: all.")] = None,  # noqa: UP045
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say what every column costs, in memory and on disk, and how it is stored."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import stored_columns

    place = find_home(home)
    names = _chosen(place, table)
    found = {name: stored_columns(place, name) for name in names}
    sums = {
        name: {"raw": sum(each["raw"] for each in columns), "stored": sum(each["stored"] for each in columns)}
        for name, columns in found.items()
    }
    if json:
        say_json({"tables": {name: {"columns": found[name], **sums[name]} for name in names}})
        return
    for name in names:
        raw, stored = sums[name]["raw"], sums[name]["stored"]
        say(f"{name}: {stored:,} of {raw:,} bytes ({stored / raw if raw else 1:.2f})")
        _table(found[name])


@app.command()
def count(table: TableArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Count the rows of a table."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import opened

    rows = opened(find_home(home), table).count()
    if json:
        say_json({"table": table, "count": rows})
    else:
        say(str(rows))


@app.command()
def query(
    text: Annotated[str, typer.Argument(help="What to look for.")],
    limit: LimitOption = 5,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Find passages, one a row."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.librarian import Librarian

    hits = Librarian.open(home_to_read(home)).search(text, limit)
    rows = [
        {
            "score": hit.score,
            "path": hit.path,
            "lines": f"{hit.start_line}-{hit.end_line}",
            "text": hit.text[:MAX_CELL_LENGTH],
        }
        for hit in hits
    ]
    _show({"query": text, "hits": rows}, rows, json)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="Words to look for.")],
    limit: LimitOption = 1,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Find chunks by their words, and show the whole rows."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.search.options import check_query
    from omni_pipelines.knowledge.state.snapshot import Snapshot

    check_query(text, limit, {})
    snapshot = Snapshot.open(home_to_read(home))
    scores = dict(snapshot.keyword.search(text, limit))
    rows = [{"score": round(scores[key], 4), **row} for key, row in snapshot.chunks(list(scores)).items()]
    if json:
        say_json({"query": text, "rows": rows})
        return
    for row in rows:
        _fields(row)
        say()


@app.command("table-info")
def table_info(table: TableArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Say what a table is: version, format, rows, columns."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import info

    found = info(find_home(home), table)
    if json:
        say_json({"table": table, **found})
        return
    columns = found.pop("columns")
    _fields(found)
    _table(columns)


@app.command()
def versions(
    table: TableArgument, limit: LimitOption = 20, home: HomeOption = None, json: JsonOption = False
) -> None:
    """List the versions of a table that are kept."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import versions as kept

    rows = kept(find_home(home), table, limit)
    _show({"table": table, "versions": rows}, rows, json)


@app.command()
def fragments(table: TableArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """List the fragments of a table."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import fragments as parts

    rows = parts(find_home(home), table)
    _show({"table": table, "fragments": rows}, rows, json)


@app.command()
def health(
    table: Annotated[Optional[str], typer.Argument(help="One table; default: all.")] = None,  # noqa: UP045
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether a table needs something: `none`, or what to run."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import health as state

    place = find_home(home)
    names = _chosen(place, table)
    found = {name: state(place, name) for name in names}
    if json:
        say_json({"tables": {name: asdict(each) for name, each in found.items()}})
        return
    for name, each in found.items():
        advice = ", ".join(each.recommendations)
        say(f"{name:<12} {each.row_count:>9,} rows  {each.fragment_count:>4} fragments  {advice}")


@app.command("validate-schema")
def validate_schema(
    table: Annotated[Optional[str], typer.Argument(help="One table; default: all.")] = None,  # noqa: UP045
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Compare the columns on disk with what they should be; exit code 1 where they differ."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import misfits

    place = find_home(home)
    names = _chosen(place, table)
    found = {name: misfits(place, name) for name in names}
    if json:
        say_json({"tables": found})
    for name, problems in found.items():
        for problem in problems if not json else []:
            say(f"{name}: {problem}")
    if any(found.values()):
        raise typer.Exit(1)


@app.command("index-stats")
def index_stats(table: TableArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Say what the indexes of a table hold, and what the keyword writer and the pool of tables did."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import index_stats as state

    found = state(find_home(home), table)
    if json:
        say_json({"table": table, **found})
        return
    _table(found["indices"])
    for name in ("keyword", "pool"):
        for key, value in found.get(name, {}).items():
            told = ", ".join(f"{part} {number:,}" for part, number in value.items()) if key == "writer" else value
            say(f"{name} {key}: {told}")


@app.command("query-metrics")
def query_metrics(home: HomeOption = None, json: JsonOption = False) -> None:
    """Say how many queries were answered, by all processes together, and how long they took."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import query_metrics as counted

    place = find_home(home)
    place.check()
    found = counted(place)
    if json:
        say_json(found)
    else:
        _fields(found)


@app.command("partition-suggest")
def partition_suggest(table: TableArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Name a column to part a large table by, if one is worth it."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.inspection import partition_column

    column = partition_column(find_home(home), table)
    if json:
        say_json({"table": table, "column": column})
    else:
        say(column or "none")


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT; every table is there under its name.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows that are given.")] = 1_000,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the tables in SQL. It reads only, and reaches nothing else."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.knowledge.sql import ask_tables
    from omni_pipelines.operations.inspection import opened
    from omni_pipelines.schemas import TABLES

    place = find_home(home)
    without_vectors = {
        name: opened(place, name).scanner([each for each in TABLES[name].schema.names if each != "vector"])
        for name in _chosen(place, None)
    }
    asked = ask_tables(statement, without_vectors, most=limit)
    found = [dict(zip(asked.columns, row, strict=True)) for row in asked.rows]
    _show({"columns": asked.columns, "rows": found, "more": asked.more}, found, json)
    if asked.more:
        narrate(f"the first {limit:,} rows; more with --limit")


@app.command()
def export(
    table: TableArgument,
    target: Annotated[Path, typer.Argument(help="A .parquet or .jsonl file that is not there yet.")],
    version: Annotated[Optional[int], typer.Option("--version", help="A kept version; default: the head.")] = None,  # noqa: UP045
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write a table to a file that other tools read."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.operations.user_columns import export as write

    rows = write(find_home(home), table, target, version)
    if json:
        say_json({"table": table, "file": str(target), "rows": rows})
    else:
        say(f"{rows:,} rows in {target}")


def _show(document: dict[str, Any], rows: Sequence[dict[str, Any]], json: bool) -> None:
    if json:
        say_json(document)
    else:
        _table(rows)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """Rows of equal keys, in columns."""
    if not rows:
        return
    texts = [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(list(rows[0]), *texts, strict=True)]
    for line in (list(rows[0]), *texts):
        say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _fields(row: dict[str, Any]) -> None:
    for name, value in row.items():
        say(f"{name}: {_cell(value)}")


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return " ".join(text.split())[:MAX_CELL_LENGTH]


def _chosen(home: Home, table: str | None) -> list[str]:
    """The table that was named, or every one that is there."""
    from omni_pipelines.operations.inspection import listed

    return [table] if table else [each["name"] for each in listed(home) if each["exists"]]
