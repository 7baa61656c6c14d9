"""What `omni db` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import Header, say_fields, say_table
from omni_pipelines.operations.inspection import TableHealth
from omni_pipelines.operations.maintenance import Compaction

T = TypeVar("T")


@dataclass(frozen=True)
class ByTable(Generic[T]):
    """A record for each table."""

    tables: Mapping[str, T]


@dataclass(frozen=True)
class StoredColumns:
    """The columns of a table, with their bytes in memory and on disk."""

    columns: Sequence[Fields]
    raw: int
    stored: int


def show_rows(listed: Rows[Fields]) -> None:
    """Print rows of equal fields below the names of the fields."""
    _say_rows(listed.rows)


def show_stats(stats: ByTable[StoredColumns]) -> None:
    """Print the size of each table and its columns."""
    for name, table in stats.tables.items():
        ratio = table.stored / table.raw if table.raw else 1
        say(f"{name}: {table.stored:,} of {table.raw:,} bytes ({ratio:.2f})")
        _say_rows(table.columns)


def show_info(columns: Rows[Fields]) -> None:
    """Print what is known about a table, then its columns."""
    say_fields({name: value for name, value in columns.fields.items() if name != "table"})
    _say_rows(columns.rows)


def show_health(health: ByTable[TableHealth]) -> None:
    """Print one line per table."""
    rows = [
        (name, counted(state.row_count, "row"), counted(state.fragment_count, "fragment"), _advice(state))
        for name, state in health.tables.items()
    ]
    say_table(("table", "size", "storage", "advice"), rows)


def _advice(state: TableHealth) -> str:
    return "nothing to do" if state.recommendations == ["none"] else ", ".join(state.recommendations)


def show_misfits(misfits: ByTable[Sequence[str]]) -> None:
    """Print one line per difference."""
    for name, problems in misfits.tables.items():
        for problem in problems:
            say(f"{name}: {problem}")
    if not any(misfits.tables.values()):
        narrate("every column is as defined")


def show_index_stats(indices: Rows[Fields]) -> None:
    """Print the indexes, then the other figures line by line."""
    _say_rows(indices.rows)
    for group, figures in indices.fields.items():
        for name, value in figures.items() if isinstance(figures, Mapping) else ():
            parts = [f"{part} {count:,}" for part, count in value.items()] if isinstance(value, Mapping) else [value]
            say(f"{group} {name}: {', '.join(map(str, parts))}")


def show_compactions(done: ByTable[Compaction]) -> None:
    """Print one line per table."""
    for name, each in done.tables.items():
        fragments = f"{each.fragments_before:,} to {counted(each.fragments_after, 'fragment')}"
        say(f"{name}: {fragments}, {each.bytes_before:,} to {each.bytes_after:,} bytes")


def show_migrations(plans: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Print one line per table, of "pending" or "applied" plans."""
    for state, by_table in plans.items():
        for name, pending in by_table.items():
            say(f"{name}: {'; '.join(pending) or 'up to date'}")
        if state == "pending" and any(by_table.values()):
            narrate("nothing was changed; to rewrite the tables, run: omni db migrate --force")


def show_applied_advice(done: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Print one line per table."""
    for name, steps in done["done"].items():
        say(f"{name}: {', '.join(steps) or 'nothing to do'}")


def _say_rows(rows: Sequence[Fields]) -> None:
    say_table(list(rows[0]) if rows else (), [list(row.values()) for row in rows], piped=Header.PLAIN)
