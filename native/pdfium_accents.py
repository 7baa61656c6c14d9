"""Letters and accents that a PDF draws one over the other, as TeX does: they are one character."""

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from types import ModuleType
from typing import Any, NamedTuple

_COMBINING = dict(
    zip(
        "`´ˆ˜¯˘˙¨˚˝ˇ¸˛",  # noqa: RUF001
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328",
        strict=True,
    )
)
_ACCENT = re.compile(f"[{''.join(_COMBINING)}]")
_WITHOUT_DOT = {"ı": "i", "ȷ": "j"}  # noqa: RUF001
JOINER = "\u2060"
"""Stands at the place of an accent that the letter below it has now, so that other places stay."""
_MAX_ACCENTS, _MAX_LETTERS = 1_000, 10_000
"""Of a page. Accents far from their letters, such as those of capitals, are sought among all letters."""
_BESIDE, _OVER, _INTO = 0.15, 0.4, 0.6
"""Times the height of the letter: how far beside, over and inside it an accent may be."""
_BELOW = "¸˛"  # noqa: RUF001


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float


def with_accents(api: ModuleType, handle: Any, text: str) -> str:
    """The text of a page, with one character for each of PDFium's, the accents joined with the letters below them."""
    places = [found.start() for found in _ACCENT.finditer(text)][:_MAX_ACCENTS]
    if not places:
        return text
    letters = list(text)
    boxes = _Boxes(api, handle, text)
    for place in places:
        at = boxes.letter_under(place)
        if at is None:
            continue
        letter = unicodedata.normalize("NFC", _WITHOUT_DOT.get(letters[at], letters[at]) + _COMBINING[text[place]])
        if len(letter) == 1:
            is_alone = not text[max(place - 1, 0) : place].strip() and not text[place + 1 : place + 2].strip()
            letters[at], letters[place] = letter, " " if is_alone else JOINER
    return "".join(letters)


class _Boxes:
    """The boxes of the characters of a page."""

    def __init__(self, api: ModuleType, handle: Any, text: str) -> None:
        self._api, self._handle, self._text = api, handle, text
        self._known: dict[int, _Box] = {}

    def letter_under(self, place: int) -> int | None:
        """The letter that the accent at a place is drawn at; None for none."""
        near = (at for at in (place + 1, place - 1) if 0 <= at < len(self._text))
        return next((at for at in chain(near, self._all()) if self._is_of(place, at)), None)

    def _all(self) -> Iterator[int]:
        return iter(range(len(self._text)) if len(self._text) <= _MAX_LETTERS else ())

    def _is_of(self, place: int, at: int) -> bool:
        if not self._text[at].isalpha():
            return False
        accent, letter = self._box(place), self._box(at)
        height, middle = letter.top - letter.bottom, (accent.left + accent.right) / 2
        if not letter.left - _BESIDE * height <= middle <= letter.right + _BESIDE * height:
            return False
        is_below = self._text[place] in _BELOW
        away = letter.bottom - accent.top if is_below else accent.bottom - letter.top
        return -_INTO * height <= away <= _OVER * height

    def _box(self, at: int) -> _Box:
        if at not in self._known:
            left, right, bottom, top = (ctypes.c_double() for _ in range(4))
            self._api.FPDFText_GetCharBox(self._handle, at, left, right, bottom, top)
            self._known[at] = _Box(left.value, bottom.value, right.value, top.value)
        return self._known[at]
