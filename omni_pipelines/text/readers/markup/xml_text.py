"""What the readers of XML vocabularies have in common."""

import re

from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.xml_stream import XmlHandler

_SPACE_AROUND_LINES = re.compile(r"[ \t]*\n[ \t\n]*")


class XmlText(XmlHandler):
    """Writes the text of a document of one vocabulary to an extraction."""

    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.language = self.title = ""
        """As the document declares them."""
        self.unread_entities: dict[str, None] = {}
        """In order, each once."""

    def unread(self, entity: str) -> None:
        """Handle a reference to text outside the document, or to an unknown entity."""
        self.unread_entities[entity] = None

    def write(self, text: str, line: int, *, apart: bool = True) -> None:
        """Write a paragraph as one line."""
        self.extraction.block(one_line(text), apart=apart, line=line)


def without_indentation(text: str) -> str:
    """Lines without the blanks around them."""
    return _SPACE_AROUND_LINES.sub("\n", text).strip()
