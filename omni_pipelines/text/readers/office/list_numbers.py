"""The numbers of lists and clauses, which a file does not store: they are counted while it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_LEVELS = 10
"""Levels of a list; deeper items count as items of the last one."""
_MAX_LETTERS = 16
"""Letters of a number such as "aaa"; a larger one is written in digits."""
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MAX_ROMAN = 4999
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_IRREGULAR |= {"twelve": "twelfth"}
_HAN = "〇一二三四五六七八九"
_CYRILLIC = "абвгдежзиклмнопрстуфхцчшщыэюя"
_CIRCLED_ONE, _MAX_CIRCLED = 0x2460, 20


@dataclass(frozen=True)
class Level:
    """One level of a list."""

    template: tuple[str | int, ...]
    """The label: texts, and the levels from 0 whose numbers stand between them; () for a label of nothing."""
    numerals: str = "decimal"
    """A name in `numeral`, or "bullet"."""
    start: int = 1
    restarts_after: int = MAX_LEVELS
    """An item of a level below this number (from 0) restarts it; by default, each outer level does."""
    is_legal: bool = False
    """All numbers of the label are in digits."""


BULLET = Level(("-",), "bullet")


class ListCounter:
    """The numbers that one list has reached."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def restart(self, level: int, start: int) -> None:
        """Let the next item of a level have the number `start`."""
        self._numbers[level] = start - 1

    def next_label(self, level: int, levels: Sequence[Level]) -> str:
        """Count an item and return its label, such as "2.1", "(a)" or "-"; "" if it has none."""
        level = min(level, len(levels) - 1)
        own = levels[level]
        self._numbers[level] = self._numbers.get(level, own.start - 1) + 1
        for inner in [each for each in self._numbers if each > level]:
            if inner >= len(levels) or levels[inner].restarts_after > level:
                del self._numbers[inner]
        if own.numerals == "bullet":
            return "-"
        return "".join(self._piece(piece, own, levels) for piece in own.template).strip()

    def _piece(self, piece: str | int, own: Level, levels: Sequence[Level]) -> str:
        if isinstance(piece, str):
            return piece
        if piece >= len(levels):
            return ""
        number = self._numbers.get(piece, levels[piece].start)
        return numeral(number, "decimal" if own.is_legal else levels[piece].numerals)


def numeral(number: int, name: str) -> str:
    """A number as a list writes it, by the names of Word: lowerRoman, upperLetter …; unknown names are decimal."""
    write = _NUMERALS.get(name)
    return (write(number) if write and number > 0 else "") or ("" if name == "none" else str(number))


def _roman(number: int) -> str:
    if number > _MAX_ROMAN:
        return ""
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _letters(alphabet: str) -> Callable[[int], str]:
    """a, b … z, aa, bb: after the alphabet, each letter is repeated."""

    def write(number: int) -> str:
        repeated, letter = divmod(number - 1, len(alphabet))
        return alphabet[letter] * (repeated + 1) if repeated < _MAX_LETTERS else ""

    return write


_latin = _letters("abcdefghijklmnopqrstuvwxyz")
_cyrillic = _letters(_CYRILLIC)


def spreadsheet_letters(number: int) -> str:
    """a, b … z, aa, ab: as columns of a spreadsheet are named."""
    text = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def _ordinal(number: int) -> str:
    is_teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _words(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    if number > 99:
        return ""
    tens = _TENS[number // 10 - 2]
    return f"{tens}-{_ONES[number % 10]}" if number % 10 else tens


def _ordinal_words(number: int) -> str:
    first, dash, last = _words(number).rpartition("-")
    if not last:
        return ""
    ending = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return first + dash + _IRREGULAR.get(last, ending)


def _han(number: int) -> str:
    """Chinese and Japanese numbers up to 99."""
    if number > 99:
        return ""
    tens, ones = divmod(number, 10)
    return ((_HAN[tens] if tens > 1 else "") + "十" if tens else "") + (_HAN[ones] if ones else "")


def _circled(number: int) -> str:
    return chr(_CIRCLED_ONE + number - 1) if number <= _MAX_CIRCLED else ""


_NUMERALS: dict[str, Callable[[int], str]] = {
    "none": lambda _: "",
    "decimalZero": lambda number: f"{number:02}",
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "lowerLetter": _latin,
    "upperLetter": lambda number: _latin(number).upper(),
    "lowerColumn": spreadsheet_letters,
    "upperColumn": lambda number: spreadsheet_letters(number).upper(),
    "russianLower": _cyrillic,
    "russianUpper": lambda number: _cyrillic(number).upper(),
    "ordinal": _ordinal,
    "cardinalText": lambda number: _words(number).capitalize(),
    "ordinalText": lambda number: _ordinal_words(number).capitalize(),
    "decimalEnclosedCircle": _circled,
    **dict.fromkeys(
        ("chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCountingThousand"), _han
    ),
}
