"""XML: what stands in the elements, a line each; an element that holds only text keeps its name."""

from __future__ import annotations

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml

_SILENT = {"script", "style"}
_HEADINGS = {"title", "head", "heading"}
"""Names under which DocBook, TEI, DITA, Atom and many others write the title of a part."""
_MAX_VALUE_LENGTH = 300
"""Characters of an attribute that is kept: longer ones hold pictures and paths of drawings."""


def read(raw: bytes, name: str) -> Parsed:
    """`name: text` for an element of text alone, and its attributes as `name key=value`.

    Raises:
        Unreadable: as `parse_xml` says, or E_NO_TEXT.
    """
    extraction = Extraction()
    elements = _Elements(extraction)
    parse_xml(raw, elements)
    return extraction.parsed(name, language=elements.language)


class _Elements(XmlHandler):
    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction
        self._path: list[str] = []
        self._held: list[str] = []
        """Text since the last line was written."""
        self._label = ""
        """Of the element that has just begun: it holds nothing but text so far."""
        self._begun = 1
        self._silent = 0
        self.language = ""
        """Of the whole, as its root says."""

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
        self._label, self._begun = name + shown, self.line
        if shown:
            self._held.append("")

    def end(self, name: str) -> None:
        self._write()
        self._silent -= name in _SILENT
        self._path.pop()
        self._label, self._begun = "", self.line

    def text(self, data: str) -> None:
        self._held.append(data)

    def _write(self) -> None:
        if not self._held:
            return
        text, label = one_line("".join(self._held)), self._label
        self._held = []
        if self._silent or not (text or " " in label):
            return
        if text and self._path and self._path[-1] in _HEADINGS and label == self._path[-1]:
            self._extraction.heading(min(len(self._path), 9), text, line=self._begun)
        else:
            shown = f"{label}: {text}" if label and text else label or text
            self._extraction.block(shown, apart=False, line=self._begun)
