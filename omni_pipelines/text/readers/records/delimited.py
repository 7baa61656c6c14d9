"""CSV and TSV: the text is the file's own; every chunk below the header row carries the column names."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, TextTable
from omni_pipelines.text.readers.extraction import one_line
from omni_pipelines.text.sentences import Range, rows
from omni_pipelines.text.table_headers import CELL_SEPARATOR, MAX_ROWS_CHECKED, header_of, is_value

_DELIMITERS = ",;\t|"
_MAX_BEGINNING = 200_000
"""Characters in which the header is looked for."""
_MAX_ROW = 20_000
"""A row with more characters is not a row of a table: a quotation mark was left open, for example."""
_MAX_SPANS = 3 * MAX_ROWS_CHECKED
_MAX_BLANKS = 50
"""Blank lines below which another table is looked for."""
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<sign>[^\r\n]?)"?(?:\r\n|\n|\r|\Z)', re.IGNORECASE)
_COMMENT = re.compile(r"[ \t]*(?:#(?![,;\t|])|//|%%)")
_NAMES_IN_COMMENT = re.compile(r"[ \t]*#+[ \t]*(?=[^\W\d])")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The rows below the header row are a table; without a header row there is none.

    A first line such as `sep=;`, comments, titles and blank lines may stand above the header, and the header may be a
    comment itself.
    """
    decoded = decode(raw)
    text = decoded.text
    declared = _SEPARATOR_LINE.match(text)
    start = declared.end() if declared else 0
    sign = declared["sign"] if declared else ""
    spans = list(rows(text, start, min(len(text), start + _MAX_BEGINNING)))
    table = _table(text, spans, sign)
    tables = _with_tables_below(text, spans, sign, table) if table is not None else ()
    return Parsed(decoded, title=name, tables=tuple(tables))


def _with_tables_below(text: str, spans: Sequence[Range], declared: str, table: TextTable) -> Iterator[TextTable]:
    """The first table, and those that begin below a blank line with a row of other names."""
    below_blanks = (
        number
        for number, (above, (begin, _)) in enumerate(pairwise(spans), 1)
        if begin > table.start and _is_blank(text[slice(*above)])
    )
    for number in islice(below_blanks, _MAX_BLANKS):
        begin, end = spans[number]
        found = _table(text, spans[number : number + _MAX_SPANS], declared, is_sure=True)
        if found is not None and found.start == end and not any(map(is_value, found.header.split(CELL_SEPARATOR))):
            yield replace(table, end=begin)
            table = found
    yield table


def _is_blank(row: str) -> bool:
    return not row.strip(_DELIMITERS + " \r\n")


def _table(text: str, spans: Sequence[Range], declared: str, *, is_sure: bool = False) -> TextTable | None:
    """The table of rows; with `is_sure` only if its columns show which row is the header."""
    spans = [(begin, end) for begin, end in spans[:_MAX_SPANS] if text[begin:end].strip()]
    spans = [(begin, end) for begin, end in spans if end - begin <= _MAX_ROW]
    lines = [text[begin:end].rstrip("\r\n") for begin, end in spans]
    is_comment = [_COMMENT.match(line) is not None for line in lines]
    if sum(is_comment) * 2 > len(lines):  # `#` is the name or the mark of a column
        is_comment = [False] * len(lines)
    data = [number for number, comment in enumerate(is_comment) if not comment]
    if not data:
        return None
    delimiter = declared or _delimiter([lines[number] for number in data])
    above = data[0] - 1
    if above >= 0 and _NAMES_IN_COMMENT.match(lines[above]):
        shown = _cells(_NAMES_IN_COMMENT.sub("", lines[above]), delimiter)
        if len(shown) == len(_cells(lines[data[0]], delimiter)) > 1:
            lines[above] = _NAMES_IN_COMMENT.sub("", lines[above])
            data.insert(0, above)
    header = header_of([_cells(lines[number], delimiter) for number in data[:MAX_ROWS_CHECKED]])
    if header is None or (is_sure and not header.is_sure):
        return None
    return TextTable(spans[data[header.first]][1], len(text), header.names)


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that cuts most rows into the same number of cells; of several, the one that makes most cells."""

    def regularity(sign: str) -> tuple[float, int]:
        counts = Counter(len(_cells(line, sign)) for line in lines[:MAX_ROWS_CHECKED])
        cells, rows_with_it = max(counts.items(), key=lambda item: (item[0] > 1, item[1]))
        return (rows_with_it if cells > 1 else 0) * min(cells, 3), cells

    return max(_DELIMITERS, key=regularity)


def _cells(row: str, delimiter: str) -> list[str]:
    try:
        return [one_line(cell) for cell in next(csv.reader([row], delimiter=delimiter), [])]
    except csv.Error:
        return []
