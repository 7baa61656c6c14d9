"""Tables as text, CSV and TSV: the text stays as it is; the columns' names stand above every passage."""

from __future__ import annotations

import csv
import re

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers.extraction import one_line

_DELIMITERS = ",;\t|"
_MAX_HEADER_LENGTH = 10_000
_MAX_NAMES = 200
"""Characters of the columns' names that are repeated."""
_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?%?$")


def read(raw: bytes, name: str) -> Parsed:
    """One section below the header: its path names the columns. Without a header there is none."""
    decoded = decode(raw)
    text = decoded.text
    end = _header_end(text)
    names = _names(text[:end])
    sections = (Section(end, (", ".join(names)[:_MAX_NAMES],)),) if names else ()
    return Parsed(decoded, title=name, sections=sections)


def _header_end(text: str) -> int:
    """Where the second row begins; 0 where there is none soon."""
    found = re.compile(r"\r\n|\n|\r").search(text, 0, _MAX_HEADER_LENGTH)
    return found.end() if found and found.end() < len(text) else 0


def _names(header: str) -> list[str]:
    """The names in a first row; none if it looks like values."""
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", header).count)
    try:
        cells = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []
    names = [one_line(cell) for cell in cells]
    looks_right = len(names) > 1 and all(names) and not any(_NUMBER.match(name) for name in names)
    return names if looks_right and len(set(names)) == len(names) else []
