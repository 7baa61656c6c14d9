"""XML: the text and the attributes of the elements, one line each; title elements give the sections."""

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml

_SILENT = {"script", "style"}
_HEADINGS = {"title", "head", "heading"}
"""Elements with the title of a part in DocBook, TEI, DITA, Atom and many other formats."""
_MAX_VALUE_LENGTH = 300
"""Characters of an attribute that is kept: longer ones hold pictures and paths of drawings."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. An element with nothing but text becomes `name: text`, one with attributes `name key=value`."""
    extraction = Extraction()
    elements = _Elements(extraction)
    parse_xml(raw, elements, has_entities=True)
    if elements.unread_entities:
        extraction.cut(f"entities that it does not define are left out: {', '.join(elements.unread_entities)}"[:300])
    try:
        return extraction.parsed(name, language=elements.language)
    except Unreadable as error:
        if elements.unread_entities:
            detail = "its text is in entities outside the file, which are not read"
            raise Unreadable(RefusalCode.XML_ENTITY, detail) from error
        raise


class _Elements(XmlHandler):
    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction
        self._path: list[str] = []
        self._held: list[str] = []
        """Text since the last line was written."""
        self._label = ""
        """Name and attributes of the element that has just started, as long as it holds nothing but text."""
        self._start_line = 1
        self._silent = 0
        self.unread_entities: dict[str, None] = {}
        """In order, each once."""
        self.language = ""
        """As the root element declares it."""

    def start(self, name: str, attributes: Attributes) -> None:
        self._write()
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
        self._write()
        self._silent -= name in _SILENT
        self._path.pop()
        self._label, self._start_line = "", self.line

    def text(self, data: str) -> None:
        self._held.append(data)

    def unread(self, entity: str) -> None:
        self.unread_entities[entity] = None

    def _write(self) -> None:
        if not self._held:
            return
        text, label = one_line("".join(self._held)), self._label
        self._held = []
        if self._silent or not (text or " " in label):
            return
        if text and self._path and self._path[-1] in _HEADINGS and label == self._path[-1]:
            self._extraction.heading(min(len(self._path), 9), text, line=self._start_line)
        else:
            shown = f"{label}: {text}" if label and text else label or text
            self._extraction.block(shown, apart=False, line=self._start_line)
