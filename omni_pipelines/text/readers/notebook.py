"""Jupyter notebooks: cell by cell; Markdown headings give the structure, code cells are numbered below them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers import markdown
from omni_pipelines.text.readers.extraction import Extraction

MAX_OUTPUT = 2_000
"""Characters of a cell's output that are kept: tables and logs go on for ever."""
_LOWEST = 7
"""Below the six levels of Markdown."""


def read(raw: bytes, name: str) -> Parsed:
    """Texts and code as they are written, then what the code printed; pictures are left out.

    Raises:
        Unreadable: E_PARSE for what is no notebook of version 4, E_NO_TEXT.
    """
    try:
        notebook = orjson.loads(decode(raw).text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(RefusalCode.PARSE, f"no JSON: {error}") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable(RefusalCode.PARSE, "no notebook of version 4: it has no list of cells")
    extraction = Extraction()
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict):
            _add(extraction, number, cell)
    return extraction.parsed(name)


def _add(extraction: Extraction, number: int, cell: Mapping[str, Any]) -> None:
    source = _text(cell.get("source"))
    if cell.get("cell_type") != "markdown":
        if source.strip():
            extraction.mark(_LOWEST, f"cell {number}")
        extraction.block(source)
        for output in _outputs(cell.get("outputs")):
            extraction.block(output[:MAX_OUTPUT])
        return
    written = markdown.read(source.encode("utf-8", "replace"), "") if source.strip() else None
    if written is not None:
        _add_markdown(extraction, written)


def _add_markdown(extraction: Extraction, written: Parsed) -> None:
    """A cell in the pieces that its headings make, so that each heading begins with its piece."""
    text = written.text
    marks = [*written.sections, Section(len(text), ())]
    extraction.block(text[: marks[0].start])
    for section, after in itertools.pairwise(marks):
        piece = text[section.start : after.start].lstrip()
        level = len(piece) - len(piece.lstrip("#"))
        extraction.mark(level or 1, section.path[-1])
        extraction.block(piece)


def _outputs(outputs: object) -> Iterator[str]:
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            data = output.get("data")
            yield _text(output.get("text")) or _text(data.get("text/plain") if isinstance(data, dict) else None)


def _text(value: object) -> str:
    """A text, or the lines of one: the format allows both."""
    if isinstance(value, list):
        return "".join(each for each in value if isinstance(each, str))
    return value if isinstance(value, str) else ""
