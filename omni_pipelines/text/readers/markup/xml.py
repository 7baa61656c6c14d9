"""XML: the text and the attributes of the elements, one line each; title elements give the sections.

Elements of one name after each other, such as the records of a data file, have a blank line between them.
"""

from collections.abc import Callable, Sequence

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup import xml_drawings
from omni_pipelines.text.readers.markup.xml_prose import ProseElements
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.markup.xml_text import XmlText

_SILENT = {"script", "style"}
_HEADINGS = {"title", "head", "heading"}
"""Elements with the title of a part in DocBook, TEI, DITA, Atom and many other formats."""
_MAX_VALUE_LENGTH = 300
"""Characters of an attribute that is kept: longer ones hold pictures and paths of drawings."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. What its elements mean is known for some vocabularies; the others are read as they are.

    Then an element with nothing but text becomes `name: text`, one with attributes `name key=value`.
    """
    extraction = Extraction()
    document = _ByRoot(extraction, raw, name)
    _parse(raw, document, extraction)
    found = document.chosen
    if found.unread_entities:
        extraction.cut(f"entities that it does not define are left out: {', '.join(found.unread_entities)}"[:300])
    try:
        return extraction.parsed(name, found.title, found.language)
    except Unreadable as error:
        if found.unread_entities:
            detail = "its text is in entities outside the file, which are not read"
            raise Unreadable(RefusalCode.XML_ENTITY, detail) from error
        raise


def _parse(raw: bytes, document: XmlHandler, extraction: Extraction) -> None:
    """Read the elements; those of a damaged file up to the place of the damage."""
    try:
        parse_xml(raw, document, has_entities=True)
    except Unreadable as error:
        if error.code is not RefusalCode.PARSE:
            raise
        extraction.cut(f"{error.detail}; what follows was not read", error.code)


class _ByRoot(XmlHandler):
    """Passes a document to the handler for its root element."""

    def __init__(self, extraction: Extraction, raw: bytes, name: str) -> None:
        self._extraction, self._raw, self._name = extraction, raw, name
        self.chosen: XmlText = _Elements(extraction)
        self._is_chosen = False

    def start(self, name: str, attributes: Attributes) -> None:
        if not self._is_chosen:
            self._is_chosen = True
            is_prose = ProseElements.reads(name, self._raw, self._name)
            kind = ProseElements if is_prose else _VOCABULARIES.get(name, _Elements)
            self.chosen = kind(self._extraction)
        self.chosen.line = self.line
        self.chosen.start(name, attributes)

    def end(self, name: str) -> None:
        self.chosen.end(name)

    def text(self, data: str) -> None:
        self.chosen.text(data)

    def unread(self, entity: str) -> None:
        self.chosen.unread(entity)

    def damaged(self, detail: str) -> None:
        self._extraction.cut(detail)


class _Elements(XmlText):
    """Elements of any other vocabulary, a line for each."""

    def __init__(self, extraction: Extraction) -> None:
        super().__init__(extraction)
        self._path: list[str] = []
        self._held: list[str] = []
        """Text since the last line was written."""
        self._label = ""
        """Name and attributes of the element that has just started, as long as it holds nothing but text."""
        self._start_line = 1
        self._silent = 0
        self._before = [""]
        """For each open element, and the document, the name of the last element in it."""
        self._repeats: list[bool] = []
        """For each open element, whether one of the same name precedes it, and nothing of it is written yet."""

    def start(self, name: str, attributes: Attributes) -> None:
        self._write(self._repeats)
        self._repeats.append(self._before[-1] == name)
        self._before[-1] = name
        self._before.append("")
        if not self._path:
            self.language = attributes.get("lang", "")
        self._path.append(name)
        self._silent += name in _SILENT
        shown = "".join(
            f" {key}={one_line(value)}"
            for key, value in attributes.items()
            if value.strip() and len(value) <= _MAX_VALUE_LENGTH
        )
        self._label, self._start_line = name + shown, self.line
        if shown:
            self._held.append("")

    def end(self, name: str) -> None:
        has_elements = self._before.pop() != ""
        own = self._repeats.pop()
        self._write([*self._repeats, own and has_elements])
        self._silent -= name in _SILENT
        self._path.pop()
        self._label, self._start_line = "", self.line

    def text(self, data: str) -> None:
        self._held.append(data)

    def _write(self, repeats: Sequence[bool]) -> None:
        """Write a line, below a blank one if the first of a repeated element."""
        if not self._held:
            return
        text, label = one_line("".join(self._held)), self._label
        self._held = []
        if self._silent or not (text or " " in label):
            return
        if text and self._path and self._path[-1] in _HEADINGS and label == self._path[-1]:
            self.extraction.heading(min(len(self._path), 9), text, line=self._start_line)
        else:
            shown = f"{label}: {text}" if label and text else label or text
            self.extraction.block(shown, apart=any(repeats), line=self._start_line)
        self._repeats = [False] * len(self._repeats)


_VOCABULARIES: dict[str, Callable[[Extraction], XmlText]] = {
    "svg": xml_drawings.SvgElements,
    "mxfile": xml_drawings.DrawioElements,
    "mxGraphModel": xml_drawings.DrawioElements,
    "opml": xml_drawings.OpmlElements,
    "mediawiki": xml_drawings.WikiDumpElements,
}
