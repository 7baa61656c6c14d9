"""Tables that reStructuredText writes as directives: `list-table` and `csv-table`."""

import csv
import re
from collections.abc import Sequence

from omni_pipelines.text.document import TextTable
from omni_pipelines.text.table_headers import header_names
from omni_pipelines.text.table_lines import NOTHING, Found, Line, marked, run_of

_DIRECTIVE = re.compile(r"(?P<indent>[ \t]*)\.\.[ \t]+(?P<kind>list-table|csv-table)::")
_OPTION = re.compile(r"[ \t]+:(?P<name>[\w-]+):[ \t]*(?P<value>.*)")
_ROW = re.compile(r"[ \t]+[*+-][ \t]+[*+-](?:[ \t]+(?P<cell>.*))?$")
_CELL = re.compile(r"[ \t]+[*+-](?:[ \t]+(?P<cell>.*))?$")
_MAX_HEADER_ROWS = 3


def directive_table(found: Sequence[Line], index: int) -> Found:
    """The table of a directive that starts at a line, with the options that name its columns."""
    directive = _DIRECTIVE.match(found[index].text)
    if directive is None:
        return NOTHING
    indent = len(directive["indent"])
    block = run_of(found, index + 1, lambda line: not line.strip() or len(line) - len(line.lstrip()) > indent)
    settings = run_of(block, 0, lambda line: _OPTION.match(line) is not None)
    options = {option["name"]: option["value"] for line in settings if (option := _OPTION.match(line.text))}
    rows = [line for line in block[len(settings) :] if line.text.strip()]
    if not rows:
        return 1 + len(block), None
    count = options.get("header-rows", "0").strip()
    headers = int(count) if count.isdecimal() and len(count) == 1 else 0
    if directive["kind"] == "list-table":
        return 1 + len(block), _list_table(rows, headers)
    return 1 + len(block), _csv_table(rows, min(headers, _MAX_HEADER_ROWS), options.get("header", ""))


def _list_table(lines: Sequence[Line], headers: int) -> TextTable | None:
    starts = [number for number, line in enumerate(lines) if _ROW.match(line.text)]
    if not 0 < headers < len(starts):
        return None
    names: list[list[str]] = []
    for line in lines[starts[0] : starts[headers]]:
        row, cell = _ROW.match(line.text), _CELL.match(line.text)
        if row:
            names.append([(row["cell"] or "").strip()])
        elif cell:
            names[-1].append((cell["cell"] or "").strip())
        else:
            names[-1][-1] += f" {line.text.strip()}"
    rows = tuple(lines[number].start for number in starts[headers:])
    return TextTable(rows[0], lines[-1].end, header_names(names), rows)


def _csv_table(lines: Sequence[Line], headers: int, declared: str) -> TextTable | None:
    if declared:
        return TextTable(lines[0].start, lines[-1].end, header_names([_cells(declared)]))
    names = header_names([_cells(line.text) for line in lines[:headers]])
    return marked(lines, headers - 1, names) if headers and headers < len(lines) else None


def _cells(row: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([row.strip()], skipinitialspace=True), [])]
    except csv.Error:
        return []
