"""The text of one slide of a PowerPoint file (ECMA-376, part 1, 19 and 21)."""

from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler
from omni_pipelines.text.readers.office.formula import ROOTS, Formula
from omni_pipelines.text.readers.office.list_numbers import numeral
from omni_pipelines.text.readers.office.package_parts import Alternatives
from omni_pipelines.text.readers.office.symbol_fonts import is_symbol_font, symbols
from omni_pipelines.text.readers.office.table_grid import TableGrid

_TITLES = {"title", "ctrTitle"}
_MARGINS = {"ftr": "Footer", "hdr": "Header"}
_LEFT_OUT = {"sldNum", "dt"}
"""Placeholders for the number of the slide and the date."""
_DRAWINGS = {"chart": "r:id", "relIds": "r:dm"}
_NUMERALS = {
    "arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman", "circleNum": "decimalEnclosedCircle", "ea1": "chineseCounting",
}  # fmt: skip
"""How the names of automatic numbers start."""
_FRAMES = {"Period": "{}.", "ParenBoth": "({})", "ParenR": "{})", "Plain": "{}"}
"""How the names of automatic numbers end."""


class SlideText(XmlHandler):
    """Reads a slide and adds its text to the extraction."""

    def __init__(self, extraction: Extraction) -> None:
        self.margins: list[tuple[str, str]] = []
        """(Header or Footer, text) of placeholders that most slides repeat."""
        self.drawings: list[str] = []
        """Ids of the relations to charts and diagrams, in the order of the slide."""
        self._extraction = extraction
        self._paragraph: list[str] | None = None
        self._in_text = self._in_number = self._is_hidden = False
        self._placeholder = ""
        self._table: TableGrid | None = None
        self._formula: Formula | None = None
        self._alternatives = Alternatives()
        self._font = ""
        self._raised = False
        self._level = 0
        self._numbers: dict[int, tuple[str, int]] = {}
        """Level of the outline to the kind of its last automatic number, and that number."""
        self._label = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self._alternatives.start(name)
        if self._formula is not None:
            self._formula.start(name, attributes)
        elif name in ROOTS:
            self._formula = Formula()
            self._formula.start(name, attributes)
        elif name in ("sp", "graphicFrame", "pic", "cxnSp"):
            self._placeholder, self._numbers, self._is_hidden = "", {}, False
        elif name == "cNvPr":
            self._is_hidden |= attributes.get("hidden", "0") in ("1", "true")
        elif name == "ph":
            self._placeholder = attributes.get("type", "body")
        elif name == "sld" and attributes.get("show", "1") in ("0", "false"):
            self._extraction.block("Hidden slide:")
        elif name in _DRAWINGS and not self._alternatives.is_skipped:
            self.drawings.append(attributes.get(_DRAWINGS[name], ""))
            self._alternatives.found()
        elif name in ("tbl", "tr", "tc"):
            self._start_table(name, attributes)
        else:
            self._start_text(name, attributes)

    def _start_text(self, name: str, attributes: Attributes) -> None:
        if name == "p":
            self._paragraph, self._label, self._level = [], "", 0
        elif name == "pPr":
            value = attributes.get("lvl", "0")
            self._level = int(value) if value.isdecimal() and len(value) < 3 else 0
        elif name == "buAutoNum":
            self._number(attributes)
        elif name == "t":
            self._in_text = True
        elif name == "fld":
            self._in_number = attributes.get("type") == "slidenum"
        elif name == "br" and self._paragraph is not None:
            self._paragraph.append("\n")
        elif name in ("r", "rPr"):
            self._font = ""
            self._raised = (
                attributes.get("baseline", "0").lstrip("+").isdecimal() and attributes.get("baseline") != "0"
            )
        elif name in ("sym", "latin") and is_symbol_font(attributes.get("typeface", "")):
            self._font = attributes["typeface"] if name == "latin" or not self._font else self._font

    def _start_table(self, name: str, attributes: Attributes) -> None:
        if name == "tbl":
            self._table, self._placeholder = TableGrid(), ""
        elif self._table is not None and name == "tr":
            self._table.start_row()
        elif self._table is not None:
            cell = self._table.start_cell()
            cell.continues_left = attributes.get("hMerge", "0") in ("1", "true")
            cell.continues_above = attributes.get("vMerge", "0") in ("1", "true")

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        self._alternatives.end(name)
        if self._formula is not None:
            self._formula.end()
            if not self._formula.is_open:
                self._add(self._formula.line())
                self._formula = None
        elif name == "t":
            self._in_text = False
        elif name == "fld":
            self._in_number = False
        elif name == "p" and self._paragraph is not None:
            text, self._paragraph = "".join(self._paragraph).strip(), None
            self._end_paragraph(text)
        elif name == "tr" and self._table is not None:
            is_first = not self._table.rows
            self._extraction.row(self._table.end_row(), first=is_first)
        elif name == "tbl":
            self._table = None

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._formula is not None:
            self._formula.add(data)
        elif self._in_text and not self._in_number:
            self._add(symbols(data, self._font))

    def _add(self, text: str) -> None:
        if self._paragraph is None or self._alternatives.is_skipped:
            return
        before = "".join(self._paragraph[-1:])
        if self._raised and text.strip("-\u2212").isdecimal() and before[-1:].isdecimal():
            text = f"^{text}"  # 10 to the power of 6 is not 106
        self._paragraph.append(text)
        if text.strip():
            self._alternatives.found()

    def _number(self, attributes: Attributes) -> None:
        """Count an item with an automatic number."""
        kind, start = attributes.get("type", ""), attributes.get("startAt", "1")
        first = int(start) if start.isdecimal() and len(start) < 6 else 1
        last_kind, last = self._numbers.get(self._level, ("", 0))
        number = last + 1 if last_kind == f"{kind}{first}" else first
        self._numbers = {level: each for level, each in self._numbers.items() if level < self._level}
        self._numbers[self._level] = f"{kind}{first}", number
        numerals = next((name for prefix, name in _NUMERALS.items() if kind.startswith(prefix)), "decimal")
        frame = next((frame for suffix, frame in _FRAMES.items() if kind.endswith(suffix)), "{}.")
        self._label = frame.format(numeral(number, numerals))

    def _end_paragraph(self, text: str) -> None:
        if not text or self._is_hidden:
            return
        if not self._label:
            self._numbers = {level: each for level, each in self._numbers.items() if level < self._level}
        text = f"{self._label} {text}" if self._label else text
        if self._table is not None and self._table.cells:
            self._table.cells[-1].texts.append(text)
        elif self._placeholder in _TITLES:
            self._extraction.heading(1, text)
        elif self._placeholder in _MARGINS:
            self.margins.append((_MARGINS[self._placeholder], text))
        elif self._placeholder not in _LEFT_OUT:
            self._extraction.block(text)
