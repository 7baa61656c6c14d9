"""XML as a stream of calls: no tree is built, nothing is expanded or fetched, and it must stay shallow.

Expat instead of lxml: it tells of every entity that is declared, in every encoding, before one is used, and it knows
the line of what it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from omni_pipelines.refusals import RefusalCode, Unreadable

MAX_DEPTH = 256
Attributes = dict[str, str]


class XmlHandler:
    """What a reader makes of the stream. Names come without their namespace."""

    line = 1
    """Of the file, where the parser stands."""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """It ends."""

    def text(self, data: str) -> None:
        """Characters between tags; one text may come in several pieces."""


def parse_xml(raw: bytes, handler: XmlHandler) -> None:
    """Feed a document to a handler.

    Raises:
        Unreadable: E_XML_ENTITY for a document that declares entities, E_DEPTH, or E_PARSE.
    """
    depth = 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable(RefusalCode.DEPTH, f"more than {MAX_DEPTH} elements inside one another")
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
    _feed(parser.Parse, raw)


def _feed(parse: Callable[[bytes, bool], Any], raw: bytes) -> None:
    try:
        parse(raw, True)
    except expat.ExpatError as error:
        raise Unreadable(RefusalCode.PARSE, f"no well-formed XML: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or that is none
        raise Unreadable(RefusalCode.ENCODING, str(error)) from error


def _refuse_entity(*_: object) -> None:
    raise Unreadable(RefusalCode.XML_ENTITY, "it declares entities of its own")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
