"""What the styles of a Word file say about paragraphs and runs; a style inherits what it does not say itself."""

import re
from dataclasses import dataclass

from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.office.package_parts import is_on

MAX_LEVEL = 9
_MAX_INHERITANCE = 32
_HEADING = re.compile(r"heading ?([1-9])$", re.IGNORECASE)


@dataclass
class WordStyle:
    """A style; None is what it inherits."""

    parent: str = ""
    level: int | None = None
    """Of a heading, from 1; 0 for body text."""
    list_id: str | None = None
    list_level: int | None = None
    is_hidden: bool | None = None
    font: str | None = None


class WordStyles:
    """The styles of a file by their id, with what they inherit."""

    def __init__(self, raw: bytes | None) -> None:
        self._styles: dict[str, WordStyle] = {}
        self.default = ""
        """The id of the style of paragraphs without one."""
        if raw is not None:
            handler = _StylesHandler()
            parse_xml(raw, handler)
            self._styles, self.default = handler.styles, handler.default
        self._resolved: dict[str, WordStyle] = {}

    def get(self, style_id: str) -> WordStyle:
        """A style with what it inherits; an unknown one is a heading if its id says so."""
        if style_id not in self._resolved:
            self._resolved[style_id] = self._resolve(style_id)
        return self._resolved[style_id]

    def _resolve(self, style_id: str) -> WordStyle:
        resolved, current = WordStyle(), style_id
        for _ in range(_MAX_INHERITANCE):
            style = self._styles.get(current) or _unknown(current)
            for name in ("level", "list_id", "list_level", "is_hidden", "font"):
                if getattr(resolved, name) is None:
                    setattr(resolved, name, getattr(style, name))
            current = style.parent
            if not current:
                break
        return resolved


def _unknown(style_id: str) -> WordStyle:
    heading = _HEADING.match(style_id)
    return WordStyle(level=int(heading[1]) if heading else None)


def heading_level(value: str) -> int:
    """A heading level from 1, for an outline level from 0; 0 for body text."""
    return int(value) + 1 if value.isdecimal() and int(value) < MAX_LEVEL else 0


class _StylesHandler(XmlHandler):
    def __init__(self) -> None:
        self.styles: dict[str, WordStyle] = {}
        self.default = ""
        self._style: WordStyle | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "style":
            self._style = self.styles.setdefault(attributes.get("styleId", ""), WordStyle())
            if attributes.get("type") == "paragraph" and attributes.get("default", "0") in ("1", "true", "on"):
                self.default = attributes.get("styleId", "")
        elif self._style is not None:
            self._property(self._style, name, attributes)

    def _property(self, style: WordStyle, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        if name == "name":
            self._name(style, value)
        elif name == "basedOn":
            style.parent = value
        elif name == "outlineLvl":
            style.level = style.level or heading_level(value)
        elif name == "numId":
            style.list_id = value
        elif name == "ilvl" and value.isdecimal():
            style.list_level = int(value)
        elif name == "vanish":
            style.is_hidden = is_on(attributes)
        elif name == "rFonts":
            style.font = attributes.get("ascii")

    @staticmethod
    def _name(style: WordStyle, name: str) -> None:
        if heading := _HEADING.match(name):
            style.level = int(heading[1])
        elif name.lower() == "title":
            style.level = 1

    def end(self, name: str) -> None:
        if name == "style":
            self._style = None
