"""Word: paragraphs, headings, numbered lists, tables, formulas, charts and diagrams, notes, comments and headers.

The parts are found by their relations, whatever their names are. A paragraph is a heading if its style is one, or has
an outline level.
"""

from collections.abc import Callable

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup import html
from omni_pipelines.text.readers.markup.xml_stream import Attributes, parse_xml
from omni_pipelines.text.readers.office.drawing_parts import DRAWING_KINDS, drawing_text
from omni_pipelines.text.readers.office.package_parts import (
    CORE_PROPERTIES,
    document_properties,
    main_part,
    relations,
)
from omni_pipelines.text.readers.office.word_numbering import NumberingDefinitions, WordNumbering
from omni_pipelines.text.readers.office.word_styles import WordStyles
from omni_pipelines.text.readers.office.word_text import Block, Paragraph, Row, WordText
from omni_pipelines.text.readers.office.zip_archive import ZipArchive
from omni_pipelines.text.readers.rtf import rtf
from omni_pipelines.text.table_headers import CELL_SEPARATOR

_MAIN = "word/document.xml"
_MAIN_TYPES = ("document.main+xml", "template.main+xml")
_NOTE_KINDS = {"footnotes": "footnote", "endnotes": "endnote", "comments": "comment"}
MAX_INSERTED = 3
"""Levels of files that are inserted into each other."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: headers, the body with its notes and comments below their paragraphs, then footers."""
    archive = ZipArchive(raw)
    document = _Document(archive, Extraction(), 0)
    document.read_body()
    return document.extraction.parsed(name, *document_properties(archive.optional(CORE_PROPERTIES)))


class _Document:
    def __init__(self, archive: ZipArchive, extraction: Extraction, inserted: int) -> None:
        self.extraction = extraction
        self._archive, self._inserted = archive, inserted
        self._main = main_part(archive, _MAIN, _MAIN_TYPES)
        self._relations = relations(archive, self._main)
        self._styles = WordStyles(self._part("styles"))
        self._numbering = NumberingDefinitions(self._part("numbering"))
        self._notes = {kind: self._read_notes(part_kind, kind) for part_kind, kind in _NOTE_KINDS.items()}
        self._is_after_item = False
        self._read_relations: set[str] = set()

    def read_body(self) -> None:
        """Write the whole document."""
        self._write_margins("header")
        parse_xml(self._archive.read(self._main), self._reader(self._write))
        for kind, notes in self._notes.items():  # nothing refers to them, or only hidden text does
            for note_id in list(notes):
                self._write_note(kind, note_id)
        for relation_id, (kind, _) in self._relations.items():
            if kind in DRAWING_KINDS:
                self._write_part(relation_id)
        self._write_margins("footer")

    def _part(self, kind: str) -> bytes | None:
        """The bytes of the part with a kind, if the document has one."""
        name = next((part for each, part in self._relations.values() if each == kind), f"word/{kind}.xml")
        return self._archive.optional(name)

    def _reader(self, write: Callable[[Block], None]) -> WordText:
        return WordText(write, self._styles, WordNumbering(self._numbering, self._styles))

    def _read_notes(self, part_kind: str, kind: str) -> dict[str, tuple[str, str]]:
        """Id to (mark, text) of the notes of one kind that are not written yet."""
        raw = self._part(part_kind)
        if raw is None:
            return {}
        handler = _Notes(kind, self._styles, WordNumbering(self._numbering, self._styles))
        parse_xml(raw, handler)
        return {note_id: (mark, "\n".join(texts)) for note_id, (mark, texts) in handler.notes.items() if any(texts)}

    def _write(self, block: Block) -> None:
        if isinstance(block, Row):
            self.extraction.row(block.cells, first=block.is_first)
        elif isinstance(block, Paragraph):
            self._write_paragraph(block)
            return
        elif block.kind == "part":
            self._write_part(block.target)
        else:
            self._write_note(block.kind, block.target)
        self._is_after_item = False

    def _write_paragraph(self, paragraph: Paragraph) -> None:
        is_item = bool(paragraph.label) and not paragraph.level
        if paragraph.level:
            self.extraction.heading(paragraph.level, paragraph.labelled)
        else:
            indent = "  " * min(paragraph.depth, 8) if paragraph.label == "-" else ""
            self.extraction.block(indent + paragraph.labelled, apart=not (is_item and self._is_after_item))
        self._is_after_item = is_item

    def _write_note(self, kind: str, note_id: str) -> None:
        mark, text = self._notes[kind].pop(note_id, ("", ""))
        if text:
            self.extraction.block(f"{mark}: {text}")

    def _write_margins(self, kind: str) -> None:
        """Write the headers or footers, each text once, unless they have only page numbers."""
        written: dict[str, None] = {}
        for each, part in self._relations.values():
            raw = self._archive.optional(part) if each == kind else None
            if raw is not None:
                blocks: list[Block] = []
                parse_xml(raw, self._reader(blocks.append))
                written["\n".join(filter(None, map(block_text, blocks)))] = None
        for text in written:
            if any(character.isalpha() for character in text):
                self.extraction.block(f"{kind.capitalize()}: {text}")

    def _write_part(self, relation_id: str) -> None:
        """Write the text of a part that the document shows: a chart, a diagram, or an inserted file."""
        if relation_id in self._read_relations or relation_id not in self._relations:
            return
        self._read_relations.add(relation_id)
        kind, part = self._relations[relation_id]
        raw = self._archive.optional(part)
        if raw is None:
            self.extraction.cut(f"{part} is missing", RefusalCode.PARSE)
        elif kind in DRAWING_KINDS:
            drawing_text(raw, self.extraction)
        elif kind == "aFChunk":
            self._insert(raw, part)

    def _insert(self, raw: bytes, part: str) -> None:
        if self._inserted >= MAX_INSERTED:
            self.extraction.cut(f"{part} is inserted into more than {MAX_INSERTED} files inside each other")
            return
        try:
            if raw.startswith(b"PK"):
                _Document(ZipArchive(raw), self.extraction, self._inserted + 1).read_body()
                return
            parsed = rtf.read(raw, part) if raw.lstrip().startswith(b"{\\rtf") else html.read_visible(raw, part)
        except Unreadable as error:
            if error.code in (RefusalCode.OUTPUT_LIMIT, RefusalCode.ZIP_BOMB):
                raise
            self.extraction.cut(f"{part}: {error.detail}", error.code)
            return
        if parsed is not None:
            self.extraction.include(parsed)


def block_text(block: Block) -> str:
    """A block as a part of another text; "" for a reference."""
    if isinstance(block, Paragraph):
        return block.labelled
    return CELL_SEPARATOR.join(map(one_line, block.cells)) if isinstance(block, Row) else ""


class _Notes(WordText):
    """Collects the notes of a part by their ids."""

    def __init__(self, kind: str, styles: WordStyles, numbering: WordNumbering) -> None:
        super().__init__(self._collect, styles, numbering)
        self.notes: dict[str, tuple[str, list[str]]] = {}
        self._kind = kind
        self._texts: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == self._kind:
            author = one_line(attributes.get("author", ""))
            mark = self._kind.capitalize() + (f" by {author}" if author else "")
            self._texts = []
            self.notes[attributes.get("id", f"#{len(self.notes)}")] = (mark, self._texts)
        super().start(name, attributes)

    def _collect(self, block: Block) -> None:
        self._texts.append(block_text(block))
