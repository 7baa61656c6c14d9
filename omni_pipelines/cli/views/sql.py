"""What `omni sql` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.formats import Format, say_rows
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import Header, cell, cut, say_table
from omni_pipelines.knowledge.sql import SqlColumn

MAX_CELL_LENGTH = 60
"""Characters of a cell in a table; the other formats have all."""


@dataclass(frozen=True)
class SqlResult:
    """Rows of a statement."""

    release: int
    names: Sequence[str]
    """Names of the columns, each once."""
    types: Sequence[str]
    rows: Sequence[Sequence[object]]
    more: bool
    """Whether there are more rows than the limit."""
    form: Format = text_only(Format.TEXT)

    def as_json(self) -> Fields:
        """The columns with their types, and the rows as objects."""
        columns = [{"name": name, "type": kind} for name, kind in zip(self.names, self.types, strict=True)]
        return {"release": self.release, "columns": columns, "rows": list(self.objects()), "more": self.more}

    def objects(self) -> Iterator[Fields]:
        """Each row as name to value."""
        return (dict(zip(self.names, map(_json_value, row), strict=True)) for row in self.rows)


def show_sql(result: Rows[SqlColumn] | SqlResult) -> None:
    """Print rows as a table or in another format, or the columns of all tables."""
    if isinstance(result, Rows):
        _show_columns(result.rows)
    elif result.form is not Format.TEXT:
        say_rows(result.form, result.names, result.objects())
    else:
        say_table(result.names, [list(map(_cell, row)) for row in result.rows], piped=Header.RULED)


def _show_columns(columns: Sequence[SqlColumn]) -> None:
    table = ""
    for column in columns:
        if column.table != table:
            table = column.table
            say(table)
        say(f"  {column.name:<20} {column.type:<22} {column.says}")


def _cell(value: object) -> str:
    return cut(cell(f"{value:.4g}" if isinstance(value, float) else _text(value)), MAX_CELL_LENGTH)


def _json_value(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _json_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(part) for part in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return float(value) if isinstance(value, Decimal) else _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if isoformat else value)
