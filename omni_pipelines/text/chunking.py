"""A document to chunks: cut where the text itself is cut, within a token budget, every character kept.

Sections are packed together while they fit; one that does not is cut between paragraphs, then lines, then sentences,
then words. Only where a passage is cut below the paragraph do neighbours overlap.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.sentences import Range, lines, paragraphs, sentences, words

CHUNKER = "structure-1"
"""Name and version: documents cut by another one are cut again."""
SMALL = 0.25
"""A chunk below this share of the budget takes the next section in, too."""
_LONGEST_WORD = 256
"""Characters of a "word" after which it is cut anyway: nothing readable is longer."""

Count = Callable[[str], int]


@dataclass(frozen=True)
class Span:
    """A chunk as a range of the document's text."""

    start: int
    end: int
    tokens: int
    heading: tuple[str, ...]


@dataclass(frozen=True)
class Budget:
    """How long a chunk may be, and how much of it may repeat the one before; both in tokens."""

    tokens: int
    overlap: int

    def fingerprint(self, encoding: str) -> str:
        """What chunks depend on besides the document."""
        return f"{CHUNKER}/{encoding}/{self.tokens}/{self.overlap}"


@dataclass(frozen=True)
class _Unit:
    start: int
    end: int
    tokens: int
    fine: bool
    """Cut below the paragraph: worth repeating in the next chunk."""


def chunk(parsed: Parsed, budget: Budget, count: Count) -> list[Span]:
    """The chunks of a document in order. Every character that is not blank stands in at least one."""
    spans: list[Span] = []
    packer = _Packer(parsed.text, budget, count)
    for start, end, heading in _sections(parsed):
        units = list(_units(parsed.text, start, end, budget.tokens, count))
        spans += packer.add_section(units, heading)
    return spans + packer.flush()


def _sections(parsed: Parsed) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Ranges with their heading path; what stands before the first heading has none."""
    end_of_text = len(parsed.text)
    marks = [Section(0, ()), *parsed.sections, Section(end_of_text, ())]
    for section, after in itertools.pairwise(marks):
        if after.start > section.start:
            yield section.start, after.start, section.path


def _units(text: str, start: int, end: int, limit: int, count: Count) -> Iterator[_Unit]:
    for first, last in paragraphs(text, start, end):
        yield from _fit(text, first, last, limit, count, 0)


_FINER = (lines, sentences, words)


def _fit(text: str, start: int, end: int, limit: int, count: Count, level: int) -> Iterator[_Unit]:
    """The range as one unit if it fits the limit, else cut by the next finer kind of boundary."""
    tokens = count(text[start:end])
    if tokens <= limit:
        yield _Unit(start, end, tokens, fine=level > 0)
        return
    if level == len(_FINER):
        yield from _hard_cuts(text, start, end, limit, count)
        return
    for first, last in _FINER[level](text, start, end):
        yield from _fit(text, first, last, limit, count, level + 1)


def _hard_cuts(text: str, start: int, end: int, limit: int, count: Count) -> Iterator[_Unit]:
    step = min(_LONGEST_WORD, limit)
    for first in range(start, end, step):
        last = min(first + step, end)
        tokens = count(text[first:last])
        if tokens <= limit or last - first <= 1:
            yield _Unit(first, last, tokens, fine=True)
        else:  # rare scripts: several tokens a character
            for at in range(first, last):
                yield _Unit(at, at + 1, count(text[at]), fine=True)


class _Packer:
    """Fills chunks with units, greedily."""

    def __init__(self, text: str, budget: Budget, count: Count) -> None:
        self._text, self._budget, self._count = text, budget, count
        self._units: list[_Unit] = []
        self._heading: tuple[str, ...] = ()
        self._fresh = 0
        """Units at the front that only repeat the chunk before."""

    def add_section(self, units: list[_Unit], heading: tuple[str, ...]) -> list[Span]:
        done: list[Span] = []
        size = sum(unit.tokens for unit in self._units)
        fits = size + sum(unit.tokens for unit in units) <= self._budget.tokens
        if self._units and not (fits and size < SMALL * self._budget.tokens):
            done += self.flush()
        if not self._units:
            self._heading = heading
        for unit in units:
            if self._tokens_with(unit) > self._budget.tokens:
                done += self._close(keep_overlap=True)
                self._heading = heading
            if self._tokens_with(unit) > self._budget.tokens:
                self._drop_overlap()
            self._units.append(unit)
        return done

    def flush(self) -> list[Span]:
        return self._close(keep_overlap=False)

    def _drop_overlap(self) -> None:
        self._units, self._fresh = [], 0

    def _tokens_with(self, unit: _Unit) -> int:
        return sum(each.tokens for each in self._units) + unit.tokens

    def _close(self, *, keep_overlap: bool) -> list[Span]:
        units, fresh = self._units, self._fresh
        self._units = self._overlap(units[fresh:]) if keep_overlap else []
        self._fresh = len(self._units)
        if not units[fresh:]:
            return []
        found = _without_blank_lines(self._text, units[0].start, units[-1].end)
        if found[0] == found[1]:
            return []
        tokens = self._count(self._text[found[0] : found[1]])
        return [Span(*found, tokens, self._heading)]

    def _overlap(self, units: list[_Unit]) -> list[_Unit]:
        kept: list[_Unit] = []
        left = self._budget.overlap
        for unit in reversed(units[1:]):
            if not unit.fine or unit.tokens > left:
                break
            kept.insert(0, unit)
            left -= unit.tokens
        return kept


def _without_blank_lines(text: str, start: int, end: int) -> Range:
    """The range without blank lines in front and blank characters behind; the first line keeps its indentation."""
    piece = text[start:end].rstrip()
    if not piece:
        return start, start
    blank = len(piece) - len(piece.lstrip())
    newline = max(piece.rfind("\n", 0, blank), piece.rfind("\r", 0, blank))
    return start + newline + 1, start + len(piece)
