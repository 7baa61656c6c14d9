"""PowerPoint: slides in the order they are shown, each a page; titles are headings.

Charts, diagrams, notes and comments follow their slide. Of several renderings of one drawing, one is read.
"""

from dataclasses import dataclass, field

from omni_pipelines.refusals import RefusalCode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.office.drawing_parts import DRAWING_KINDS, drawing_text
from omni_pipelines.text.readers.office.package_parts import (
    CORE_PROPERTIES,
    document_properties,
    main_part,
    relations,
)
from omni_pipelines.text.readers.office.slide_text import SlideText
from omni_pipelines.text.readers.office.zip_archive import ZipArchive

_MAIN = "ppt/presentation.xml"
_MAIN_TYPES = ("presentation.main+xml", "template.main+xml", "slideshow.main+xml")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: for each slide its title, texts and tables, then its charts, diagrams, notes and comments."""
    archive = ZipArchive(raw)
    main = main_part(archive, _MAIN, _MAIN_TYPES)
    targets = relations(archive, main)
    deck = _Deck(archive, Extraction(), _authors(archive, targets))
    order = [attributes.get("r:id", "") for _, attributes in elements(archive.read(main), "sldId")]
    for number, relation_id in enumerate(order, 1):
        _, part = targets.get(relation_id, ("", ""))
        if archive.find(part):
            deck.extraction.page(number)
            deck.read_slide(part)
        else:
            deck.extraction.cut(f"slide {number} is missing", RefusalCode.PARSE)
    return deck.extraction.parsed(name, *document_properties(archive.optional(CORE_PROPERTIES)))


def _authors(archive: ZipArchive, targets: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The names of the people who comment, by their ids."""
    authors = {}
    for kind, part in targets.values():
        if kind in ("commentAuthors", "authors"):
            for _, attributes in elements(archive.optional(part), "cmAuthor", "author"):
                authors[attributes.get("id", "")] = attributes.get("name", "")
    return authors


@dataclass
class _Deck:
    archive: ZipArchive
    extraction: Extraction
    authors: dict[str, str]
    margins: set[str] = field(default_factory=set)
    """Headers and footers of slides that are already written: most slides repeat them."""

    def read_slide(self, part: str) -> None:
        """Write a slide with everything that belongs to it."""
        slide = SlideText(self.extraction)
        parse_xml(self.archive.read(part), slide)
        for kind, text in slide.margins:
            if text not in self.margins and any(character.isalpha() for character in text):
                self.margins.add(text)
                self.extraction.block(f"{kind}: {text}")
        targets = relations(self.archive, part)
        shown = [targets[each] for each in slide.drawings if each in targets]
        for kind, drawing in dict.fromkeys([*shown, *targets.values()]):
            if kind in DRAWING_KINDS and (raw := self.archive.optional(drawing)) is not None:
                drawing_text(raw, self.extraction)
        for kind, each in targets.values():
            if kind == "notesSlide" and (raw := self.archive.optional(each)) is not None:
                self._read_notes(raw)
            elif kind == "comments" and (raw := self.archive.optional(each)) is not None:
                parse_xml(raw, _Comments(self.extraction, self.authors))

    def _read_notes(self, raw: bytes) -> None:
        notes = Extraction()
        parse_xml(raw, SlideText(notes))
        if notes.length:
            self.extraction.block(f"Note: {notes.parsed('').text}")


class _Comments(XmlHandler):
    """Comments on one slide: texts of older files, paragraphs of newer ones."""

    def __init__(self, extraction: Extraction, authors: dict[str, str]) -> None:
        self._extraction, self._authors = extraction, authors
        self._open: list[tuple[str, list[str]]] = []
        self._in_text = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name in ("cm", "reply"):
            self._open.append((self._authors.get(attributes.get("authorId", ""), ""), []))
        elif name in ("t", "text"):
            self._in_text = True
        elif name == "replyLst":
            self._write()

    def end(self, name: str) -> None:
        if name in ("t", "text"):
            self._in_text = False
        elif name == "p" and self._open:
            self._open[-1][1].append(" ")
        elif name in ("cm", "reply") and self._open:
            self._write()
            self._open.pop()

    def text(self, data: str) -> None:
        if self._in_text and self._open:
            self._open[-1][1].append(data)

    def _write(self) -> None:
        if self._open:
            author, texts = self._open[-1]
            text = "".join(texts).strip()
            texts.clear()
            if text:
                self._extraction.block(f"Comment{f' by {author}' if author else ''}: {text}")
