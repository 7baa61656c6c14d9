"""Parse XML as a stream of calls: no tree is built, no entity is expanded or fetched, and nesting is limited.

Expat instead of lxml: it reports every entity declaration, in every encoding, before an entity is used, and it knows
the line it is reading.
"""

from collections.abc import Iterator
from xml.parsers import expat

from omni_pipelines.refusals import RefusalCode, Unreadable

MAX_DEPTH = 256
_STEP_BYTES = 1 << 16
_RELATIONS = ("officeDocument/2006/relationships", "ooxml/officeDocument/relationships")
"""The ends of the namespaces of relations, in both editions of Office Open XML."""
Attributes = dict[str, str]


class XmlHandler:
    """Receives the elements and texts of a document.

    Names come without their namespace; only ids of relations of Office files are "r:id", because elements also have
    an "id" of their own.
    """

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
    _feed(_parser(handler), raw, is_final=True)


def elements(raw: bytes | None, *names: str) -> Iterator[tuple[str, Attributes]]:
    """The names and attributes of the elements with one of these names, in order; none if there is no document.

    Raises:
        Unreadable: as `parse_xml` does.
    """
    if raw is None:
        return
    starts = _Starts(names)
    parser = _parser(starts)
    for begin in range(0, len(raw) + 1, _STEP_BYTES):
        _feed(parser, raw[begin : begin + _STEP_BYTES], is_final=begin + _STEP_BYTES > len(raw))
        yield from starts.elements
        starts.elements.clear()


class _Starts(XmlHandler):
    def __init__(self, names: tuple[str, ...]) -> None:
        self.elements: list[tuple[str, Attributes]] = []
        self._names = names

    def start(self, name: str, attributes: Attributes) -> None:
        if name in self._names:
            self.elements.append((name, attributes))


def _parser(handler: XmlHandler) -> expat.XMLParserType:
    depth = 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable(RefusalCode.DEPTH, f"more than {MAX_DEPTH} levels of nested elements")
        handler.line = parser.CurrentLineNumber
        handler.start(_local(name), {_attribute(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(_local(name))

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, handler.text
    parser.EntityDeclHandler = _refuse_entity
    return parser


def _feed(parser: expat.XMLParserType, raw: bytes, *, is_final: bool) -> None:
    try:
        parser.Parse(raw, is_final)
    except expat.ExpatError as error:
        raise Unreadable(RefusalCode.PARSE, f"not well-formed XML: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or that is not for text
        raise Unreadable(RefusalCode.ENCODING, str(error)) from error


def _refuse_entity(*_: object) -> None:
    detail = "it declares entities, which can read other files and grow without limit"
    raise Unreadable(RefusalCode.XML_ENTITY, detail)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _attribute(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    return f"r:{local}" if namespace.endswith(_RELATIONS) else local
