"""PowerPoint: slides in the order they are shown, each a page; titles are headings, notes follow their slide."""

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.office import CORE_PROPERTIES, document_properties, relations
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive

_PRESENTATION = "ppt/presentation.xml"
_TITLES = {"title", "ctrTitle"}
_REPEATED = {"sldNum", "dt", "ftr", "hdr"}
"""Placeholders with the same text on every slide."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: for each slide its title, texts and tables, then its notes."""
    archive = ZipArchive(raw)
    # a slide has two ids; the first, without a namespace, is its own number
    order = [list(attributes.values())[-1] for _, attributes in elements(archive.read(_PRESENTATION), "sldId")]
    targets = relations(archive, _PRESENTATION)
    extraction = Extraction()
    for number, relation_id in enumerate(order, 1):
        if relation_id not in targets:
            raise Unreadable(RefusalCode.PARSE, f"slide {number} is missing")
        part = targets[relation_id][1]
        extraction.page(number)
        parse_xml(archive.read(part), _Slide(extraction))
        for kind, notes in relations(archive, part).values():
            if kind == "notesSlide":
                parse_xml(archive.read(notes), _Slide(extraction))
    return extraction.parsed(name, *document_properties(archive.optional(CORE_PROPERTIES)))


class _Slide(XmlHandler):
    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction
        self._paragraph: list[str] | None = None
        self._in_text = False
        self._placeholder = ""
        self._cells: list[list[str]] | None = None
        self._rows = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sp":
            self._placeholder = ""
        elif name == "ph":
            self._placeholder = attributes.get("type", "body")
        elif name == "p":
            self._paragraph = []
        elif name == "t":
            self._in_text = True
        elif name == "br" and self._paragraph is not None:
            self._paragraph.append("\n")
        elif name == "tbl":
            self._rows, self._placeholder = 0, ""
        elif name == "tr":
            self._cells = []
        elif name == "tc" and self._cells is not None:
            self._cells.append([])

    def end(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name == "p" and self._paragraph is not None:
            self._add_text("".join(self._paragraph).strip())
            self._paragraph = None
        elif name == "tr" and self._cells is not None:
            self._extraction.row([" ".join(cell) for cell in self._cells], first=not self._rows)
            self._rows += 1
            self._cells = None

    def text(self, data: str) -> None:
        if self._in_text and self._paragraph is not None:
            self._paragraph.append(data)

    def _add_text(self, text: str) -> None:
        if self._cells:
            self._cells[-1].append(text)
        elif self._placeholder in _TITLES:
            self._extraction.heading(1, text)
        elif self._placeholder not in _REPEATED:
            self._extraction.block(text)
