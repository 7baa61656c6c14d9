"""Filling chunks: the parts of a section go into a chunk until the budget is full.

A small section takes the next one in while both fit; one that is too long is cut between paragraphs, then lines, then
sentences, then words. Only where a paragraph itself is cut do neighbours overlap, and never where it is a table.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from omni_pipelines.text.sentences import Range, lines, paragraphs, sentences, words
from omni_pipelines.text.tables import is_table

SMALL = 0.25
"""A chunk below this share of the budget takes the next section in, if it fits as a whole."""
STRAY = 0.125
"""A chunk below this share, like a heading alone, takes in the beginning of what does not fit as a whole."""
_MAX_WORD_LENGTH = 256
"""Characters of a "word" after which it is cut anyway: nothing readable is longer."""

Count = Callable[[str], int]
Cuts = Callable[[str, int, int], Iterator[Range]]
"""A text and a range of it to the parts of that range, without gaps."""


@dataclass(frozen=True)
class Span:
    """A chunk as a range of the document's text."""

    start: int
    end: int
    tokens: int
    heading: tuple[str, ...]
    """The path of its section; of several sections, the part they have in common."""
    block: int = 0
    """Where the paragraph, or the table, begins that the chunk begins with."""
    context: str = ""
    """What stands above the chunk, and it cannot be understood without: a table's header, a function's signature."""


@dataclass(frozen=True)
class Budget:
    """How long a chunk may be, and how much of it may repeat the one before; both in tokens."""

    tokens: int
    overlap: int


@dataclass(frozen=True)
class Grain:
    """Where a section may be cut: into blocks, and those that are too long ever finer."""

    blocks: Cuts = paragraphs
    finer: tuple[Cuts, ...] = (lines, sentences, words)
    repeats: bool = True
    """Whether the end of a chunk may stand in the next one as well, where a block is cut."""


@dataclass(frozen=True)
class _Unit:
    start: int
    end: int
    tokens: int
    block: int
    """Where the paragraph it belongs to begins."""
    inside: bool
    """Begins inside a paragraph: the end of the unit before is worth repeating in front of it."""


_Piece = tuple[int, int, int]
"""Start, end, tokens."""
MAX_CHARACTERS = 128
"""Characters of the longest token, nearly: what has more of them a token allowed is too long without counting."""


def _fit(text: str, start: int, end: int, limit: int, count: Count, finer: Sequence[Cuts]) -> Iterator[_Piece]:
    """The range as one piece if it fits the limit, else cut by the next finer kind of boundary."""
    if end - start <= limit * MAX_CHARACTERS or not finer:
        tokens = count(text[start:end])
        if tokens <= limit:
            yield start, end, tokens
            return
    if not finer:
        yield from _hard_cuts(text, start, end, limit, count)
        return
    for first, last in finer[0](text, start, end):
        yield from _fit(text, first, last, limit, count, finer[1:])


def _hard_cuts(text: str, start: int, end: int, limit: int, count: Count) -> Iterator[_Piece]:
    step = min(_MAX_WORD_LENGTH, limit)
    for first in range(start, end, step):
        last = min(first + step, end)
        tokens = count(text[first:last])
        if tokens <= limit or last - first <= 1:
            yield first, last, tokens
        else:  # rare scripts: several tokens a character
            for at in range(first, last):
                yield at, at + 1, count(text[at])


class Packer:
    """Fills chunks with units, greedily."""

    def __init__(self, text: str, budget: Budget, count: Count, grain: Grain, *, alone: bool = False) -> None:
        self._text, self._limit, self._most_overlap, self._count = text, budget.tokens, budget.overlap, count
        self._grain, self._alone = grain, alone
        self._held: list[_Unit] = []
        self._tokens = 0
        self._repeated = 0
        """Units at the front that stand in the chunk before, too."""
        self._heading: tuple[str, ...] = ()

    def add_section(self, start: int, end: int, heading: tuple[str, ...]) -> list[Span]:
        """Take a section in; the chunks that are full."""
        units = list(self._units(start, end, self._limit))
        done = [] if self._takes(sum(unit.tokens for unit in units)) else self.flush()
        self._heading = _common(self._heading, heading) if self._held else heading
        for unit in units:
            for piece in self._beside_a_stray(unit):
                done += self._add(piece, heading)
        return done

    def flush(self) -> list[Span]:
        """What is held, as chunks."""
        done = self._spans(self._held, self._repeated)
        self._hold([])
        return done

    def _units(self, start: int, end: int, limit: int) -> Iterator[_Unit]:
        for first, last in self._grain.blocks(self._text, start, end):
            repeats = self._grain.repeats and not is_table(self._text, first, last)
            pieces = _fit(self._text, first, last, limit, self._count, self._grain.finer)
            for number, (at, to, tokens) in enumerate(pieces):
                yield _Unit(at, to, tokens, first, inside=repeats and number > 0)

    def _takes(self, tokens: int) -> bool:
        """Whether a section of so many tokens goes into the chunk at hand."""
        if self._alone:
            return False
        if self._tokens + tokens <= self._limit:
            return self._tokens < SMALL * self._limit
        return self._tokens < STRAY * self._limit and tokens > self._limit

    def _beside_a_stray(self, unit: _Unit) -> list[_Unit]:
        """The unit, cut to fit beside what would otherwise stand alone, like a heading above a long paragraph."""
        left = self._limit - self._tokens
        if unit.start > unit.block or unit.tokens <= left or not 0 < self._tokens < STRAY * self._limit:
            return [unit]
        return list(self._units(unit.start, unit.end, left))

    def _add(self, unit: _Unit, heading: tuple[str, ...]) -> list[Span]:
        done = []
        if self._tokens + unit.tokens > self._limit:
            done = self._spans(self._held, self._repeated)
            self._hold(self._overlap(unit) if unit.inside else [])
            self._heading = heading
        if self._held or not is_blank(self._text, unit.start, unit.end):
            self._held.append(unit)
            self._tokens += unit.tokens
        return done

    def _hold(self, repeated: list[_Unit]) -> None:
        self._held, self._repeated = repeated, len(repeated)
        self._tokens = sum(unit.tokens for unit in repeated)

    def _overlap(self, following: _Unit) -> list[_Unit]:
        """The last units of the paragraph that goes on, as many as may be repeated; never the whole chunk."""
        kept: list[_Unit] = []
        left = min(self._most_overlap, self._limit - following.tokens)
        for unit in reversed(self._held[self._repeated + 1 :]):
            if unit.tokens > left:
                break
            kept.insert(0, unit)
            left -= unit.tokens
            if not unit.inside:
                break
        return list(itertools.dropwhile(lambda unit: is_blank(self._text, unit.start, unit.end), kept))

    def _spans(self, units: list[_Unit], repeated: int) -> list[Span]:
        """The units as one chunk; as two where they have more tokens together than each for itself."""
        if not units[repeated:] or is_blank(self._text, units[repeated].start, units[-1].end):
            return []
        start, end = _without_blank_lines(self._text, units[0].start, units[-1].end)
        tokens = self._count(self._text[start:end])
        if tokens <= self._limit or len(units) == 1:
            return [Span(start, end, tokens, self._heading, units[0].block)]
        if repeated:
            return self._spans(units[repeated:], 0)
        half = len(units) // 2
        return self._spans(units[:half], 0) + self._spans(units[half:], 0)


def _common(path: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(path, other, strict=False))
    return tuple(name for name, _ in same)


def is_blank(text: str, start: int, end: int) -> bool:
    """Whether nothing stands in a range."""
    return start >= end or text[start:end].isspace()


def _without_blank_lines(text: str, start: int, end: int) -> Range:
    """The range without blank lines in front and blank characters behind; the first line keeps its indentation."""
    piece = text[start:end].rstrip()
    if not piece:
        return start, start
    blank = len(piece) - len(piece.lstrip())
    newline = max(piece.rfind("\n", 0, blank), piece.rfind("\r", 0, blank))
    return start + newline + 1, start + len(piece)
