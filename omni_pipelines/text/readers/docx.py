"""Word: paragraphs, headings, lists, tables and notes. Deleted text of tracked changes is left out.

A paragraph is a heading if its style is one, or has an outline level.
"""

import re

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.office import CORE_PROPERTIES, document_properties
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive
from omni_pipelines.text.table_headers import CELL_SEPARATOR

_SILENT = {"instrText", "delText", "Fallback", "del", "moveFrom"}
"""Field codes, deleted and moved text, and alternative renderings of content that is already there."""
_AS_TEXT = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_HEADING = re.compile(r"heading ?([1-9])$", re.IGNORECASE)
MAX_LEVEL = 9


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: the body, then footnotes and endnotes; a row of a table is one line."""
    archive = ZipArchive(raw)
    body = archive.read("word/document.xml")
    levels = _heading_levels(archive.optional("word/styles.xml"))
    extraction = Extraction()
    parse_xml(body, _Body(extraction, levels))
    for part in ("word/footnotes.xml", "word/endnotes.xml"):
        notes = archive.optional(part)
        if notes is not None:
            parse_xml(notes, _Body(extraction, {}))
    return extraction.parsed(name, *document_properties(archive.optional(CORE_PROPERTIES)))


def _heading_levels(styles: bytes | None) -> dict[str, int]:
    """The levels of the styles that are headings by their name or their outline level."""
    levels: dict[str, int] = {}
    style = ""
    for element, attributes in elements(styles, "style", "name", "outlineLvl"):
        value = attributes.get("val", "")
        if element == "style":
            style = attributes.get("styleId", "")
        elif element == "name" and (heading := _HEADING.match(value)):
            levels[style] = int(heading[1])
        elif element == "name" and value.lower() == "title":
            levels[style] = 1
        elif element == "outlineLvl" and style and _level(value):
            levels.setdefault(style, _level(value))
    return levels


def _level(value: str) -> int:
    """A heading level from 1; 0 for body text."""
    return int(value) + 1 if value.isdecimal() and int(value) < MAX_LEVEL else 0


class _Body(XmlHandler):
    def __init__(self, extraction: Extraction, levels: dict[str, int]) -> None:
        self._extraction, self._levels = extraction, levels
        self._silent = self._in_text = 0
        self._level = 0
        self._listed = self._after_item = False
        self._texts: list[list[str]] = []
        """Open paragraphs: a text box is inside one."""
        self._tables: list[_WordTable] = []

    def start(self, name: str, attributes: Attributes) -> None:
        self._silent += name in _SILENT
        self._in_text += name == "t"
        if name == "p":
            self._texts.append([])
            self._level, self._listed = 0, False
        elif name == "tbl":
            self._tables.append(_WordTable())
        elif name == "tc" and self._tables:
            self._tables[-1].cells.append([])
        elif name in _AS_TEXT and self._texts and "val" not in attributes:  # in a style, a tab is a tab stop
            self._texts[-1].append(_AS_TEXT[name])
        else:
            self._format(name, attributes.get("val", ""))

    def _format(self, name: str, value: str) -> None:
        if name == "pStyle":
            self._level = self._levels.get(value, 0)
        elif name == "outlineLvl":
            self._level = self._level or _level(value)
        elif name == "numPr":
            self._listed = True

    def end(self, name: str) -> None:
        self._silent -= name in _SILENT
        self._in_text -= name == "t"
        if name == "p" and self._texts:
            self._paragraph("".join(self._texts.pop()).strip())
        elif name == "tr" and self._tables:
            self._row()
        elif name == "tbl" and self._tables:
            self._tables.pop()

    def text(self, data: str) -> None:
        if self._in_text and not self._silent and self._texts:
            self._texts[-1].append(data)

    def _paragraph(self, text: str) -> None:
        if self._tables and self._tables[-1].cells:
            self._tables[-1].cells[-1].append(text)
        elif self._level:
            self._extraction.heading(self._level, text)
        elif text:
            self._extraction.block(
                f"- {text}" if self._listed else text, apart=not (self._listed and self._after_item)
            )
        self._after_item = self._listed and not self._level

    def _row(self) -> None:
        table = self._tables[-1]
        cells = [" ".join(paragraphs) for paragraphs in table.cells]
        table.cells = []
        if len(self._tables) > 1 and self._tables[-2].cells:  # a table in a cell is the cell's text
            self._tables[-2].cells[-1].append(CELL_SEPARATOR.join(one_line(cell) for cell in cells))
        else:
            self._extraction.row(cells, first=not table.rows)
        table.rows += 1


class _WordTable:
    def __init__(self) -> None:
        self.cells: list[list[str]] = []
        self.rows = 0
