"""Lines and columns of a text: the place of a character, the way back, and ranges as a person writes them."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

Marks = tuple[tuple[int, int], ...]
"""(character, number) in ascending order: the number applies from that character up to the next mark."""


class Place(NamedTuple):
    """Where a character is; both numbers count from 1, columns in characters."""

    line: int
    column: int


FIRST = Place(1, 1)


def newline_offsets(text: str) -> list[int]:
    r"""Where each line after the first starts, in characters. \r\n, \n and a lone \r end a line."""
    if "\r" not in text:  # in nearly every text, and several times as fast
        ends = accumulate(map(len, text.split("\n")[:-1]))
        return [end + number for number, end in enumerate(ends, 1)]
    return [match.end() for match in re.finditer(r"\r\n|\n|\r", text)]


@dataclass(frozen=True)
class Lines:
    """The lines of a text, or of a part of it.

    A line ends before its line end and the blanks in front of that, so that `5-7` means the words of these lines.
    """

    text: str
    starts: tuple[int, ...]
    """Where each line starts, ascending; the first start is negative if the text begins within a line."""
    numbers: tuple[int, ...]
    """The number of each line, strictly ascending; lines without text are missing."""
    is_closed: bool = True
    """Whether the last line ends where the text ends."""

    @classmethod
    def of(cls, text: str, marks: Marks = (), first: Place = FIRST, *, is_closed: bool = True) -> "Lines":
        """The lines of a text that begins at the place `first`.

        `marks`, the first at the start of the text, are the lines that its parts come from, where it was extracted
        from a file with lines; without them, the text's own lines count.
        """
        if not marks:
            starts = [1 - first.column, *newline_offsets(text)]
            return cls(text, tuple(starts), tuple(range(first.line, first.line + len(starts))), is_closed)
        # a line cannot begin above the one before it: a parser that miscounts must not make lines ambiguous
        numbers = accumulate((number for _, number in marks), max)
        begun: dict[int, int] = {}
        for (start, _), number in zip(marks, numbers, strict=True):
            begun.setdefault(number, start if begun else 1 - first.column)
        return cls(text, tuple(begun.values()), tuple(begun), is_closed)

    @property
    def last(self) -> int:
        """The number of the last line. What follows the last line end is a line only if it has characters."""
        has_rest = len(self.starts) == 1 or self.starts[-1] < len(self.text)
        return self.numbers[-1] if has_rest else self.numbers[-2]

    def place(self, position: int) -> Place:
        """The line and column of a character."""
        index = max(bisect_right(self.starts, position) - 1, 0)
        return Place(self.numbers[index], position - self.starts[index] + 1)

    def position(self, place: Place) -> int | None:
        """The character at a place; None if there is none."""
        for start, end, number in self.parts():
            if number == place.line and start + place.column <= end:
                return start + place.column - 1
        return None

    def words_of(self, first: int, last: int) -> tuple[int, int] | None:
        """The range of characters of the lines from `first` to `last`; None if there is no text on them."""
        ranges = [(start, end) for start, end, number in self.parts() if first <= number <= last]
        if not ranges:
            return None
        start, end = max(ranges[0][0], 0), ranges[-1][1]
        return start, start + len(self.text[start:end].rstrip())

    def parts(self) -> list[tuple[int, int, int]]:
        """Start, end and number of each line; with its line end."""
        return list(zip(self.starts, (*self.starts[1:], len(self.text)), self.numbers, strict=True))

    def shown(self, start: int, end: int) -> list[tuple[int, str]]:
        """The text of a range line by line, each with its number. A line of a page can hold several of its text."""
        pieces: list[tuple[int, str]] = []
        for first, last, number in self.parts():
            if first < end and start < last:
                whole = self.text[max(first, start, 0) : min(last, end)]
                bounds = [0, *newline_offsets(whole), len(whole)]
                lines = [whole[left:right].rstrip("\r\n") for left, right in pairwise(bounds)]
                pieces += [(number, line) for line in (lines[:-1] if whole[-1:] in ("\n", "\r") else lines)]
        return pieces

    def cite(self, start: int, end: int) -> str:
        """A range in the shortest form that means exactly these characters.

        `5` and `5-7` are whole lines, `5:3-40` are columns of a line, and `5:3-7:12` reaches from a column of one
        line to a column of another. `end` is after the last character.
        """
        first, last = self.place(start), self.place(max(start, end - 1))
        if first.column == 1 and self.ends_line(end):
            return f"{first.line}" if first.line == last.line else f"{first.line}-{last.line}"
        if first.line == last.line:
            return f"{first.line}:{first.column}-{last.column}"
        return f"{first.line}:{first.column}-{last.line}:{last.column}"

    def ends_line(self, end: int) -> bool:
        """Whether the character before `end` is the last one of its line that is not blank."""
        if not self.text[max(min(end, len(self.text)) - 1, 0) : end].strip():  # a long text is not copied
            return False
        following = bisect_right(self.starts, end - 1)
        if following < len(self.starts):
            return not self.text[end : self.starts[following]].strip()
        return self.is_closed and not self.text[end:].strip()
