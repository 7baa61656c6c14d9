"""Make the tree of a page say what it shows: merged cells in each of their rows, formulas and raised figures as text.

A raised figure would else become a part of the word before it: a note after "valve" is `valve[1]`, a power is 10^6.
"""

import re
from dataclasses import dataclass

import lxml.etree
from lxml.html import HtmlElement

from omni_pipelines.text.readers.markup.html_elements import CELLS, is_cell, is_silent, whole_number
from omni_pipelines.text.readers.office.formula import Formula
from omni_pipelines.text.readers.office.table_grid import MAX_REPEATED, MAX_SPAN

_SHADOW_ROOT = "shadowrootmode"
_MAX_FORMULA_DEPTH = 64
_RAISED = re.compile(r"\d{1,3}(?:[,–-]\s?\d{1,3})*$|[a-z*†‡§¶]{1,3}$")  # noqa: RUF001
"""The mark of a note."""
_POWER = re.compile(r"[-−+]?\w+$")  # noqa: RUF001
_LONG_WORD = re.compile(r"[^\W\d_]{4,}[.,;:!?)\"”’]*$")  # noqa: RUF001
"""No unit, such as the "km" of km², and no variable."""
_MAX_REPEATED_CELLS = 50_000
"""Of a page."""


@dataclass
class _MergedCell:
    """A cell that reaches into the rows below it."""

    cell: HtmlElement
    columns: int
    rows: int
    """The rows that it still covers, with the current one."""


@dataclass
class _Copies:
    """Inserts copies of merged cells, as many as a page may have."""

    left: int = _MAX_REPEATED_CELLS

    def insert(self, row: HtmlElement, place: int, cell: HtmlElement, count: int) -> None:
        """Insert cells with the text of another; its style may hide them too."""
        style = {name: value for name in ("class", "style") if (value := cell.get(name)) is not None}
        for _ in range(min(count, self.left)):
            copied = cell.makeelement(cell.tag, style)
            copied.text = _label(cell)
            row.insert(place, copied)
        self.left -= min(count, self.left)


def show_all(root: HtmlElement) -> None:
    """Change a page in place, so that a walk through its elements meets the text that a person sees."""
    for formula in list(root.iter("math")):
        _write_out(formula)
    for raised in list(root.iter("sup")):
        _mark_raised(raised)
    for link in list(root.iter("a")):
        if (
            "noteref" in f"{link.get('epub:type')} {link.get('role')}"
            and next(link.iterancestors("sup"), None) is None
        ):
            _put_in_brackets(link)
    for template in list(root.iter("template")):
        if template.get(_SHADOW_ROOT):
            template.tag = "div"
    merged = (cell for cell in root.iter(*CELLS) if is_cell(cell) and _is_merged(cell))
    copies = _Copies()
    for section in dict.fromkeys(cell.getparent().getparent() for cell in merged):
        _repeat_merged_cells(section, copies)


def _write_out(formula: HtmlElement) -> None:
    """Replace the elements of a formula by one line."""
    line = Formula()
    depth = 0
    for event, element in lxml.etree.iterwalk(formula, events=("start", "end")):
        if event == "end":
            line.end()
            depth -= 1
            continue
        depth += 1
        if depth > _MAX_FORMULA_DEPTH:
            return
        line.start(element.tag, dict(element.attrib))
        line.add(element.text or "")
    del formula[:]
    formula.text, formula.tag = line.line(), "div" if formula.get("display") == "block" else "span"


def _mark_raised(raised: HtmlElement) -> None:
    """Part a raised figure from what it follows."""
    text, before = "".join(raised.itertext("*")).strip(), _text_before(raised)
    is_link = raised.getparent().tag == "a" or next(raised.iter("a"), None) is not None
    if is_link or (_LONG_WORD.search(before) and text[:1].isdecimal()):
        _put_in_brackets(raised)
    elif before[-1:].isdecimal() and _POWER.match(text) and (text[-1:].isdecimal() or len(text) == 1):
        raised.text = f"^{raised.text or ''}"


def _put_in_brackets(mark: HtmlElement) -> None:
    """Put the mark of a note in brackets, if it has none."""
    if not _RAISED.match("".join(mark.itertext("*")).strip()):
        return
    mark.text = f"[{mark.text or ''}"
    if len(mark):
        mark[-1].tail = f"{mark[-1].tail or ''}]"
    else:
        mark.text += "]"


def _text_before(element: HtmlElement) -> str:
    """The text between an element and the one before it, or else the text of the one before it."""
    before = element.getprevious()
    if before is None:
        return element.getparent().text or ""
    return before.tail or ("".join(before.itertext("*")) if isinstance(before.tag, str) else "")


def _repeat_merged_cells(section: HtmlElement, copies: _Copies) -> None:
    """Repeat the cells of a part of a table in all rows and columns that they cover.

    A cell that alone is a row stays one: it is a title.
    """
    open_cells: dict[int, _MergedCell] = {}
    """By the first column of each, from 0."""
    rows = [row for row in section if row.tag == "tr"]
    for number, row in enumerate(rows):
        column, begun = 0, dict[int, _MergedCell]()
        cells = [each for each in row if each.tag in CELLS]
        is_title = len(cells) == 1 and not open_cells
        for cell in [*cells, None]:
            while (above := open_cells.get(column)) is not None and cells:
                if _label(above.cell):
                    copies.insert(row, len(row) if cell is None else row.index(cell), above.cell, above.columns)
                column += above.columns
            if cell is not None:
                columns, reach = _span(cell, "colspan"), _span(cell, "rowspan") or len(rows) - number
                copies.insert(row, row.index(cell) + 1, cell, 0 if is_title else columns - 1)
                begun[column] = _MergedCell(cell, columns, reach)
                column += columns
        open_cells = {
            at: _MergedCell(each.cell, each.columns, each.rows - 1)
            for at, each in {**open_cells, **begun}.items()
            if each.rows > 1
        }


def _is_merged(cell: HtmlElement) -> bool:
    return _span(cell, "rowspan") != 1 or _span(cell, "colspan") != 1


def _span(cell: HtmlElement, name: str) -> int:
    """How many rows or columns a cell covers; 0 for all rows that follow."""
    number = whole_number(cell.get(name))
    return 1 if number is None or (name == "colspan" and not number) else min(number, MAX_SPAN)


def _label(cell: HtmlElement) -> str:
    """The text of a cell that is repeated; "" if it is a passage, or if not all of it is visible."""
    text = " ".join("".join(cell.itertext("*")).split())
    return "" if len(text) > MAX_REPEATED or any(map(is_silent, cell.iter("*"))) else text
