"""Parse XML as a stream of calls: no tree is built, no entity is expanded or fetched, and nesting is limited.

Expat instead of lxml: it reports every entity declaration, in every encoding, before an entity is used, and it knows
the line it is reading.
"""

from __future__ import annotations

from xml.parsers import expat

from omni_pipelines.refusals import RefusalCode, Unreadable

MAX_DEPTH = 256
Attributes = dict[str, str]


class XmlHandler:
    """Receives the elements and texts of a document. Names come without their namespace."""

    line = 1
    """The line of the file that is being read, from 1."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""

    def end(self, name: str) -> None:
        """Handle the end of an element."""

    def text(self, data: str) -> None:
        """Handle characters between tags; one text may come in several pieces."""


def parse_xml(raw: bytes, handler: XmlHandler) -> None:
    """Feed a document to a handler.

    Raises:
        Unreadable: E_XML_ENTITY for a document that declares entities, E_DEPTH, E_ENCODING or E_PARSE.
    """
    depth = 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable(RefusalCode.DEPTH, f"more than {MAX_DEPTH} levels of nested elements")
        handler.line = parser.CurrentLineNumber
        handler.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(_local(name))

    def text(data: str) -> None:
        handler.text(data)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = _refuse_entity
    _feed(parser, raw)


def _feed(parser: expat.XMLParserType, raw: bytes) -> None:
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise Unreadable(RefusalCode.PARSE, f"not well-formed XML: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or that is not for text
        raise Unreadable(RefusalCode.ENCODING, str(error)) from error


def _refuse_entity(*_: object) -> None:
    raise Unreadable(
        RefusalCode.XML_ENTITY, "it declares entities, which can read other files and grow without limit"
    )


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
