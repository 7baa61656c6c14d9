"""Find quickly where a detector has to look: in the shape of a text, which has one sign for each class of characters.

Python finds a fixed string many times faster than a pattern. In the shape, one fixed string such as `+0` stands for
all that a detector searches, at the same positions; its own pattern then decides at these few places of the text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

_OTHER = ord("?")


def signs(classes: Mapping[str, str]) -> bytes:
    """The table for `shape` in which each key stands for its ASCII characters, and `?` for all others."""
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
