"""`omni sql`: one SELECT over a release, and over everything that was asked and measured."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption, ReaderOption, reader_of
from omni_pipelines.cli.output import narrate, say, say_json
from omni_pipelines.cli.query import AsOfOption, ReleaseOption, release_number

if TYPE_CHECKING:
    from native.duckdb_sql import QueryResult

WIDEST = 60
"""Characters of a cell that are shown in aligned text."""


def sql(
    statement: Annotated[
        str | None, typer.Argument(help="One SELECT. Without it, the tables and columns are listed.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows that are given.")] = 1_000,
    seconds: Annotated[float, typer.Option("--timeout", min=0.1, help="Stop it after so many seconds.")] = 30.0,
    release: ReleaseOption = None,
    as_of: AsOfOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write comma-separated values, with a line of names.")] = False,
) -> None:
    """Ask in SQL: documents, chunks, releases, gates, questions. Nothing can be changed by it."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.knowledge.sql import run_sql

    if json and csv:
        raise ConfigurationError("--json and --csv are two ways to write the same", cure="give one of them")
    if statement is None:
        _say_columns(json=json)
        return
    place = home_to_read(home)
    number = release_number(place, release, as_of)
    asked = reader_of(reader)
    pinned, found = run_sql(place, statement, number, most=limit, seconds=seconds, viewer=asked)
    names = _unique(found.columns)
    if json:
        rows = [dict(zip(names, (_plain(value) for value in row), strict=True)) for row in found.rows]
        columns = [{"name": name, "type": kind} for name, kind in zip(names, found.types, strict=True)]
        say_json({"release": pinned.release, "columns": columns, "rows": rows, "more": found.more})
    elif csv:
        _say_csv(names, found)
    else:
        _say_table(names, found)
    if found.more:
        narrate(f"the first {limit:,} rows; more with --limit")


def _say_columns(*, json: bool) -> None:
    from dataclasses import asdict

    from omni_pipelines.knowledge.sql import columns

    found = columns()
    if json:
        say_json({"columns": [asdict(each) for each in found]})
        return
    for number, each in enumerate(found):
        if number == 0 or found[number - 1].table != each.table:
            say(each.table)
        say(f"  {each.name:<20} {each.type:<22} {each.says}")


def _unique(names: tuple[str, ...]) -> list[str]:
    """The names of the columns, each once, so that a row can be an object."""
    found: list[str] = []
    for name in names:
        number, given = 1, name
        while given in found:
            number += 1
            given = f"{name}_{number}"
        found.append(given)
    return found


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return float(value) if isinstance(value, Decimal) else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _say_csv(names: list[str], found: QueryResult) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(value) for value in row] for row in found.rows)


def _say_table(names: list[str], found: QueryResult) -> None:
    cells = [[_cell(value) for value in row] for row in found.rows]
    numbers = [all(isinstance(row[at], int | float | None) for row in found.rows) for at in range(len(names))]
    widths = [max(len(row[at]) for row in [names, *cells]) for at in range(len(names))]
    for row in [names, ["-" * width for width in widths], *cells]:
        aligned = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ]
        say("  ".join(aligned).rstrip())


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else _text(value)
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
