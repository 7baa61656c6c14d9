"""Tables that Markdown and other texts hold in another language: elements of HTML, and CSV between fences."""

import csv
import html
import re
from collections.abc import Sequence

from omni_pipelines.text.document import TextTable
from omni_pipelines.text.table_headers import MAX_ROWS_CHECKED, header_names, header_of
from omni_pipelines.text.table_lines import NOTHING, Found, Line, marked, run_of

_FENCE = re.compile(r"[ \t]*(?P<sign>`{3,}|~{3,})[ \t]*\{?\.?(?P<language>csv|tsv|psv)\b", re.IGNORECASE)
_DELIMITERS = {"csv": ",;\t|", "tsv": "\t", "psv": "|"}
_TABLE, _TABLE_END = re.compile(r"[ \t]*<table\b", re.IGNORECASE), re.compile(r"</table\b", re.IGNORECASE)
_ROW = re.compile(r"<tr\b", re.IGNORECASE)
_CELL = re.compile(r"<t(?P<kind>[hd])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_MAX_HEADER_ROWS = 3


def markup_table(found: Sequence[Line], index: int) -> Found:
    """The table that starts at a line with `<table`, or with a fence and `csv`, `tsv` or `psv`."""
    if fence := _FENCE.match(found[index].text):
        sign = fence["sign"]
        run = run_of(found, index + 1, lambda line: not line.strip().startswith(sign))
        rows = [line for line in run if line.text.strip()]
        return 1 + len(run), _delimited(rows, _DELIMITERS[fence["language"].lower()])
    if not _TABLE.match(found[index].text):
        return NOTHING
    run = run_of(found, index, lambda line: _TABLE_END.search(line) is None)
    closed = found[index : index + len(run) + 1]
    return len(closed), _html_table(closed)


def _delimited(run: Sequence[Line], delimiters: str) -> TextTable | None:
    """The table in lines of CSV. The header has the sign between cells more often than other signs."""
    if len(run) < 2:
        return None
    delimiter = max(delimiters, key=run[0].text.count)
    header = header_of([_cells(line.text, delimiter) for line in run[:MAX_ROWS_CHECKED]])
    return marked(run, header.first, header.names) if header is not None else None


def _cells(row: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([row], delimiter=delimiter, skipinitialspace=True), [])]
    except csv.Error:
        return []


def _html_table(run: Sequence[Line]) -> TextTable | None:
    """The table in lines of HTML: rows of names are those of `<th>` cells, else the cells tell the header."""
    offsets = [(line.start + match.start(), at, match.start()) for at, line in enumerate(run)
               for match in _ROW.finditer(line.text)]  # fmt: skip
    starts = [start for start, _, _ in offsets]
    if len(starts) < 2:
        return None
    rows = [_html_row(run, offsets[number], offsets[number + 1 : number + 2]) for number in
            range(min(len(starts), MAX_ROWS_CHECKED))]  # fmt: skip
    names = next((number for number, (_, count) in enumerate(rows) if count < 2), len(rows))
    if not names:
        header = header_of([cells for cells, _ in rows])
        if header is None:
            return None
        shown, names = header.names, header.last + 1
    else:
        shown = header_names([cells for cells, _ in rows[: min(names, _MAX_HEADER_ROWS)]])
    below = tuple(starts[names:])
    return TextTable(below[0], run[-1].end, shown, below) if below and shown else None


def _html_row(
    run: Sequence[Line], begin: tuple[int, int, int], following: Sequence[tuple[int, int, int]]
) -> tuple[list[str], int]:
    """The cells of a row, and how many of them are names."""
    _, first, column = begin
    last, end = (following[0][1], following[0][2]) if following else (len(run) - 1, len(run[-1].text))
    lines = [line.text for line in run[first : last + 1]]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    text = "\n".join(lines)
    cells = list(_CELL.finditer(text))
    ends = [*(cell.start() for cell in cells[1:]), len(text)]  # one more than cells in a row without cells
    shown = [
        " ".join(html.unescape(_TAG.sub(" ", text[cell.end() : stop])).split())
        for cell, stop in zip(cells, ends, strict=False)
    ]
    return shown, sum(cell["kind"].lower() == "h" for cell in cells)
