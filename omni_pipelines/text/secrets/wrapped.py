"""Read a value on across line ends: mails, terminals and programs break long secrets over several lines."""

import re
from dataclasses import dataclass

_PIECE = re.compile(r"[A-Za-z0-9_+/=.%-]{1,2000}+")
LINE_BREAK = r"""(?:["'`]?[ \t]{0,4}[\\+&.]?[ \t]{0,4})\r?\n[ \t]{0,40}(?:[>#+&.][ \t]{0,4})?["'`]?"""
"""A line end inside a value: as it is, after a backslash, or between two quoted strings that are joined."""
_BREAK = re.compile(LINE_BREAK)
_MIN_PIECE = 4
_MIN_FULL_LINE = 32
"""Characters of a line that is wrapped; after a shorter one, only one more line is read."""
_MAX_LENGTH = 2_000
_MAX_NESTED = 3


@dataclass(frozen=True)
class Unwrapped:
    """The characters from a position on that may be one value, without the line ends inside it."""

    text: str
    pieces: tuple[tuple[int, int], ...]
    """Where each line's part starts in `text`, and where in the document."""

    @property
    def first_line(self) -> int:
        """The number of characters before the first line end."""
        return self.pieces[1][0]

    @property
    def end(self) -> int:
        """Where in the document it ends."""
        inside, outside = self.pieces[-1]
        return outside + len(self.text) - inside

    def position(self, offset: int) -> int:
        """Where in the document the character lies that is before this offset, plus one."""
        inside, outside = max(piece for piece in self.pieces if piece[0] < max(offset, 1))
        return outside + offset - inside


def unwrapped(text: str, start: int) -> Unwrapped | None:
    """The value that starts at a position and goes on in the next lines; None if its line does not end with it."""
    parts, pieces, size = [], [], 0
    piece = _PIECE.match(text, start)
    while piece is not None and len(piece[0]) >= _MIN_PIECE and size < _MAX_LENGTH:
        pieces.append((size, piece.start()))
        parts.append(piece[0])
        size += len(piece[0])
        if len(pieces) > 1 and len(piece[0]) < _MIN_FULL_LINE:
            break
        line_break = _BREAK.match(text, piece.end())
        piece = _PIECE.match(text, line_break.end()) if line_break is not None else None
    return Unwrapped("".join(parts), tuple(pieces)) if len(pieces) > 1 else None


class Unwrapper:
    """Unwraps values of one text. Where many seem to start inside one another, only a few are read, to stay fast."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._read = range(0)
        self._nested = 0

    def at(self, start: int) -> Unwrapped | None:
        """The wrapped value at a position; None if there is none, or too many have started around it."""
        self._nested = self._nested + 1 if start in self._read else 0
        if self._nested > _MAX_NESTED:
            return None
        value = unwrapped(self._text, start)
        if value is not None and not self._nested:
            self._read = range(start, value.end)
        return value
