"""Find quickly where a detector has to look: in the shape of a text, which has one sign for each class of characters.

Python finds a fixed string many times faster than a pattern. In the shape, for example, every number after a plus
sign begins with `+0`, at the same position as in the text. A detector seeks such a string in the shape, and applies
its own pattern to the text only at these positions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

_OTHER = ord("?")


def signs(classes: Mapping[str, str]) -> bytes:
    """The table for `shape`: it writes each key for the ASCII characters of its value, and `?` for all others."""
    table = bytearray([_OTHER] * 256)
    for sign, characters in classes.items():
        for character in characters:
            table[ord(character)] = ord(sign)
    return bytes(table)


def shape(text: str, table: bytes) -> bytes:
    """The shape of a text: one byte for each character."""
    return text.encode("ascii", "replace").translate(table)


def matches_at(pattern: re.Pattern[str], text: str, starts: Iterable[int]) -> Iterator[re.Match[str]]:
    """The matches of a pattern that begin at these ascending positions, without those that overlap the one before.

    They are the same as those of `finditer` if the pattern matches nowhere else.
    """
    end = 0
    for start in starts:
        if start >= end and (match := pattern.match(text, start)) is not None:
            yield match
            end = match.end()
