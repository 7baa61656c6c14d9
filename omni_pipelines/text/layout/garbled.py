"""Recognise text that is none: characters whose meaning a PDF does not say, or says wrongly.

Such text looks right on the page, because the shapes of its letters are in the file, but its codes are arbitrary. It
would be stored and never found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LETTERS = re.compile(r"[^\W\d_]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
_SCIENCE = frozenset({"LATIN", "GREEK"})
_EAST_ASIAN = frozenset(
    "CJK HIRAGANA KATAKANA KATAKANA-HIRAGANA HANGUL BOPOMOFO FULLWIDTH HALFWIDTH IDEOGRAPHIC".split()
)
_TOGETHER = _EAST_ASIAN | _SCIENCE | {"CYRILLIC"}
"""Scripts that stand in one word in Chinese, Japanese and Korean, whose fonts have them all."""
_MODIFIERS = frozenset({"MICRO", "MODIFIER", "FEMININE", "MASCULINE"})
_COMMON = frozenset(
    "the of and to in is for that on with as by are be this from at or an it not "
    "der die das und ist von zu den mit für auf im ein eine nicht "
    "de la le les et des en un une est dans pour que par sur du "
    "el los las y del se por con una para "
    "di il che e per non si una della "
    "de het een en van is dat op te "
    "o a os as do da em um não uma "
    "och att det som på är av en "
    "i w na z do nie się jest "
    "в и не на что с по как это для из к "  # noqa: RUF001
    "ve bir bu için ile".split()
)
_MIN_COMMON = 0.12
_MIN_WORDS = 8


def is_language(words: Iterable[str]) -> bool:
    """Whether words whose meaning is only guessed are a text of a language: it has many of its commonest words."""
    texts = [word.lower() for text in words for word in _LETTERS.findall(text)]
    common = sum(word in _COMMON for word in texts)
    return len(texts) >= _MIN_WORDS and common >= _MIN_COMMON * len(texts)


def is_garbled(text: str) -> bool:
    """Whether a page's text is arbitrary codes: control and private characters, or impossible mixtures of scripts."""
    visible = len(text) - sum(map(text.count, " \n\t"))
    if visible and 5 * len(_CONTROL.findall(text)) > visible:
        return True
    letters = mixed = 0
    for word in set(_LETTERS.findall(text)) if not text.isascii() else ():
        letters += len(word)
        mixed += 0 if word.isascii() or is_possible(word) else len(word)
    return mixed * 2 > letters > 0 and letters > 3


def is_possible(word: str) -> bool:
    """Whether a word's letters are of scripts that stand in one word."""
    found = {unicodedata.name(letter, "UNKNOWN").partition(" ")[0] for letter in word} - _MODIFIERS
    return len(found) < 2 or found <= _SCIENCE or (found <= _TOGETHER and bool(found & _EAST_ASIAN))
