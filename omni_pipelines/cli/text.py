"""Records as text on stdout: a line, fields, or a list.

A list is a table that fits the terminal; where a program reads it, it is plain aligned lines.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any

from omni_pipelines.amounts import Amount
from omni_pipelines.cli.command import Rows
from omni_pipelines.cli.output import local_time, narrate, say

MAX_CELL_LENGTH = 200
"""Characters of a field in a list; JSON has all."""
_SPECIAL = re.compile(r"[^\w%+,./:@=-]|^$")
"""Letters of any language are ordinary characters to a shell."""
_NUMBER = re.compile(r"(-?[\d,]+(\.\d+)?(e[+-]\d+)?%?)?")


class Header(Enum):
    """The header of a list that is piped; on a terminal, every list has one."""

    NONE = auto()
    PLAIN = auto()
    RULED = auto()
    """With a line below it, and also where there is no row."""


def line(template: str, hint: str = "") -> Callable[[object], None]:
    """A view that prints one line, and a hint to stderr.

    `{name}` stands for a field of the record, `{name:file}` for a number of files.
    """

    def show(record: object) -> None:
        fields = record if isinstance(record, Mapping) else vars(record)
        worded = {name: Amount(value) if type(value) is int else value for name, value in fields.items()}
        if template:
            say(template.format(**worded))
        if hint:
            narrate(hint.format(**worded))

    return show


def table(*columns: str, empty: str = "") -> Callable[[Rows[Any]], None]:
    """A view that prints these fields of each row, `name` or `field.name`; without a row, a note to stderr."""
    header = [column.rpartition(".")[2].replace("_", " ") for column in columns]

    def show(rows: Rows[Any]) -> None:
        if empty and not rows.rows:
            narrate(empty)
        say_table(header, [[cut(cell(_field(row, name)), MAX_CELL_LENGTH) for name in columns] for row in rows.rows])

    return show


def _field(row: object, path: str) -> object:
    for name in path.split("."):
        row = row[name] if isinstance(row, Mapping) else getattr(row, name)
    return row


def say_fields(fields: Mapping[str, object], width: int = 0) -> None:
    """Print one line per field: `name: value`, or with a width, names in a column without colons."""
    for name, value in fields.items():
        say(f"{name:<{width}} {cell(value)}".rstrip() if width else f"{name}: {cell(value)}")


def say_table(header: Sequence[str], rows: Iterable[Sequence[object]], *, piped: Header = Header.NONE) -> None:
    """Print rows below a header, numbers to the right. Without a row, print nothing."""
    cells = [[cell(value) for value in row] for row in rows]
    if not cells and piped is not Header.RULED:
        return
    numeric = [all(_NUMBER.fullmatch(row[column]) for row in cells) for column in range(len(header))]
    if sys.stdout.isatty():
        _say_fitting(header, cells, numeric)
        return
    widths = [max(len(row[column]) for row in [header, *cells]) for column in range(len(header))]
    rule = [["-" * width for width in widths]] if piped is Header.RULED else []
    _say_aligned(cells if piped is Header.NONE else [list(header), *rule, *cells], numeric)


def cell(value: object) -> str:
    """A value as one line without control characters, which a terminal would obey."""
    if isinstance(value, Mapping):
        value = [f"{count:,} {name.removesuffix('s') if count == 1 else name}" for name, count in value.items()]
    if isinstance(value, datetime):
        value = local_time(value)
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def shell_word(text: str) -> str:
    """A text as one word of a shell command: in quotes only if the shell would read something else."""
    return shlex.quote(text) if _SPECIAL.search(text) else text


def cut(text: str, max_length: int) -> str:
    """A text of at most so many characters; "…" marks where it was cut."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def say_highlighted(indent: str, text: str, matches: Iterable[tuple[int, int]]) -> None:
    """Print a line of a document without control characters; on a terminal, the ranges in `matches` stand out."""
    clean = "".join(each if each.isprintable() else " " for each in text)
    if not sys.stdout.isatty():
        say(f"{indent}{clean}".rstrip())
        return
    from rich.console import Console  # as long as a search, for which one whose result is piped need not wait
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    if console.no_color:
        say(f"{indent}{clean}".rstrip())
        return
    styled = Text(clean)
    for start, end in matches:
        styled.stylize("bold yellow", start, end)
    console.print(Text(indent) + styled, soft_wrap=True)


def _say_fitting(header: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    header_style = "" if console.no_color else "bold"  # NO_COLOR: no escape codes at all
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=header_style)
    for title, is_number in zip(header, numeric, strict=True):
        table.add_column(Text(title), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _say_aligned(lines: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line_ in lines:
        aligned = [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line_, widths, numeric, strict=True)
        ]
        say("  ".join(aligned).rstrip())
