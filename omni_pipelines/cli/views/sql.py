"""What `omni sql` prints."""

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import Header, cell, cut, say_table
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.sql import SqlColumn

MAX_CELL_LENGTH = 60
"""Characters of a cell in a table; JSON and CSV have all."""


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
    csv: bool = text_only(False)

    def as_json(self) -> Fields:
        """The columns with their types, and the rows as objects.

        Raises:
            ConfigurationError: CSV was chosen as well.
        """
        if self.csv:
            raise ConfigurationError("--json and --csv are two formats of the same rows", cure="give one of them")
        columns = [{"name": name, "type": kind} for name, kind in zip(self.names, self.types, strict=True)]
        rows = [dict(zip(self.names, map(_json_value, row), strict=True)) for row in self.rows]
        return {"release": self.release, "columns": columns, "rows": rows, "more": self.more}


def show_sql(result: Rows[SqlColumn] | SqlResult) -> None:
    """Print rows as a table or as CSV, or the columns of all tables."""
    if isinstance(result, Rows):
        _show_columns(result.rows)
    elif result.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.names)
        writer.writerows(map(_text, row) for row in result.rows)
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
