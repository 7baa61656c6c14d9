"""JSON that holds a table column by column, as pandas writes it: `{"name": {"0": "Valve", "1": "Pump"}, "kg": …}`."""

import re

import orjson

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.records.data_sample import shown_value

_BEGINNING = re.compile(r'\s*\{\s*"[^"\\]*"\s*:\s*\{\s*"0"\s*:')
_MIN_COLUMNS, _MIN_ROWS = 2, 2


def read_columns(text: str, name: str) -> Parsed | None:
    """The table row by row, with the names of its columns above; None if the text is no such table."""
    columns = _columns(text) if _BEGINNING.match(text) else {}
    if not columns:
        return None
    extraction = Extraction()
    extraction.row(list(columns), first=True, header=True)
    for row in zip(*columns.values(), strict=True):
        extraction.row([shown_value(value) for value in row])
    return extraction.parsed(name)


def _columns(text: str) -> dict[str, list[object]]:
    """The values of each column; none if the columns differ in length, or their rows are not numbered from 0."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return {}
    if len(value) < _MIN_COLUMNS or not all(isinstance(column, dict) for column in value.values()):
        return {}
    numbers = [str(number) for number in range(max(map(len, value.values())))]
    is_table = len(numbers) >= _MIN_ROWS and all(list(column) == numbers for column in value.values())
    return {name: list(column.values()) for name, column in value.items()} if is_table else {}
