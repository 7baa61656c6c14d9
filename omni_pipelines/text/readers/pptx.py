"""PowerPoint: slides in the order they are shown, each a page; titles are headings, notes stand below."""

from __future__ import annotations

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.archive import Archive
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.office import declared, relations
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml

_PRESENTATION = "ppt/presentation.xml"
_TITLES = {"title", "ctrTitle"}
_FURNITURE = {"sldNum", "dt", "ftr", "hdr"}
"""Placeholders that say the same on every slide."""


def read(raw: bytes, name: str) -> Parsed:
    """Each slide's title, texts and tables, then its notes.

    Raises:
        Unreadable: as `Archive` and `parse_xml` say, or E_NO_TEXT.
    """
    archive = Archive(raw)
    order = _Order()
    parse_xml(archive.read(_PRESENTATION), order)
    targets = relations(archive, _PRESENTATION)
    extraction = Extraction()
    for number, identity in enumerate(order.slides, 1):
        if identity not in targets:
            raise Unreadable(RefusalCode.PARSE, f"slide {number} is missing")
        part = targets[identity][1]
        extraction.page(number)
        parse_xml(archive.read(part), _Slide(extraction))
        for kind, notes in relations(archive, part).values():
            if kind == "notesSlide":
                parse_xml(archive.read(notes), _Slide(extraction))
    said = declared(archive)
    return extraction.parsed(name, said.title, language=said.language)


class _Order(XmlHandler):
    def __init__(self) -> None:
        self.slides: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sldId":  # its own number is an `id` without a namespace, and comes first
            self.slides.append(list(attributes.values())[-1])


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
            self._say("".join(self._paragraph).strip())
            self._paragraph = None
        elif name == "tr" and self._cells is not None:
            self._extraction.row([" ".join(cell) for cell in self._cells], first=not self._rows)
            self._rows += 1
            self._cells = None

    def text(self, data: str) -> None:
        if self._in_text and self._paragraph is not None:
            self._paragraph.append(data)

    def _say(self, text: str) -> None:
        if self._cells:
            self._cells[-1].append(text)
        elif self._placeholder in _TITLES:
            self._extraction.heading(1, text)
        elif self._placeholder not in _FURNITURE:
            self._extraction.block(text)
