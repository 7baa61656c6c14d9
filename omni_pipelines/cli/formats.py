"""Formats of rows for other programs, chosen by `--format`.

`--json` is another thing, which every command has: one document with everything that the command knows, for a program
that reads its fields. A format prints the rows alone.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import orjson
from typer import Option

from omni_pipelines.cli.output import say


class Format(StrEnum):
    """How rows are printed."""

    TEXT = "text"
    MARKDOWN = "md"
    CSV = "csv"
    """Cells that a spreadsheet would compute have a quote in front."""
    CSV_RAW = "csv-raw"
    """Every cell as it is."""
    JSON_LINES = "jsonl"


_COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""How a cell starts that a spreadsheet computes."""

_MARKUP = re.compile(r"[\\`*_\[\]<>|~&#!]")
"""What has a meaning in Markdown and in HTML inside it."""

FormatOption = Annotated[
    Format,
    Option(
        "--format",
        help="text for people; md for notes and prompts; csv with a line of names; csv-raw without the "
        "quote before cells that a spreadsheet would compute; jsonl with one object per line.",
    ),
]


def say_rows(form: Format, names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Print rows in a format for programs: as a Markdown table, as CSV, or as one JSON object per line."""
    if form is Format.JSON_LINES:
        for row in rows:
            say(orjson.dumps(row, default=str).decode())
    elif form in (Format.CSV, Format.CSV_RAW):
        text = _csv_cell if form is Format.CSV else _plain
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([text(row[name]) for name in names] for row in rows)
        say(written.getvalue().removesuffix("\n"))
    else:
        say(f"| {' | '.join(names)} |")
        say(f"|{'---|' * len(names)}")
        for row in rows:
            say(f"| {' | '.join(_markdown_cell(row[name]) for name in names)} |")


def _plain(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _csv_cell(value: object) -> str:
    """A value that no spreadsheet takes for a formula; see https://owasp.org/www-community/attacks/CSV_Injection."""
    text = _plain(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_COMPUTED) else text


def _markdown_cell(value: object) -> str:
    return as_markdown(" ".join(_plain(value).split()))


def as_markdown(text: str) -> str:
    """A line of foreign text that Markdown shows as it is: no element of HTML, no link, no emphasis."""
    return _MARKUP.sub(r"\\\g<0>", text)
