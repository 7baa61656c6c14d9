"""Jupyter notebooks: texts, code, printed output, results and errors, cell by cell.

Markdown headings and numbered code cells below them give the sections.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup import html, markdown

MAX_OUTPUT_LENGTH = 8_000
"""Characters of each output that are kept: logs can be endless."""
_LEVELS = 6
"""Of Markdown headings."""
_CELL_LEVEL = _LEVELS + 1
_FORMS = ("text/markdown", "text/html", "text/latex", "text/plain")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[@-Z\\-_])")
"""Escape sequences for terminals (ECMA-35, ECMA-48)."""
_OVERWRITTEN = re.compile(r"[^\r\n]*\r(?!\n)(?=[^\r\n])")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file of format version 3 or 4. Pictures among the outputs are left out."""
    try:
        notebook = orjson.loads(decode(raw).text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(RefusalCode.PARSE, f"not valid JSON: {error}") from error
    cells = _cells(notebook)
    if cells is None:
        raise Unreadable(RefusalCode.PARSE, "not a notebook: it has no list of cells")
    extraction = Extraction()
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict):
            _add(extraction, number, cell)
    return extraction.parsed(name)


def _cells(notebook: object) -> Sequence[object] | None:
    """The cells of a notebook; those of all worksheets before format version 4."""
    if not isinstance(notebook, dict):
        return None
    cells, sheets = notebook.get("cells"), notebook.get("worksheets")
    if isinstance(cells, list) or not isinstance(sheets, list) or not sheets:
        return cells if isinstance(cells, list) else None
    inside = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [cell for each in inside if isinstance(each, list) for cell in each]


def _add(extraction: Extraction, number: int, cell: Mapping[str, object]) -> None:
    source = _text(cell.get("source")) or _text(cell.get("input"))
    kind = cell.get("cell_type")
    if kind == "heading" and source.strip():  # before format version 4
        level = cell.get("level")
        source, kind = (
            f"{'#' * (level if isinstance(level, int) and 1 <= level <= _LEVELS else 1)} {source}",
            "markdown",
        )
    if kind != "markdown":
        if source.strip():
            extraction.mark(_CELL_LEVEL, f"cell {number}")
        extraction.block(source)
        for output in _outputs(cell.get("outputs")):
            extraction.block(output[:MAX_OUTPUT_LENGTH])
            if len(output) > MAX_OUTPUT_LENGTH:
                extraction.cut(f"an output of cell {number} is longer than {MAX_OUTPUT_LENGTH:,} characters")
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
    """What each output shows, without the codes for colours and without what a progress bar has overwritten."""
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            shown = _error(output) or _richest(output) or _text(output.get("text"))
            yield _OVERWRITTEN.sub("", _ANSI.sub("", shown))


def _error(output: Mapping[str, object]) -> str:
    """The message of an error, and the calls that led to it."""
    if output.get("output_type") not in ("error", "pyerr"):
        return ""
    message = ": ".join(filter(None, (_text(output.get("ename")), _text(output.get("evalue")))))
    calls = output.get("traceback")
    trace = "\n".join(line for line in calls if isinstance(line, str)) if isinstance(calls, list) else ""
    return f"{message}\n{trace}" if message not in _ANSI.sub("", trace) or len(trace) > MAX_OUTPUT_LENGTH else trace


def _richest(output: Mapping[str, object]) -> str:
    """The form of a result that says most: Markdown, HTML, LaTeX, plain text or JSON."""
    data = output.get("data", output)
    if not isinstance(data, dict):
        return ""
    for kind in _FORMS:
        text = _text(data.get(kind) or data.get(kind.partition("/")[2]))
        if kind == "text/html" and text.strip():
            page = html.read_visible(text.encode("utf-8", "replace"), "")
            text = page.text if page is not None else ""
        if text.strip():
            return text
    value = data.get("application/json")
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""


def _text(value: object) -> str:
    """A text, or a list of its lines: the format allows both."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
