"""The text of one part of a Word file (ECMA-376, part 1, 17), as a stream of paragraphs, rows and references.

Left out is what Word does not show: deleted and moved text, hidden text, field codes, readings above characters, and
all but one of several renderings of the same drawing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from omni_pipelines.text.readers.extraction import one_line
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler
from omni_pipelines.text.readers.office.formula import ROOTS, Formula
from omni_pipelines.text.readers.office.package_parts import Alternatives, is_on
from omni_pipelines.text.readers.office.symbol_fonts import is_symbol_font, symbols
from omni_pipelines.text.readers.office.table_grid import TableGrid
from omni_pipelines.text.readers.office.word_numbering import WordNumbering
from omni_pipelines.text.readers.office.word_styles import WordStyles, heading_level
from omni_pipelines.text.table_headers import CELL_SEPARATOR

_SILENT = {"instrText", "delInstrText", "delText", "del", "moveFrom", "rt", "binData"}
_AS_TEXT = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_NOTE_MARKS = {"footnoteReference": "footnote", "endnoteReference": "endnote", "commentReference": "comment"}
_NOTE_MARKS |= {"commentRangeEnd": "comment"}
_PART_MARKS = {"chart": "r:id", "relIds": "r:dm", "altChunk": "r:id"}
"""Elements that stand for the text of another part, and the attribute with the id of the relation to it."""
_ENDS_OF_TEXT = {"tc", "txbxContent", "body", "hdr", "ftr", "footnote", "endnote", "comment"}
_BOXES = {"0": "\u2610", "1": "\u2612"}
_ENDS_WITH_DIGIT = re.compile(r"\d$")
_NUMBER = re.compile(r"[-\u2212+]?\d+")


@dataclass
class Paragraph:
    """A paragraph with its place in an outline or a list."""

    text: str
    level: int = 0
    """Of a heading, from 1; 0 for body text."""
    label: str = ""
    """Of an item of a list."""
    depth: int = 0
    """Of an item of a list, from 0."""

    @property
    def labelled(self) -> str:
        """The text after its label."""
        return f"{self.label} {self.text}" if self.label and self.text else self.text


@dataclass
class Row:
    """A row of a table."""

    cells: list[str]
    is_first: bool


@dataclass
class Reference:
    """A place that refers to a note, by its id, or to the text of another part, by the id of its relation."""

    kind: str
    """footnote | endnote | comment | part"""
    target: str


Block = Paragraph | Row | Reference


@dataclass
class _OpenParagraph:
    """A paragraph that is being read. A text box is inside one, and its paragraphs follow it."""

    texts: list[str] = field(default_factory=list)
    after: list[Block] = field(default_factory=list)
    style: str = ""
    level: int | None = None
    is_listed: bool = False
    list_id: str | None = None
    list_level: int | None = None
    joins_next: bool = False
    """The next paragraph continues it: it is a drop cap, or its end is deleted."""


@dataclass
class _Run:
    style: str = ""
    is_hidden: bool | None = None
    font: str | None = None
    is_raised: bool = False


class _Table(TableGrid):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[list[Paragraph]] = []
        """The paragraphs of each cell of the current row."""
        self.after: list[Block] = []
        self.is_row_hidden = False


class WordText(XmlHandler):
    """Reads a part and gives its blocks, in order, to `write`."""

    def __init__(self, write: Callable[[Block], None], styles: WordStyles, numbering: WordNumbering) -> None:
        self._write, self._styles, self._numbering = write, styles, numbering
        self._silent = self._in_text = self._mark_properties = 0
        self._open: list[_OpenParagraph | _Table] = []
        """The paragraphs and tables around the current place, outermost first."""
        self._run = _Run()
        self._fields: list[bool] = []
        """Whether the code of each field around the current place is being read, and not its result."""
        self._carried = ""
        self._alternatives = Alternatives()
        self._formula: Formula | None = None
        self._choices: list[str] = []
        self._choice = -1

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self._alternatives.start(name)
        self._silent += name in _SILENT
        self._in_text += name == "t"
        if self._formula is not None:
            self._formula.start(name, attributes)
        elif name in ROOTS:
            self._formula = Formula()
            self._formula.start(name, attributes)
        elif name == "p":
            self._open.append(_OpenParagraph())
        elif name == "r":
            self._run = _Run()
        elif name == "tbl":
            self._end_carried()
            self._open.append(_Table())
        elif name in _NOTE_MARKS or name in _PART_MARKS:
            self._refer(name, attributes)
        elif self._paragraph is not None:
            self._inside_paragraph(self._paragraph, name, attributes)
        elif self._table is not None:
            self._inside_table(self._table, name, attributes)

    @property
    def _paragraph(self) -> _OpenParagraph | None:
        """The paragraph that the current place is directly in."""
        return self._open[-1] if self._open and isinstance(self._open[-1], _OpenParagraph) else None

    @property
    def _table(self) -> _Table | None:
        """The table that the current place is directly in, outside its paragraphs."""
        return self._open[-1] if self._open and isinstance(self._open[-1], _Table) else None

    @staticmethod
    def _inside_table(table: _Table, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        if name == "tr":
            table.start_row()
            table.blocks, table.is_row_hidden = [], False
        elif name == "tc":
            table.start_cell()
            table.blocks.append([])
        elif name == "gridBefore" and value.isdecimal():
            table.skip_columns(int(value[:4]))
        elif name == "hidden" and not table.cells:
            table.is_row_hidden = is_on(attributes)
        elif table.cells and name == "gridSpan" and value.isdecimal():
            table.cells[-1].columns = int(value[:4])
        elif table.cells and name == "vMerge":
            table.cells[-1].continues_above = value != "restart"
        elif table.cells and name == "hMerge":
            table.cells[-1].continues_left = value != "restart"

    def _refer(self, name: str, attributes: Attributes) -> None:
        if self._silent or self._alternatives.is_skipped:
            return
        if name in _NOTE_MARKS:
            reference = Reference(_NOTE_MARKS[name], attributes.get("id", ""))
        else:
            reference = Reference("part", attributes.get(_PART_MARKS[name], ""))
            self._alternatives.found()
        self._give([reference])

    def _inside_paragraph(self, paragraph: _OpenParagraph, name: str, attributes: Attributes) -> None:
        if name in _AS_TEXT and "val" not in attributes:  # in a style, a tab is a tab stop
            self._add(_AS_TEXT[name])
        elif name == "sym":
            code = attributes.get("char", "")
            if re.fullmatch("[0-9A-Fa-f]{1,4}", code):
                self._add(symbols(chr(int(code, 16)), attributes.get("font", "")))
        elif name == "fldChar":
            self._field(attributes.get("fldCharType", ""))
        elif name == "textpath":
            paragraph.after.append(Paragraph(one_line(attributes.get("string", ""))))
        elif name in ("checkBox", "ddList", "checked", "default", "result", "listEntry"):
            self._form_field(name, attributes)
        elif not self._run_property(name, attributes):
            self._paragraph_property(paragraph, name, attributes)

    def _run_property(self, name: str, attributes: Attributes) -> bool:
        if name == "rStyle":
            self._run.style = attributes.get("val", "")
        elif name == "vanish" and not self._mark_properties:
            self._run.is_hidden = is_on(attributes)
        elif name == "rFonts":
            self._run.font = attributes.get("ascii") or attributes.get("hAnsi") or self._run.font
        elif name == "vertAlign":
            self._run.is_raised = attributes.get("val") == "superscript"
        else:
            return False
        return True

    def _paragraph_property(self, paragraph: _OpenParagraph, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        if name == "pPr":
            self._mark_properties += 1
        elif name == "del" and self._mark_properties:  # the end of the paragraph, which Word keeps as a character
            paragraph.joins_next = True
        elif name == "pStyle":
            paragraph.style = value
        elif name == "outlineLvl":
            paragraph.level = heading_level(value)
        elif name == "numPr":
            paragraph.is_listed = True
        elif name == "numId":
            paragraph.list_id = value
        elif name == "ilvl" and value.isdecimal():
            paragraph.list_level = int(value[:4])
        elif name == "framePr":
            paragraph.joins_next |= attributes.get("dropCap", "none") != "none"

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(True)
        elif kind == "separate" and self._fields:
            self._fields[-1] = False
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _form_field(self, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        if name in ("checkBox", "ddList"):
            self._choices, self._choice = ([] if name == "ddList" else list(_BOXES.values())), 0
        elif name == "listEntry":
            self._choices.append(value)
        elif name in ("checked", "default", "result") and self._choice >= 0:
            self._choice = int(value) if value.isdecimal() and len(value) < 4 else int(is_on(attributes))

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if self._formula is not None:
            self._end_formula(self._formula)
        elif name == "p" and self._paragraph is not None:
            self._end_paragraph(self._paragraph)
        elif name == "pPr":
            self._mark_properties = max(0, self._mark_properties - 1)
        elif name == "r":
            self._run = _Run()
        elif name in ("checkBox", "ddList"):
            if 0 <= self._choice < len(self._choices):
                self._append(self._choices[self._choice])
            self._choice = -1
        elif name == "tr" and self._table is not None:
            self._end_row(self._table)
        elif name == "tbl" and self._table is not None:
            after = self._table.after
            self._open.pop()
            self._give(after)
        elif name in _ENDS_OF_TEXT:
            self._end_carried()
        self._silent -= name in _SILENT
        self._in_text -= name == "t"
        self._alternatives.end(name)

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._formula is not None:
            self._formula.add(data)
        elif self._in_text:
            self._add(data)

    def _end_formula(self, formula: Formula) -> None:
        formula.end()
        if formula.is_open:
            return
        self._formula = None
        if self._paragraph is None:
            self._give([Paragraph(formula.line())])
        else:
            self._append(formula.line())

    def _add(self, text: str) -> None:
        """Add text in the format of the current run, if that is shown."""
        paragraph = self._paragraph
        if paragraph is None or any(self._fields) or self._is_hidden(paragraph):
            return
        font = self._run.font
        if font is None and self._run.style:
            font = self._styles.get(self._run.style).font
        text = symbols(text, font if font and is_symbol_font(font) else "")
        before = paragraph.texts[-1] if paragraph.texts else ""
        if self._run.is_raised and _NUMBER.fullmatch(text) and _ENDS_WITH_DIGIT.search(before):
            text = f"^{text}"  # 10 to the power of 6 is not 106
        self._append(text)

    def _append(self, text: str) -> None:
        if self._paragraph is not None and not self._silent and not self._alternatives.is_skipped:
            self._paragraph.texts.append(text)
            if text.strip():
                self._alternatives.found()

    def _is_hidden(self, paragraph: _OpenParagraph) -> bool:
        if self._run.is_hidden is not None:
            return self._run.is_hidden
        # the property is a switch: of two styles that both set it, the second sets it back (17.7.3)
        by_paragraph = self._styles.get(paragraph.style or self._styles.default).is_hidden
        by_run = self._styles.get(self._run.style).is_hidden if self._run.style else None
        return bool(by_paragraph) != bool(by_run)

    def _end_paragraph(self, paragraph: _OpenParagraph) -> None:
        self._open.pop()
        text = "".join(paragraph.texts)
        if self._paragraph is None:  # not in a text box
            self._fields = [False] * len(self._fields)  # a code ends with its paragraph, even in a damaged file
            text, self._carried = self._carried + text, ""
            if paragraph.joins_next:
                self._carried = text
                self._give(paragraph.after)
                return
        placed = self._placed(paragraph, text.strip())
        self._give([*([placed] if placed.text else []), *paragraph.after])

    def _end_carried(self) -> None:
        """Write a text that no paragraph continues."""
        text, self._carried = self._carried.strip(), ""
        if text:
            self._give([Paragraph(text)])

    def _placed(self, open_paragraph: _OpenParagraph, text: str) -> Paragraph:
        style_id = open_paragraph.style or self._styles.default
        style = self._styles.get(style_id)
        level = open_paragraph.level if open_paragraph.level is not None else style.level
        paragraph = Paragraph(text, level or 0)
        list_id = open_paragraph.list_id or style.list_id
        if text and (list_id or open_paragraph.is_listed):
            place = open_paragraph.list_level
            if place is None and not open_paragraph.list_id:
                place = style.list_level
            label = self._numbering.label(list_id or "", place, style_id)
            paragraph.label, paragraph.depth = label or "", (place or 0) if label else 0
        return paragraph

    def _give(self, blocks: list[Block]) -> None:
        """Pass blocks on: to the paragraph or cell that they are in, or to the document."""
        for block in blocks:
            if self._paragraph is not None:
                self._paragraph.after.append(block)
            elif self._table is not None:
                self._give_cell(self._table, block)
            else:
                self._write(block)

    @staticmethod
    def _give_cell(table: _Table, block: Block) -> None:
        if isinstance(block, Row):  # a table in a cell is its text
            block = Paragraph(CELL_SEPARATOR.join(one_line(cell) for cell in block.cells))
        if isinstance(block, Reference) or not table.blocks:
            table.after.append(block)
        else:
            table.blocks[-1].append(block)
            table.cells[-1].texts.append(block.labelled)

    def _end_row(self, table: _Table) -> None:
        is_first, blocks = not table.rows, table.blocks
        cells = table.end_row()
        table.blocks = []
        if table.is_row_hidden or not any(cell.strip() for cell in cells):
            return
        self._open.pop()
        if len(blocks) == 1 and len(blocks[0]) > 1:  # a frame around paragraphs, not a row of a table
            self._give(list(blocks[0]))
        else:
            self._give([Row(cells, is_first)])
        self._open.append(table)
