"""The lists that an RTF file declares, for items whose number is not written beside them."""

from omni_pipelines.text.readers.office.list_numbers import BULLET, MAX_LEVELS, Level, ListCounter

_NUMERALS = {
    0: "decimal", 1: "upperRoman", 2: "lowerRoman", 3: "upperLetter", 4: "lowerLetter", 5: "ordinal",
    6: "cardinalText", 7: "ordinalText", 22: "decimalZero", 23: "bullet", 255: "none",
}  # fmt: skip
_MAX_LISTS = 2_000


class RtfLists:
    """The lists that a file declares, and the numbers that they have reached."""

    def __init__(self) -> None:
        self.are_written = False
        """Whether the file has numbers beside its items, as nearly all programs write them: none are counted then."""
        self._levels: dict[int, list[Level]] = {}
        self._list_of: dict[int, int] = {}
        """The number that paragraphs use to the id of the list."""
        self._counters: dict[int, ListCounter] = {}
        self._open: list[Level] = []
        self._numerals, self._start, self._id = "decimal", 1, 0

    def take(self, word: str, number: int | None) -> None:
        """Take a word of one of the tables."""
        value = number or 0
        if word == "list":
            self._open = []
        elif word in ("levelnfc", "levelnfcn"):
            self._numerals = _NUMERALS.get(value, "decimal")
        elif word == "levelstartat":
            self._start = value
        elif word == "listid":
            self._id = value
            if self._open and len(self._levels) < _MAX_LISTS:
                self._levels.setdefault(value, self._open)
                self._open = []
        elif word == "ls":
            self._list_of[value] = self._id

    def end_level(self, text: bytes) -> None:
        """Take the text of a level: its length, then letters, and numbers of levels below 9."""
        template = tuple(code if code < 9 else chr(code) for code in text[1 : 1 + text[0]]) if text else ()
        if len(self._open) < MAX_LEVELS:
            self._open.append(BULLET if self._numerals == "bullet" else Level(template, self._numerals, self._start))
        self._numerals, self._start = "decimal", 1

    def label(self, number: int, level: int) -> str:
        """Count an item of the list with this number, and return its label; "" if there is no such list."""
        list_id = self._list_of.get(number, 0)
        levels = self._levels.get(list_id)
        if not levels or self.are_written:
            return ""
        return self._counters.setdefault(list_id, ListCounter()).next_label(min(max(level, 0), MAX_LEVELS), levels)
