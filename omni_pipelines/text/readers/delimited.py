"""CSV and TSV: the text is the file's own; the column names are the heading of everything below them."""

import csv
import re

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers.extraction import one_line

_DELIMITERS = ",;\t|"
_MAX_HEADER_LENGTH = 10_000
_MAX_HEADING_LENGTH = 200
_LINE_END = re.compile(r"\r\n|\n|\r")
_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?%?$")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. One section starts below the header row; without a header row there is none."""
    decoded = decode(raw)
    text = decoded.text
    end = _header_end(text)
    names = _names(text[:end])
    sections = (Section(end, (", ".join(names)[:_MAX_HEADING_LENGTH],)),) if names else ()
    return Parsed(decoded, title=name, sections=sections)


def _header_end(text: str) -> int:
    """Where the second row starts; 0 if there is none, or the first row is too long for a header."""
    match = _LINE_END.search(text, 0, _MAX_HEADER_LENGTH)
    return match.end() if match and match.end() < len(text) else 0


def _names(header: str) -> list[str]:
    """The names in the first row; empty if it looks like values."""
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", header).count)
    try:
        cells = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []
    names = [one_line(cell) for cell in cells]
    has_names = len(names) > 1 and all(names) and not any(_NUMBER.match(name) for name in names)
    return names if has_names and len(set(names)) == len(names) else []
