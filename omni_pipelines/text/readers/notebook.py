"""Jupyter notebooks: texts, code and printed output, cell by cell.

Markdown headings and numbered code cells below them give the sections.
"""

import itertools
from collections.abc import Iterator, Mapping

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers import markdown
from omni_pipelines.text.readers.extraction import Extraction

MAX_OUTPUT_LENGTH = 2_000
"""Characters of each output that are kept: tables and logs can be endless."""
_CELL_LEVEL = 7
"""Below the six levels of Markdown headings."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Pictures among the outputs are left out."""
    try:
        notebook = orjson.loads(decode(raw).text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(RefusalCode.PARSE, f"not valid JSON: {error}") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable(RefusalCode.PARSE, "not a notebook of format version 4: it has no list of cells")
    extraction = Extraction()
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict):
            _add(extraction, number, cell)
    return extraction.parsed(name)


def _add(extraction: Extraction, number: int, cell: Mapping[str, object]) -> None:
    source = _text(cell.get("source"))
    if cell.get("cell_type") != "markdown":
        if source.strip():
            extraction.mark(_CELL_LEVEL, f"cell {number}")
        extraction.block(source)
        for output in _outputs(cell.get("outputs")):
            extraction.block(output[:MAX_OUTPUT_LENGTH])
        return
    if source.strip():
        _add_markdown(extraction, markdown.read(source.encode("utf-8", "replace"), ""))


def _add_markdown(extraction: Extraction, cell: Parsed) -> None:
    """Add a cell section by section, so that each section starts with its heading."""
    text = cell.text
    starts = [*cell.sections, Section(len(text), ())]
    extraction.block(text[: starts[0].start])
    for section, following in itertools.pairwise(starts):
        piece = text[section.start : following.start].lstrip()
        level = len(piece) - len(piece.lstrip("#"))
        extraction.mark(level or 1, section.path[-1])
        extraction.block(piece)


def _outputs(outputs: object) -> Iterator[str]:
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            data = output.get("data")
            yield _text(output.get("text")) or _text(data.get("text/plain") if isinstance(data, dict) else None)


def _text(value: object) -> str:
    """A text, or a list of its lines: the format allows both."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
