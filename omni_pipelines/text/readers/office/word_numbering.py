"""The numbers of lists and clauses in a Word file, as its numbering part defines them (ECMA-376, part 1, 17.9)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.office.list_numbers import BULLET, MAX_LEVELS, Level, ListCounter
from omni_pipelines.text.readers.office.package_parts import is_on
from omni_pipelines.text.readers.office.word_styles import WordStyles

_PLACE = re.compile(r"%([1-9])")
_MAX_LINKS = 8
_NO_LIST = "0"


@dataclass
class _Definition:
    """The levels of an abstract list, or a link to the style that defines them."""

    levels: dict[int, Level] = field(default_factory=dict)
    level_of_style: dict[str, int] = field(default_factory=dict)
    linked_style: str = ""


@dataclass
class _List:
    definition: str = ""
    own: dict[int, Level] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
    """Levels where the list starts anew, with their first numbers."""


class WordNumbering:
    """Counts the items of the lists of one part, in the order in which they are read."""

    def __init__(self, definitions: "NumberingDefinitions", styles: WordStyles) -> None:
        self._definitions, self._lists, self._styles = definitions.definitions, definitions.lists, styles
        self._counters: dict[str, ListCounter] = {}
        self._begun: set[str] = set()

    def label(self, list_id: str, level: int | None, style: str = "") -> str | None:
        """Count an item, whose paragraph has a `style`, and return its label; None if it is in no list."""
        if list_id == _NO_LIST:
            return None
        entry = self._lists.get(list_id)
        if entry is None:
            return "-"
        key, definition = self._definition(entry.definition)
        if level is None:
            level = definition.level_of_style.get(style, 0)
        counter = self._counters.setdefault(key, ListCounter())
        if list_id not in self._begun:
            self._begun.add(list_id)
            for each, start in entry.starts.items():
                counter.restart(each, start)
        return counter.next_label(level, _levels(definition.levels, entry.own))

    def _definition(self, key: str) -> tuple[str, _Definition]:
        """The definition with a key, after the links from one to the style that has another."""
        definition = self._definitions.get(key, _Definition())
        for _ in range(_MAX_LINKS):
            if not definition.linked_style:
                break
            entry = self._lists.get(self._styles.get(definition.linked_style).list_id or "")
            if entry is None or entry.definition == key:
                break
            key = entry.definition
            definition = self._definitions.get(key, _Definition())
        return key, definition


def _levels(shared: Mapping[int, Level], own: Mapping[int, Level]) -> list[Level]:
    return [own.get(number) or shared.get(number, BULLET) for number in range(MAX_LEVELS - 1)]


class NumberingDefinitions(XmlHandler):
    """What the numbering part of a document says about its lists; nothing if it has no such part."""

    def __init__(self, raw: bytes | None) -> None:
        self.definitions: dict[str, _Definition] = {}
        self.lists: dict[str, _List] = {}
        self._definition: _Definition | None = None
        self._list: _List | None = None
        self._number = 0
        self._level: Level | None = None
        if raw is not None:
            parse_xml(raw, self)

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        value = attributes.get("val", "")
        if name == "abstractNum":
            self._definition = self.definitions.setdefault(attributes.get("abstractNumId", ""), _Definition())
        elif name == "num":
            self._list = self.lists.setdefault(attributes.get("numId", ""), _List())
        elif name in ("lvl", "lvlOverride"):
            self._number = _number(attributes.get("ilvl", ""))
            if name == "lvl":
                self._level = Level(())
        elif name == "startOverride" and self._list is not None:
            self._list.starts[self._number] = _number(value)
        elif name == "abstractNumId" and self._list is not None:
            self._list.definition = value
        elif name == "numStyleLink" and self._definition is not None:
            self._definition.linked_style = value
        elif self._level is not None:
            self._level = self._changed(self._level, name, attributes)

    def _changed(self, level: Level, name: str, attributes: Attributes) -> Level:
        value = attributes.get("val", "")
        if name == "start":
            return replace(level, start=_number(value))
        if name == "numFmt":
            return replace(level, numerals=value)
        if name == "lvlText":
            return replace(level, template=_template(value))
        if name == "isLgl":
            return replace(level, is_legal=is_on(attributes))
        if name == "lvlRestart":
            return replace(level, restarts_after=_number(value))
        if name == "pStyle" and self._definition is not None:
            self._definition.level_of_style[value] = self._number
        return level

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name == "lvl" and self._level is not None:
            if self._list is not None:
                self._list.own[self._number] = self._level
            elif self._definition is not None:
                self._definition.levels[self._number] = self._level
            self._level = None
        elif name == "abstractNum":
            self._definition = None
        elif name == "num":
            self._list = None


def _number(value: str) -> int:
    return int(value) if value.isdecimal() and len(value) < 10 else 0


def _template(text: str) -> tuple[str | int, ...]:
    """A label such as "%1.%2" as texts and levels, which count from 0."""
    pieces: list[str | int] = []
    for at, piece in enumerate(_PLACE.split(text)):
        if at % 2:
            pieces.append(int(piece) - 1)
        elif piece:
            pieces.append(piece)
    return tuple(pieces)
