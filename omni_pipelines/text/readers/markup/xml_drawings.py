"""XML vocabularies for drawings and outlines: SVG, diagrams.net (drawio), OPML; and dumps of MediaWiki."""

import base64
import binascii
import zlib
from urllib.parse import unquote

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup import html
from omni_pipelines.text.readers.markup.page_styles import declarations
from omni_pipelines.text.readers.markup.xml_stream import Attributes, parse_xml
from omni_pipelines.text.readers.markup.xml_text import XmlText, without_indentation

_MAX_DIAGRAM_BYTES = 16 << 20
_MAX_INDENT = 16


class SvgElements(XmlText):
    """The texts of a drawing, one line each, with the title and description that it declares."""

    _LINES = ("text", "title", "desc", "p", "div", "li", "br")
    _SILENT = ("style", "script", "metadata", "defs")

    def __init__(self, extraction: Extraction) -> None:
        super().__init__(extraction)
        self._held: list[str] = []
        self._first_line, self._silent, self._inside = 1, 0, 0
        self._is_silent: list[bool] = []
        """Of the elements around the current place, whether their text is left out."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self._is_silent.append(name in self._SILENT or _is_hidden(attributes))
        self._silent += self._is_silent[-1]
        self._inside += name in (*self._LINES, "foreignObject")
        if name in self._LINES:
            self._end_line()
        elif name == "tspan" and not {"x", "y", "dy"}.isdisjoint(attributes):
            self._held.append(" ")

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name in self._LINES or name == "foreignObject":
            self._end_line()
            self._inside -= 1
        self._silent -= self._is_silent.pop()

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._inside and not self._silent:
            self._first_line = self._first_line if self._held else self.line
            self._held.append(data)

    def _end_line(self) -> None:
        text, self._held = "".join(self._held), []
        self.write(text, self._first_line, apart=False)


def _is_hidden(attributes: Attributes) -> bool:
    """Whether an element of a drawing is not displayed, by its attributes or its style."""
    by_attribute = "".join(f"{name}: {attributes.get(name, '')};" for name in ("display", "visibility"))
    return any(hides for _, hides, _ in declarations(by_attribute + attributes.get("style", "")))


class DrawioElements(XmlText):
    """The labels of a diagram; each page is a section."""

    def __init__(self, extraction: Extraction, *, is_packed: bool = False) -> None:
        super().__init__(extraction)
        self._is_packed = is_packed
        self._data: list[str] | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        if name == "diagram":
            self.extraction.heading(1, attributes.get("name", ""), line=self.line)
            self._data = []
        label = attributes.get("value" if name == "mxCell" else "label", "")
        if name in ("mxCell", "UserObject", "object") and label.strip():
            shown = html.read_visible(label.encode("utf-8", "replace"), "")
            if shown is not None:
                self.write(shown.text, self.line, apart=False)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name == "diagram":
            data, self._data = "".join(self._data or ()).strip(), None
            if data and not self._is_packed:
                parse_xml(_unpacked(data), DrawioElements(self.extraction, is_packed=True))

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._data is not None:
            self._data.append(data)


def _unpacked(data: str) -> bytes:
    """The XML of a page that is stored deflated, in base64."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        packed = inflater.decompress(base64.b64decode(data, validate=True), _MAX_DIAGRAM_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise Unreadable(RefusalCode.PARSE, f"a page of the diagram is damaged: {error}") from error
    if inflater.unconsumed_tail:
        raise Unreadable(RefusalCode.ZIP_BOMB, f"a page unpacks to more than {_MAX_DIAGRAM_BYTES >> 20} MiB")
    return unquote(packed.decode("utf-8", "replace")).encode()


class OpmlElements(XmlText):
    """The entries of an outline as nested items, with their notes and addresses."""

    def __init__(self, extraction: Extraction) -> None:
        super().__init__(extraction)
        self._depth = 0
        self._in_title = False

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self._in_title = name == "title"
        if name != "outline":
            return
        indent = "  " * min(self._depth, _MAX_INDENT)
        self._depth += 1
        label = attributes.get("text") or attributes.get("title") or ""
        address = attributes.get("xmlUrl") or attributes.get("htmlUrl") or attributes.get("url") or ""
        shown = " ".join(" ".join(filter(None, [label, f"({address})" if address else ""])).split())
        if shown:
            self.extraction.block(f"{indent}- {shown}", apart=False, line=self.line)
        for line in attributes.get("_note", "").splitlines():
            self.extraction.block(f"{indent}  {line.strip()}", apart=False, line=self.line)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        self._depth -= name == "outline"
        self._in_title = False

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._in_title and not self._depth:
            self.title += data


class WikiDumpElements(XmlText):
    """The pages of a wiki: each is a section with its text as it was written."""

    def __init__(self, extraction: Extraction) -> None:
        super().__init__(extraction)
        self._held: list[str] | None = None
        self._first_line = 1

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        if name in ("title", "text", "sitename"):
            self._held, self._first_line = [], self.line

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        text, self._held = "".join(self._held or ()), None
        if name == "title":
            self.extraction.heading(1, text, line=self._first_line)
        elif name == "text":
            self.extraction.block(without_indentation(text), line=self._first_line)
        elif name == "sitename":
            self.title = text

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._held is not None:
            self._held.append(data)
