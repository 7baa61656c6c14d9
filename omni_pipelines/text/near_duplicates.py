"""Texts that are nearly the same: MinHash signatures find the candidates, their shingles decide.

Broder, On the resemblance and containment of documents (1997); bands of signatures as in Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, chapter 3. The hashes are fixed: the same texts always give the same groups.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

ALIKE = 0.8
"""Share of common shingles (Jaccard) from which on two texts are near duplicates."""
SHINGLE = 3
"""Words in a shingle; a character of a script without spaces is a word."""
_BANDS, _ROWS = 32, 4
"""Two texts that share 0.8 of their shingles meet in a band with probability 1 - (1 - 0.8^4)^32 > 0.99999."""
_MAX_COMPARED = 16
"""Texts of a band that the next one is compared with: of a thousand with the same boilerplate, not all pairs."""
_UNSPACED = r"\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Thai, Lao, Khmer, Japanese and Chinese."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_SEED = 20260101

Shingles = frozenset[int]


@dataclass(frozen=True)
class Group:
    """Texts that are nearly the same, by their numbers, rising."""

    members: tuple[int, ...]
    similarity: float
    """The least that one of them has in common with the first, 0 to 1."""


def shingles(text: str) -> Shingles:
    """Hashes of each run of SHINGLE words, whatever their case; of all words together where there are fewer."""
    words = [word.encode("utf-8", "surrogatepass") for word in _WORD.findall(text.casefold())]
    runs = max(len(words) - SHINGLE + 1, 1)
    return frozenset(zlib.crc32(b" ".join(words[at : at + SHINGLE])) for at in range(runs)) if words else frozenset()


def resemblance(one: Shingles, other: Shingles) -> float:
    """What two texts have in common: Jaccard, 0 to 1; 0 where one has no words."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def signature(marks: Shingles) -> np.ndarray:
    """The least hash (128,), uint32, of a text's shingles under each of 128 functions; zeros where it has none."""
    if not marks:
        return np.zeros(_BANDS * _ROWS, np.uint32)
    values = np.fromiter(marks, np.uint64, len(marks))
    factors, terms = _functions()
    return ((values[:, None] * factors + terms) >> np.uint64(32)).min(axis=0).astype(np.uint32)


def near_duplicates(texts: Sequence[str], least: float = ALIKE) -> list[Group]:
    """Groups of texts of which each has at least `least` in common with another one of the group; in order.

    Texts that are the same to the letter are near duplicates, too. Texts without words belong to none.
    """
    marks = [shingles(text) for text in texts]
    joined = _Joined(len(texts))
    for one, other in _candidates(marks):
        if not joined.same(one, other) and resemblance(marks[one], marks[other]) >= least:
            joined.join(one, other)
    return [
        Group(tuple(group), min(resemblance(marks[group[0]], marks[other]) for other in group[1:]))
        for group in joined.groups()
    ]


def _candidates(marks: Sequence[Shingles]) -> Iterator[tuple[int, int]]:
    """Pairs of texts that share a band of their signatures, each text with the first ones of its band."""
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for number, each in enumerate(marks):
        if not each:
            continue
        bands = signature(each).reshape(_BANDS, _ROWS)
        for band in range(_BANDS):
            bucket = buckets[band, bands[band].tobytes()]
            for other in bucket[:_MAX_COMPARED]:
                yield other, number
            bucket.append(number)


@functools.cache
def _functions() -> tuple[np.ndarray, np.ndarray]:
    """Multiply-shift functions of 32 bits: odd factors and terms of 64 bits (Dietzfelbinger et al., 1997)."""
    chance = np.random.default_rng(_SEED)
    most = np.iinfo(np.uint64).max
    factors = chance.integers(0, most, _BANDS * _ROWS, np.uint64, endpoint=True) | np.uint64(1)
    return factors, chance.integers(0, most, _BANDS * _ROWS, np.uint64, endpoint=True)


class _Joined:
    """Numbers that belong together (union-find)."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def same(self, one: int, other: int) -> bool:
        return self._top(one) == self._top(other)

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self._top(one), self._top(other)))
        self._above[second] = first

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self._above)):
            found[self._top(number)].append(number)
        return [members for members in found.values() if len(members) > 1]

    def _top(self, number: int) -> int:
        while self._above[number] != number:
            self._above[number] = self._above[self._above[number]]
            number = self._above[number]
        return number
