"""OpenDocument: texts and presentations: paragraphs, headings, lists, tables, formulas, charts, notes and comments.

Left out is what is not shown: hidden text, tracked changes, readings above characters. A file is a zip file with
parts (odt, odp), or all parts in one XML file (fodt, fodp).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.office.formula import ROOTS, Formula
from omni_pipelines.text.readers.office.list_numbers import BULLET, ListCounter
from omni_pipelines.text.readers.office.open_styles import OUTLINE, OpenStyles
from omni_pipelines.text.readers.office.package_parts import document_properties
from omni_pipelines.text.readers.office.table_grid import MAX_SPAN, TableGrid
from omni_pipelines.text.readers.office.zip_archive import ZipArchive
from omni_pipelines.text.table_headers import CELL_SEPARATOR

_SILENT = {
    "tracked-changes", "desc", "forms", "note-citation", "automatic-styles", "ruby-text", "hidden-text",
    "binary-data",
}  # fmt: skip
_PARTS = {"content.xml", "styles.xml", "meta.xml"}
_NOT_CONTENT = {"meta", "settings", "scripts", "styles", "master-styles"}
"""The elements of a single XML file that are parts of their own in a zip file."""
_PARAGRAPHS = {"p", "h"}
_NOTES = {"annotation": "Comment", "note": "Footnote", "notes": "Notes", "header": "Header", "footer": "Footer"}
_NOTES |= {"header-left": "Header", "header-first": "Header", "footer-left": "Footer", "footer-first": "Footer"}
_AS_TEXT = {"tab": "\t", "line-break": "\n"}
_TITLE, _FRAMES = "title frame", (["frame"], ["custom-shape"], ["g"], ["title frame"])
_MAX_BLANKS = 64
_MANIFEST = "META-INF/manifest.xml"


class FlatFile:
    """A file that is one XML document: each of its parts is the whole."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read(self, _name: str) -> bytes:
        """The bytes of a part."""
        return self._raw

    def optional(self, name: str) -> bytes | None:
        """The bytes of a part; None if there is no such part."""
        return self._raw if name in _PARTS else None


def open_package(raw: bytes) -> ZipArchive | FlatFile:
    """The parts of a file.

    Raises:
        Unreadable: E_ENCRYPTED if it has a password; as `ZipArchive` does.
    """
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return FlatFile(raw)
    archive = ZipArchive(raw)
    if next(elements(archive.optional(_MANIFEST), "encryption-data"), None) is not None:
        raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password; save it again without one")
    return archive


def object_content(package: ZipArchive | FlatFile, link: str) -> bytes | None:
    """The content of a formula, chart or table that a link leads to; None for another file."""
    return package.optional(f"{link.removeprefix('./')}/content.xml") if link else None


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. A row of a table is one line, a slide is a page."""
    package = open_package(raw)
    extraction = Extraction()
    content, styles = package.read("content.xml"), OpenStyles()
    margins = _OpenDocumentHandler(Extraction(), styles, package)
    for part in (package.optional("styles.xml"), content):
        if part is not None:
            parse_xml(part, styles)
    if (part := package.optional("styles.xml")) is not None:
        parse_xml(part, margins)
    for text in margins.margins["Header"]:
        extraction.block(f"Header: {text}")
    parse_xml(content, _OpenDocumentHandler(extraction, styles, package, _SILENT | _NOT_CONTENT))
    for text in margins.margins["Footer"]:
        extraction.block(f"Footer: {text}")
    return extraction.parsed(name, *document_properties(package.optional("meta.xml")))


@dataclass
class _Table:
    grid: TableGrid = field(default_factory=TableGrid)
    covering: int = 0
    """Cells to the right that the last one covers."""
    has_header: bool = False
    repeated: int = 1
    """How many times the current row is repeated in the sheet."""


@dataclass
class _Note:
    kind: str
    texts: list[str] = field(default_factory=list)
    author: str = ""


class _OpenDocumentHandler(XmlHandler):
    def __init__(
        self,
        extraction: Extraction,
        styles: OpenStyles,
        package: ZipArchive | FlatFile,
        silent: Collection[str] = _SILENT,
    ) -> None:
        self.margins: dict[str, dict[str, None]] = {"Header": {}, "Footer": {}}
        self._extraction, self._styles, self._package = extraction, styles, package
        self._silent_elements = silent
        self._path: list[str] = []
        """The names of the elements around the current place."""
        self._formula: Formula | None = None
        self._is_in_object = False
        self._open: list[_Table | _Note | list[str]] = []
        """The tables, notes and paragraphs around the current place."""
        self._after: list[str] = []
        """Notes to be written below the current paragraph."""
        self._lists: list[str] = []
        """The styles of the lists around the current place."""
        self._counters: dict[str, ListCounter] = {}
        self._silent = self._slides = self._level = 0
        self._label, self._style = "", ""
        self._after_item = self._in_creator = False
        self._hidden: list[bool] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if self._formula is not None or name in ROOTS:
            self._formula = self._formula or Formula()
            self._formula.start(name, attributes)
            return
        self._silent += self._is_silent(name)
        is_title = name == "frame" and attributes.get("class") == "title"
        self._path.append(_TITLE if is_title else name)
        self._start(name, attributes)

    def _start(self, name: str, attributes: Attributes) -> None:
        if name in _PARAGRAPHS:
            self._style = attributes.get("style-name", "")
            self._hide(self._style)
            by_style = int(_TITLE in self._path) or self._styles.outline_level(self._style)
            self._level = _level(attributes) if name == "h" else by_style
            if self._level and OUTLINE in self._styles.lists and attributes.get("is-list-header") != "true":
                self._label = self._next_label(OUTLINE, self._level - 1)
            self._open.append([])
        elif name == "span":
            self._hide(attributes.get("style-name", ""))
        elif name == "section":
            self._push_hidden(hides=attributes.get("display") == "none" or attributes.get("is-hidden") == "true")
        elif name == "hidden-paragraph":
            self._hide_paragraph(attributes)
        elif name == "creator":
            self._in_creator = True
        elif name in _NOTES:
            is_end = attributes.get("note-class") == "endnote"
            self._open.append(_Note("Endnote" if is_end else _NOTES[name]))
        elif name in _AS_TEXT or name == "s":
            self.text(_AS_TEXT.get(name) or " " * _count(attributes.get("c", "1")))
        elif name in ("list", "list-item"):
            self._list(name, attributes)
        else:
            self._container(name, attributes)

    def _is_silent(self, name: str) -> bool:
        """Whether an element has no text that is shown; a title below a picture or frame is its name."""
        return name in self._silent_elements or (name == "title" and self._path[-1:] in _FRAMES)

    def _read_object(self, link: str) -> None:
        """Read a formula, a chart or a table that is a file of its own inside this one, at the current place."""
        raw = object_content(self._package, link)
        if raw is None or self._is_in_object:
            return
        inner = _OpenDocumentHandler(self._extraction, self._styles, self._package)
        inner._is_in_object, inner._open, inner._silent = True, self._open, self._silent
        depth = len(self._open)
        try:
            parse_xml(raw, inner)
        except Unreadable as error:
            self._extraction.cut(f"an object in it is damaged: {error.detail}", error.code)
        del self._open[depth:]

    def _end_formula(self, formula: Formula) -> None:
        self._formula = None
        if self._open and isinstance(self._open[-1], list):
            self.text(formula.line())
        elif not self._silent and formula.line():
            self._give(formula.line())

    def _hide(self, style: str) -> None:
        self._push_hidden(hides=self._styles.is_hidden(style))

    def _push_hidden(self, *, hides: bool) -> None:
        self._hidden.append(hides)
        self._silent += hides

    def _hide_paragraph(self, attributes: Attributes) -> None:
        if attributes.get("is-hidden") != "false" and self._open and isinstance(texts := self._open[-1], list):
            texts.clear()
            self._silent += not self._hidden[-1]
            self._hidden[-1] = True

    def _list(self, name: str, attributes: Attributes) -> None:
        if name == "list":
            outer = self._lists[-1] if self._lists else ""
            own = attributes.get("style-name") or outer
            if own and not self._lists and attributes.get("continue-numbering") != "true" and "id" not in attributes:
                self._counters.pop(own, None)
            self._lists.append(own)
        elif self._lists:
            self._label = self._next_label(self._lists[-1], len(self._lists) - 1)

    def _next_label(self, name: str, level: int) -> str:
        levels = self._styles.levels(name) or ([] if name == OUTLINE else [BULLET])
        return self._counters.setdefault(name, ListCounter()).next_label(level, levels) if levels else ""

    def _container(self, name: str, attributes: Attributes) -> None:
        if name == "object":
            self._read_object(attributes.get("href", ""))
        elif name == "page":
            self._slides += 1
            self._extraction.page(self._slides)
            if self._styles.is_hidden(attributes.get("style-name", "")):
                self._extraction.block("Hidden slide:")
        elif name == "table":
            self._open.append(_Table())
        elif (table := self._table) is None:
            return
        elif name == "table-row":
            table.grid.start_row()
            table.covering, table.repeated = 0, _count(attributes.get("number-rows-repeated", "1"))
        elif name == "table-header-rows":
            table.has_header = True
        elif name in ("table-cell", "covered-table-cell"):
            cell = table.grid.start_cell(_count(attributes.get("number-columns-repeated", "1")))
            if name == "table-cell":
                table.covering = _count(attributes.get("number-columns-spanned", "1")) - 1
            else:
                cell.continues_left, cell.continues_above = table.covering > 0, table.covering <= 0
                table.covering -= 1

    @property
    def _table(self) -> _Table | None:
        """The table that the current place is directly in, outside its paragraphs."""
        return self._open[-1] if self._open and isinstance(self._open[-1], _Table) else None

    def end(self, name: str) -> None:
        if self._formula is not None:
            self._formula.end()
            if not self._formula.is_open:
                self._end_formula(self._formula)
            return
        self._path.pop()
        self._end(name)
        self._silent -= self._is_silent(name)

    def _end(self, name: str) -> None:
        if name in _PARAGRAPHS:
            self._end_paragraph()
        elif name == "creator":
            self._in_creator = False
        elif name in _NOTES and self._open and isinstance(note := self._open[-1], _Note):
            self._open.pop()
            self._end_note(note)
        elif name == "list" and self._lists:
            self._lists.pop()
        elif name == "table-header-rows" and (table := self._table):
            table.has_header = False
        elif name == "table-row" and (table := self._table):
            self._end_row(table)
        elif name == "table" and self._table:
            self._open.pop()
        if name in ("span", "section") or name in _PARAGRAPHS:
            self._silent -= self._hidden.pop() if self._hidden else 0

    def text(self, data: str) -> None:
        if self._formula is not None:
            self._formula.add(data)
            return
        if not self._open or self._silent:
            return
        around = self._open[-1]
        if isinstance(around, list):
            around.append(data)
        elif isinstance(around, _Note) and self._in_creator:
            around.author += data

    def _end_paragraph(self) -> None:
        if not self._open or not isinstance(texts := self._open[-1], list):
            return
        self._open.pop()
        text, label = "".join(texts).strip(), self._label
        if not text:
            return
        self._label = ""
        self._give(f"{label} {text}" if label else text, is_item=bool(label))

    def _give(self, text: str, *, is_item: bool = False) -> None:
        """Pass a paragraph on: to the note or cell that it is in, or to the document."""
        around = next((each for each in reversed(self._open) if not isinstance(each, list)), None)
        if isinstance(around, _Note):
            around.texts.append(text)
        elif isinstance(around, _Table):
            if around.grid.cells:
                around.grid.cells[-1].texts.append(text)
        elif self._level:
            self._extraction.heading(self._level, text)
        else:
            indent = "  " * min(len(self._lists) - 1, 8) if text.startswith("- ") and is_item else ""
            self._extraction.block(indent + text, apart=not (is_item and self._after_item))
        if around is None:
            self._after_item = is_item and not self._level
            self._write_notes()

    def _write_notes(self) -> None:
        for note in self._after:
            self._extraction.block(note)
            self._after_item = False
        self._after = []

    def _end_row(self, table: _Table) -> None:
        is_first, cells = not table.grid.rows, table.grid.cells
        texts = table.grid.end_row()
        if not any(texts):
            return
        self._open.pop()
        is_inner = any(not isinstance(each, list) for each in self._open)
        if len(cells) == 1 and len(cells[0].texts) > 1:  # a frame around paragraphs, not a row of a table
            self._level = 0
            for paragraph in cells[0].texts:
                self._give(paragraph)
        elif is_inner:  # a table in a cell is its text
            self._give(CELL_SEPARATOR.join(map(one_line, texts)))
        else:
            for number in range(min(table.repeated, MAX_SPAN)):
                self._extraction.row(texts, first=is_first and not number, header=table.has_header)
            self._after_item = False
            self._write_notes()
        self._open.append(table)

    def _end_note(self, note: _Note) -> None:
        text, author = "\n".join(note.texts), one_line(note.author)
        if note.kind in self.margins:
            if any(map(str.isalpha, text)):  # not only the number of the page
                self.margins[note.kind][text] = None
        elif text and not self._silent:
            self._after.append(f"{note.kind} by {author}: {text}" if author else f"{note.kind}: {text}")
            if not any(isinstance(each, list | _Table | _Note) for each in self._open):
                self._write_notes()


def _level(attributes: Attributes) -> int:
    value = attributes.get("outline-level", "1")
    return int(value) if value.isdecimal() and 1 <= int(value) <= 10 else 1


def _count(value: str) -> int:
    return min(int(value), _MAX_BLANKS) if value.isdecimal() else 1
