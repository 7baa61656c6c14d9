"""`omni sql`."""

from collections.abc import Sequence
from typing import Annotated

from typer import Argument, Option

from native.sql_process import SqlLimits
from omni_pipelines.cli.command import Result, Rows, command
from omni_pipelines.cli.formats import Format, FormatOption
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber, ViewerOrOwner
from omni_pipelines.cli.stdin import STDIN, read_stdin
from omni_pipelines.cli.views.sql import SqlResult, show_sql
from omni_pipelines.knowledge.sql import SqlColumn, columns, run_sql

StatementArgument = Annotated[
    str | None, Argument(help="One SELECT, or - for standard input. Without it, all columns are listed.")
]


@command(show_sql)
def sql(
    viewer: ViewerOrOwner,
    release: ReleaseNumber,
    home: RefreshedHome,
    statement: StatementArgument = None,
    limit: Annotated[int, Option(min=1, help="How many rows at most.")] = 1_000,
    timeout: Annotated[float, Option(min=0.1, metavar="SECONDS", help="Stop the statement after this time.")] = 30.0,
    memory: Annotated[int, Option(min=64, metavar="MIB", help="How much memory the statement may use.")] = 1_024,
    form: FormatOption = Format.TEXT,
) -> Rows[SqlColumn] | Result[Rows[SqlColumn] | SqlResult]:
    """Query documents, releases, questions and more in SQL.

    A statement can read, and change nothing.
    """
    if statement is None:
        return Rows("columns", columns())
    text = read_stdin() if statement == STDIN else statement
    limits = SqlLimits(limit, timeout, memory << 20)
    pinned, selected = run_sql(home, text, release, limits=limits, viewer=viewer)
    names = _unique(selected.columns)
    result = SqlResult(pinned.release, names, selected.types, selected.rows, selected.more, form)
    return Result(result, note=f"the first {limit:,} rows; see more with --limit" if selected.more else "")


def _unique(names: Sequence[str]) -> list[str]:
    """The names of the columns, a repeated one with a number behind it, so that a row can be a JSON object."""
    unique: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        unique.append(candidate)
    return unique
