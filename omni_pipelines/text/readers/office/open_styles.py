"""What an OpenDocument file declares in its styles: lists with their numbers, hidden text, headers and footers."""

from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler
from omni_pipelines.text.readers.office.list_numbers import BULLET, MAX_LEVELS, Level

_NUMERALS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman", "": "none"}
OUTLINE = "outline"
"""The name of the list that numbers the headings."""


class OpenStyles(XmlHandler):
    """Collects the styles of `content.xml` and `styles.xml`."""

    def __init__(self) -> None:
        self.lists: dict[str, dict[int, Level]] = {}
        """Name of a list style to its levels, from 0."""
        self.hidden: set[str] = set()
        """Names of styles whose text or slide is not displayed."""
        self.list_of: dict[str, str] = {}
        """Name of a paragraph style to that of its list."""
        self._outline_levels: dict[str, int] = {}
        """Of paragraph styles; 0 is body text."""
        self._parents: dict[str, str] = {}
        self._levels: dict[int, Level] = {}
        self._style = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        if name in ("list-style", "outline-style"):
            own_name = OUTLINE if name == "outline-style" else attributes.get("name", "")
            self._levels = self.lists.setdefault(own_name, {})
        elif name in ("list-level-style-number", "outline-level-style"):
            level = _number(attributes.get("level"), 1) - 1
            self._levels[level] = _level(level, attributes)
        elif name in ("list-level-style-bullet", "list-level-style-image"):
            self._levels[_number(attributes.get("level"), 1) - 1] = BULLET
        elif name == "style":
            self._style = attributes.get("name", "")
            if list_name := attributes.get("list-style-name"):
                self.list_of[self._style] = list_name
            if parent := attributes.get("parent-style-name"):
                self._parents[self._style] = parent
            if "default-outline-level" in attributes:
                self._outline_levels[self._style] = _number(attributes["default-outline-level"], 0)
        elif (name == "text-properties" and attributes.get("display") == "none") or (
            name == "drawing-page-properties" and attributes.get("visibility") == "hidden"
        ):
            self.hidden.add(self._style)

    def is_hidden(self, style: str) -> bool:
        """Whether the text or slide of a style is not displayed."""
        for _ in range(MAX_LEVELS):
            if style in self.hidden:
                return True
            style = self._parents.get(style, "")
        return False

    def outline_level(self, style: str) -> int:
        """The level, from 1, that a paragraph of a style has as a heading; 0 for body text."""
        for _ in range(MAX_LEVELS):
            if style in self._outline_levels:
                return self._outline_levels[style]
            style = self._parents.get(style, "")
        return 0

    def levels(self, name: str) -> list[Level]:
        """The levels of a list style, without gaps; [] for an unknown one."""
        found = self.lists.get(name, {})
        return [found.get(level, BULLET) for level in range(max(found, default=-1) + 1)][:MAX_LEVELS]


def _level(level: int, attributes: Attributes) -> Level:
    numerals = _NUMERALS.get(attributes.get("num-format", ""), "decimal")
    if numerals == "none":
        return Level((), "none")
    shown = min(max(_number(attributes.get("display-levels"), 1), 1), level + 1)
    template: list[str | int] = []
    for each in range(level - shown + 1, level + 1):
        template += [*(["."] if template else []), each]
    prefix, suffix = attributes.get("num-prefix", ""), attributes.get("num-suffix", "")
    return Level((prefix, *template, suffix), numerals, _number(attributes.get("start-value"), 1))


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else default
