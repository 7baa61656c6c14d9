"""Parse XML as a stream of calls: no tree is built, nothing is fetched, nesting and growth by entities are limited.

Expat instead of lxml: it reports every entity declaration, in every encoding, before an entity is used, and it knows
the line it is reading.
"""

import html.entities
import re
from collections.abc import Callable, Iterator
from xml.parsers import expat

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode, is_utf8_text

MAX_DEPTH = 256
MAX_GROWTH, MIN_LIMIT = 10, 1 << 20
"""The text of a document with entities has at most so many times its bytes, or this many characters."""
_STEP_BYTES = 1 << 16
_MAX_DECLARATION_BYTES = 512
_AMPLIFICATION = 43
"""Expat's XML_ERROR_AMPLIFICATION_LIMIT_BREACH, which Python has no name for."""
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)["']""", re.ASCII)
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

    def unread(self, entity: str) -> None:
        """Handle a reference to text outside the document, which is not read, or to an unknown entity."""

    def damaged(self, detail: str) -> None:
        """Handle bytes that are no text, which U+FFFD stands for: a part of another file is refused."""
        raise Unreadable(RefusalCode.PARSE, f"not well-formed XML: {detail}")


def parse_xml(raw: bytes, handler: XmlHandler, *, has_entities: bool = False) -> None:
    """Feed a document to a handler. With `has_entities` it may declare entities, which are expanded up to a limit.

    Raises:
        Unreadable: E_XML_ENTITY for a document that declares entities without `has_entities`, or whose entities grow
            too much; E_DEPTH, E_ENCODING, E_BINARY or E_PARSE.
    """
    raw, damage = utf8_of(raw)
    if damage:
        handler.damaged(damage)
    _feed(_parser(handler, len(raw) if has_entities else None), raw, is_final=True)


def declared_encoding(raw: bytes) -> str | None:
    """The label in the XML declaration of a document; None without one."""
    found = _DECLARATION.match(raw[:_MAX_DECLARATION_BYTES].removeprefix(b"\xef\xbb\xbf"))
    return found[1].decode("ascii") if found else None


def utf8_of(raw: bytes) -> tuple[bytes, str]:
    """A document in UTF-8, and how many of its bytes are no text; "" for none.

    Its byte order mark or else its XML declaration tells how to decode it, unless its bytes show that this is wrong.

    Raises:
        Unreadable: E_ENCODING or E_BINARY.
    """
    label = declared_encoding(raw)
    if label is None and raw.lstrip()[:1] == b"<" and b"\0" not in raw[:2]:
        label = "utf-8"
    is_utf8 = label is not None and label.lower() in ("utf-8", "utf8", "us-ascii") and not raw.startswith(b"\xff\xfe")
    if is_utf8 and is_utf8_text(raw):
        return raw, ""
    decoded = decode(raw, label)
    return decoded.text.encode("utf-8", "replace"), decoded.damage


def elements(raw: bytes | None, *names: str) -> Iterator[tuple[str, Attributes]]:
    """The names and attributes of the elements with one of these names, in order; none if there is no document.

    Raises:
        Unreadable: as `parse_xml` does.
    """
    if raw is None:
        return
    starts = _Starts(names)
    parser = _parser(starts, None)
    raw, _ = utf8_of(raw)
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


def _parser(handler: XmlHandler, expanded_bytes: int | None) -> expat.XMLParserType:
    """A parser that expands the entities of a document of so many bytes; with None, it refuses their declaration."""
    depth = 0
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
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
    if expanded_bytes is None:
        parser.EntityDeclHandler = _refuse_entity
    else:
        parser.CharacterDataHandler = _limited(handler.text, max(MAX_GROWTH * expanded_bytes, MIN_LIMIT))
        parser.ExternalEntityRefHandler = _pass_over(handler)
        parser.UseForeignDTD(True)  # an unknown entity, such as `&nbsp;`, is then no error
    parser.SkippedEntityHandler = _substitute(handler)
    return parser


def _limited(text: Callable[[str], None], limit: int) -> Callable[[str], None]:
    """Pass on so many characters, then refuse: entities that contain each other grow without limit."""
    length = 0

    def limited(data: str) -> None:
        nonlocal length
        length += len(data)
        if length > limit:
            raise Unreadable(RefusalCode.XML_ENTITY, f"its entities expand to more than {limit:,} characters")
        text(data)

    return limited


def _pass_over(handler: XmlHandler) -> Callable[[str, str | None, str | None, str | None], int]:
    def pass_over(context: str, _base: str | None, _system: str | None, _public: str | None) -> int:
        if context:
            handler.unread(context.rpartition("\f")[2])
        return 1

    return pass_over


def _substitute(handler: XmlHandler) -> Callable[[str, bool], None]:
    """Write the character of an entity of HTML, which the document expects from a definition that is not read."""

    def substitute(name: str, is_parameter: bool) -> None:
        if is_parameter:
            return
        character = html.entities.html5.get(f"{name};", "")
        if character:
            handler.text(character)
        else:
            handler.unread(name)

    return substitute


def _feed(parser: expat.XMLParserType, raw: bytes, *, is_final: bool) -> None:
    try:
        parser.Parse(raw, is_final)
    except expat.ExpatError as error:
        if error.code == _AMPLIFICATION:
            raise Unreadable(RefusalCode.XML_ENTITY, "its entities grow without limit") from error
        raise Unreadable(RefusalCode.PARSE, f"not well-formed XML: {error}") from error


def _refuse_entity(*_: object) -> None:
    detail = "it declares entities, which can read other files and grow without limit"
    raise Unreadable(RefusalCode.XML_ENTITY, detail)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _attribute(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    return f"r:{local}" if namespace.endswith(_RELATIONS) else local
