"""Find texts that are nearly the same: MinHash signatures give the candidates, comparing their shingles decides.

Sources: Broder, On the resemblance and containment of documents (1997); banding of signatures as in Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, chapter 3. The hash functions are fixed, so the same texts always
give the same groups.
"""

import functools
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from native.later_patterns import compile_later

MIN_SIMILARITY = 0.8
"""Share of common shingles (Jaccard) from which two texts are near duplicates."""
SHINGLE_WORDS = 3
"""Words in a shingle; in a script without spaces, each character is a word."""
_BANDS, _ROWS_PER_BAND = 32, 4
"""Two texts that share 0.8 of their shingles meet in a band with probability 1 - (1 - 0.8^4)^32 > 0.99999."""
_MAX_COMPARED = 16
"""Texts of a band that a new text is compared with: not all pairs of a thousand texts with the same boilerplate."""
_UNSPACED = r"\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Thai, Lao, Khmer, Japanese and Chinese."""
_WORD = compile_later(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_SEED = 20260101

Shingles = frozenset[int]


@dataclass(frozen=True)
class NearDuplicates:
    """Texts that are nearly the same."""

    members: tuple[int, ...]
    """Indices of the texts, in ascending order."""
    similarity: float
    """The lowest similarity of a member to the first one, 0 to 1."""


def shingles(text: str) -> Shingles:
    """Hashes of each run of SHINGLE_WORDS words, ignoring case; of all words together where there are fewer."""
    words = [word.encode("utf-8", "surrogatepass") for word in _WORD.findall(text.casefold())]
    starts = range(max(len(words) - SHINGLE_WORDS + 1, 1))
    runs = (b" ".join(words[start : start + SHINGLE_WORDS]) for start in starts)
    return frozenset(map(zlib.crc32, runs)) if words else frozenset()


def resemblance(one: Shingles, other: Shingles) -> float:
    """The Jaccard similarity of two texts, 0 to 1; 0 where one has no words."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def signature(marks: Shingles) -> np.ndarray:
    """MinHash (128,), uint32: the lowest hash of the shingles under each of 128 functions; zeros without shingles."""
    if not marks:
        return np.zeros(_BANDS * _ROWS_PER_BAND, np.uint32)
    values = np.fromiter(marks, np.uint64, len(marks))
    factors, terms = _hash_functions()
    lowest: np.ndarray = ((values[:, None] * factors + terms) >> np.uint64(32)).min(axis=0)
    return lowest.astype(np.uint32)


def near_duplicates(texts: Sequence[str], min_similarity: float = MIN_SIMILARITY) -> list[NearDuplicates]:
    """Groups of texts in which each text resembles another one by at least `min_similarity`, in order.

    Identical texts are near duplicates as well. Texts without words belong to no group.
    """
    marks = [shingles(text) for text in texts]
    parents = list(range(len(texts)))  # disjoint sets: each text leads to the first text of its group

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for one, other in _candidates(marks):
        first, second = sorted((root(one), root(other)))
        if first != second and resemblance(marks[one], marks[other]) >= min_similarity:
            parents[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for number in range(len(texts)):
        groups[root(number)].append(number)
    return [
        NearDuplicates(tuple(members), min(resemblance(marks[members[0]], marks[other]) for other in members[1:]))
        for members in groups.values()
        if len(members) > 1
    ]


def _candidates(marks: Sequence[Shingles]) -> Iterator[tuple[int, int]]:
    """Pairs of texts whose signatures share a band; each text is paired with the first texts of its band only."""
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for number, text_marks in enumerate(marks):
        if not text_marks:
            continue
        bands = signature(text_marks).reshape(_BANDS, _ROWS_PER_BAND)
        for band in range(_BANDS):
            bucket = buckets[band, bands[band].tobytes()]
            for other in bucket[:_MAX_COMPARED]:
                yield other, number
            bucket.append(number)


@functools.cache
def _hash_functions() -> tuple[np.ndarray, np.ndarray]:
    """Odd factors and terms, 64 bits each, for multiply-shift hashing to 32 bits (Dietzfelbinger et al., 1997)."""
    random = np.random.default_rng(_SEED)
    highest = np.iinfo(np.uint64).max
    factors = random.integers(0, highest, _BANDS * _ROWS_PER_BAND, np.uint64, endpoint=True) | np.uint64(1)
    return factors, random.integers(0, highest, _BANDS * _ROWS_PER_BAND, np.uint64, endpoint=True)
