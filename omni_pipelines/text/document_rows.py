"""A parsed document to the columns of its row, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from omni_pipelines.text.decoding import Decoded
from omni_pipelines.text.document import Marks, Parsed, Section


def structure_json(parsed: Parsed) -> str:
    """Sections, line marks and page marks, for the `structure` column."""
    sections = [[section.start, list(section.path)] for section in parsed.sections]
    return orjson.dumps({"sections": sections, "lines": parsed.line_marks, "pages": parsed.page_marks}).decode()


def parsed_document(row: Mapping[str, Any]) -> Parsed:
    """A document as its reader gave it, from its row."""
    structure = orjson.loads(row["structure"])
    sections = tuple(Section(start, tuple(path)) for start, path in structure["sections"])
    if row["verbatim"]:
        return Parsed(Decoded(row["text"], row["encoding"], row["bom_bytes"]), row["title"], sections)
    nothing = Decoded("", row["encoding"], row["bom_bytes"])
    lines, pages = _marks(structure["lines"]), _marks(structure.get("pages", ()))
    return Parsed(nothing, row["title"], sections, extracted=row["text"], line_marks=lines, page_marks=pages)


def joined(rows: Iterable[Mapping[str, Any]]) -> str:
    """The text of neighbouring chunk rows in order: what two of them hold stands once, a gap is a blank line."""
    text, end = "", -1
    for row in rows:
        gap = "\n\n" if 0 <= end < row["start_char"] else ""
        text += gap + row["text"][max(end - row["start_char"], 0) if end >= 0 else 0 :]
        end = max(end, row["end_char"])
    return text


def _marks(pairs: Iterable[Sequence[int]]) -> Marks:
    return tuple((char, number) for char, number in pairs)
