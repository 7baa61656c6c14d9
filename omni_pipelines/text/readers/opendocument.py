"""OpenDocument: texts (odt), spreadsheets (ods) and presentations (odp), all from content.xml.

Kept are paragraphs, headings, lists and tables; comments and tracked changes are left out.
"""

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.office import document_properties
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive

_SILENT = {"tracked-changes", "annotation", "desc", "forms", "note-citation", "automatic-styles", "ruby-text"}
_PARAGRAPHS = {"p", "h"}
_AS_TEXT = {"tab": "\t", "line-break": "\n"}
_MAX_BLANKS = 64


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. A row of a table is one line, a sheet is a section, a slide is a page."""
    archive = ZipArchive(raw)
    extraction = Extraction()
    parse_xml(archive.read("content.xml"), _OpenDocumentHandler(extraction))
    return extraction.parsed(name, *document_properties(archive.optional("meta.xml")))


class _OpenDocumentHandler(XmlHandler):
    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction
        self._texts: list[list[str]] = []
        """Open paragraphs: a footnote is inside one."""
        self._silent = self._listed = self._slides = self._rows = 0
        self._level = 0
        self._after_item = self._is_spreadsheet = False
        self._cells: list[list[str]] | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        self._silent += name in _SILENT
        if name in _PARAGRAPHS:
            self._texts.append([])
            self._level = _level(attributes) if name == "h" else 0
        elif name in ("list-item", "list-header"):
            self._listed += 1
        elif name in _AS_TEXT or name == "s":
            self.text(_AS_TEXT.get(name) or " " * _count(attributes.get("c", "1")))
        else:
            self._container(name, attributes)

    def _container(self, name: str, attributes: Attributes) -> None:
        if name == "spreadsheet":
            self._is_spreadsheet = True
        elif name == "page":
            self._slides += 1
            self._extraction.page(self._slides)
        elif name == "table":
            self._rows = 0
            if self._is_spreadsheet:
                self._extraction.heading(1, attributes.get("name", ""))
        elif name == "table-row":
            self._cells = []
        elif name in ("table-cell", "covered-table-cell") and self._cells is not None:
            self._cells.append([])

    def end(self, name: str) -> None:
        self._silent -= name in _SILENT
        if name in _PARAGRAPHS and self._texts:
            self._paragraph("".join(self._texts.pop()).strip())
        elif name in ("list-item", "list-header"):
            self._listed -= 1
        elif name == "table-row" and self._cells is not None:
            cells, self._cells = [" ".join(cell) for cell in self._cells], None
            if any(cells):
                self._extraction.row(cells, first=not self._rows)
                self._rows += 1

    def text(self, data: str) -> None:
        if self._texts and not self._silent:
            self._texts[-1].append(data)

    def _paragraph(self, text: str) -> None:
        if self._cells:
            self._cells[-1].append(text)
        elif self._level:
            self._extraction.heading(self._level, text)
        elif text:
            is_item = self._listed > 0
            self._extraction.block(f"- {text}" if is_item else text, apart=not (is_item and self._after_item))
            self._after_item = is_item


def _level(attributes: Attributes) -> int:
    value = attributes.get("outline-level", "1")
    return int(value) if value.isdecimal() and 1 <= int(value) <= 10 else 1


def _count(value: str) -> int:
    return min(int(value), _MAX_BLANKS) if value.isdecimal() else 1
