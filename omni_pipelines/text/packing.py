"""Fill chunks: the parts of a document are packed into chunks until the token budget is used up.

A small section is joined with the next one while both fit. A section that is too long is cut between paragraphs, then
lines, then sentences, then words. A short paragraph that ends with a colon stays with the one that it introduces.
Neighbouring chunks overlap only where a paragraph itself is cut, and never in a table.

A section that fits is counted as a whole, because the tokens of its paragraphs add up (see `_BEGINS`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, NamedTuple

from omni_pipelines.text.blocks import LEAD_ENDS
from omni_pipelines.text.chunk_context import Tables
from omni_pipelines.text.sentences import Range, Splitter, lines, paragraphs, sentences, words

if TYPE_CHECKING:
    from omni_pipelines.text.token_counting import CountTokens

MAX_SMALL_SHARE = 0.25
"""A chunk below this share of the budget takes in the next section, if the whole section fits."""
MAX_STRAY_SHARE = 0.125
"""A chunk below this share, such as a heading alone, takes in the beginning of a section that does not fit."""
MAX_LEAD_SHARE = 0.125
"""A paragraph up to this share of the budget that introduces the next one goes with it to the next chunk."""
MAX_CHARACTERS_PER_TOKEN = 128
"""Length of the longest token, nearly: a text with more characters for each allowed token is too long anyway."""
_MAX_WORD_LENGTH = 256
"""A longer "word" is cut: nothing that people read is longer."""
_MAX_WHOLE = 5
"""Characters for each allowed token: a longer section hardly ever fits, so it is not counted as a whole."""
_BEGINS = re.compile(r"[ \t]*[^\s/]")
r"""What a line starts with where its tokens and those of the lines above it add up.

The patterns by which cl100k_base and o200k_base split a text, before they look for tokens, match a line end only in
`[^\s\p{L}\p{N}]+[\r\n/]*` (cl100k_base without the slash) and in `\s*[\r\n]+`. Both end at the last line end before
such a line, and no pattern looks back.
"""
_JOINS = {sign: re.compile(rf"{sign}[ \t]*(?:[^\S \t\r\n]|/)") for sign in "\n\r"}
"""Lines that start with something else and are not blank."""


class Span(NamedTuple):
    """A chunk as a character range of the document's text."""

    start: int
    end: int
    tokens: int
    heading: tuple[str, ...]
    """The heading path of its section; for several sections, the part that their paths share."""
    block: int = 0
    """Start of the paragraph or table that the chunk starts with or in."""
    context: str = ""
    """What a reader needs from above the chunk: the column names of a table, the signature of a function."""
    joined: tuple[str, ...] = ()
    """The headings below `heading` of the sections that it joins; empty if one of them is `heading` itself."""


@dataclass(frozen=True)
class Budget:
    """The size of chunks, and how much of the previous chunk one may repeat; both in tokens."""

    tokens: int
    overlap: int


@dataclass(frozen=True)
class Granularity:
    """How to cut a section: into blocks, and blocks that are too long with each finer splitter in turn."""

    blocks: Splitter = paragraphs
    finer: tuple[Splitter, ...] = (lines, sentences, words)
    has_overlap: bool = True
    """Whether the end of a chunk is repeated in the next one where a block is cut."""


class _Unit(NamedTuple):
    start: int
    end: int
    tokens: int
    block: int
    heading: tuple[str, ...]
    is_continuation: bool
    """It starts inside a paragraph, so the end of the previous unit is worth repeating before it."""
    trimmed: int | None = None
    """For a section as a whole, whose paragraphs are the units: its tokens without the blanks at its end."""


def _fit(
    text: str, start: int, end: int, limit: int, count: CountTokens, splitters: Sequence[Splitter]
) -> Iterator[tuple[int, int, int]]:
    """(start, end, tokens) of the parts of a range that is too long, each cut until it fits the limit."""
    if not splitters:
        yield from _cut_between_characters(text, start, end, limit, count)
        return
    split, *finer = splitters
    longest = limit * MAX_CHARACTERS_PER_TOKEN if finer else len(text)
    for first, last in split(text, start, end):
        if last - first <= longest and (tokens := count(text[first:last])) <= limit:
            yield first, last, tokens
        else:
            yield from _fit(text, first, last, limit, count, finer)


def _cut_between_characters(
    text: str, start: int, end: int, limit: int, count: CountTokens
) -> Iterator[tuple[int, int, int]]:
    step = min(_MAX_WORD_LENGTH, limit)
    for first in range(start, end, step):
        last = min(first + step, end)
        tokens = count(text[first:last])
        if tokens <= limit or last - first <= 1:
            yield first, last, tokens
        else:  # rare scripts have several tokens per character
            yield from ((position, position + 1, count(text[position])) for position in range(first, last))


class Packer:
    """Fills chunks with the sections of one document, in order."""

    def __init__(
        self,
        text: str,
        budget: Budget,
        count: CountTokens,
        cut: Granularity,
        tables: Tables | None = None,
        *,
        stays_inside: bool = False,
        one_symbol_per_chunk: bool = False,
    ) -> None:
        """Chunks do not overlap in `tables`.

        With `stays_inside`, a chunk that begins in a section of a section holds nothing that is outside of the outer
        one: its heading names all that is around its first line. With `one_symbol_per_chunk`, no chunk holds more
        than one section.
        """
        self._text, self._count, self._cut, self._tables = text, count, cut, tables
        self._limit, self._max_overlap = budget.tokens, budget.overlap
        self._stays_inside, self._one_symbol_per_chunk = stays_inside, one_symbol_per_chunk
        self._joins = [joins for sign, joins in _JOINS.items() if sign in text]
        self._held: list[_Unit] = []
        self._repeated = 0
        """How many of the held units the previous chunk contains as well."""
        self._tokens = 0

    def add_section(self, start: int, end: int, heading: tuple[str, ...]) -> list[Span]:
        """Add a section that is not blank, and return the chunks that are now complete."""
        whole = self._whole(start, end, heading)
        if whole is not None:
            done = [] if self._accepts(whole.tokens, heading) else self.flush()
            self._held.append(whole)
            self._tokens += whole.tokens
            return done
        units = list(self._units(start, end, heading, self._limit))
        done = [] if self._accepts(sum(unit.tokens for unit in units), heading) else self.flush()
        for unit in units:
            for piece in self._fit_beside_stray(unit):
                done += self._add(piece)
        return done

    def flush(self) -> list[Span]:
        """Return what is held as chunks, and hold nothing."""
        done = self._spans(self._held, self._repeated)
        self._hold([])
        return done

    def _whole(self, start: int, end: int, heading: tuple[str, ...]) -> _Unit | None:
        """A section as one unit, if it fits, starts with words, and the tokens of its paragraphs add up."""
        text, limit = self._text, self._limit
        if end - start > limit * _MAX_WHOLE or self._cut.blocks is not paragraphs:
            return None
        if _BEGINS.match(text, start, end) is None or any(joins.search(text, start, end) for joins in self._joins):
            return None
        if self._tables is not None and self._tables.has_rows(start, end):
            return None
        stop = start + len(text[start:end].rstrip())
        tokens = trimmed = self._count(text[start:stop])
        if trimmed <= limit and stop < end:
            last = max(text.rfind("\n", start, stop), text.rfind("\r", start, stop), start - 1) + 1
            tokens += self._count(text[last:end]) - self._count(text[last:stop])
        return _Unit(start, end, tokens, start, heading, False, trimmed) if max(tokens, trimmed) <= limit else None

    def _paragraphs(self, units: Sequence[_Unit]) -> list[_Unit]:
        """The units, with those of each section that is held as a whole."""
        split = (
            [unit] if unit.trimmed is None else self._units(*unit[:2], unit.heading, self._limit) for unit in units
        )
        return [*itertools.chain.from_iterable(split)]

    def _units(self, start: int, end: int, heading: tuple[str, ...], limit: int) -> Iterator[_Unit]:
        text, count, longest = self._text, self._count, limit * MAX_CHARACTERS_PER_TOKEN
        split = self._cut.blocks if self._tables is None else partial(self._tables.blocks, self._cut.blocks)
        for first, last in split(text, start, end):
            if last - first <= longest and (tokens := count(text[first:last])) <= limit:
                yield _Unit(first, last, tokens, first, heading, is_continuation=False)
                continue
            has_overlap = self._cut.has_overlap and not (self._tables and self._tables.overlap(first, last))
            pieces = _fit(text, first, last, limit, count, self._cut.finer)
            for number, (begin, stop, tokens) in enumerate(pieces):
                yield _Unit(begin, stop, tokens, first, heading, is_continuation=has_overlap and number > 0)

    def _accepts(self, tokens: int, heading: tuple[str, ...]) -> bool:
        if self._one_symbol_per_chunk or (self._stays_inside and self._held and not self._is_inside(heading)):
            return False
        if self._tokens + tokens <= self._limit:
            return self._tokens < MAX_SMALL_SHARE * self._limit
        return self._tokens < MAX_STRAY_SHARE * self._limit and tokens > self._limit

    def _is_inside(self, heading: tuple[str, ...]) -> bool:
        """Whether a section is inside the one around that with which the chunk begins."""
        *around, _ = self._held[0].heading or ("",)
        return list(heading[: len(around)]) == around

    def _fit_beside_stray(self, unit: _Unit) -> list[_Unit]:
        """Cut the unit to fit beside a very small chunk, such as a heading above a long paragraph."""
        left = self._limit - self._tokens
        is_stray = 0 < self._tokens < MAX_STRAY_SHARE * self._limit
        if unit.start > unit.block or unit.tokens <= left or not is_stray:
            return [unit]
        return list(self._units(unit.start, unit.end, unit.heading, left))

    def _add(self, unit: _Unit) -> list[Span]:
        done = []
        if self._tokens + unit.tokens > self._limit:
            lead = self._lead(unit)
            done = self._spans(self._held[: len(self._held) - len(lead)], self._repeated)
            self._hold(self._overlap(unit) if unit.is_continuation else [])
            self._held, self._tokens = self._held + lead, self._tokens + sum(each.tokens for each in lead)
        if self._held or not is_blank(self._text, unit.start, unit.end):
            self._held.append(unit)
            self._tokens += unit.tokens
        return done

    def _lead(self, following: _Unit) -> list[_Unit]:
        """The last units, if they introduce the one that follows and fit beside it; never all that are held."""
        own = self._held[self._repeated :]
        last = next((unit for unit in reversed(own) if not is_blank(self._text, unit.start, unit.end)), None)
        if last is None or following.start > following.block or not self._introduces(last):
            return []
        if last.trimmed is not None:
            self._held = self._paragraphs(self._held)
            return self._lead(following)
        lead = own[own.index(last) :]
        tokens = sum(unit.tokens for unit in lead)
        fits = tokens <= min(MAX_LEAD_SHARE * self._limit, self._limit - following.tokens)
        return lead if fits and len(lead) < len(own) else []

    def _introduces(self, unit: _Unit) -> bool:
        """Whether a unit begins a paragraph and ends with a colon."""
        return unit.start == unit.block and self._text[unit.start : unit.end].rstrip().endswith(LEAD_ENDS)

    def _hold(self, repeated: list[_Unit]) -> None:
        self._held, self._repeated = repeated, len(repeated)
        self._tokens = sum(unit.tokens for unit in repeated)

    def _overlap(self, following: _Unit) -> list[_Unit]:
        """The last units of the paragraph that goes on, as many as may be repeated; never the whole chunk."""
        kept: list[_Unit] = []
        left = min(self._max_overlap, self._limit - following.tokens)
        for unit in reversed(self._held[self._repeated + 1 :]):
            if unit.tokens > left:
                break
            kept.insert(0, unit)
            left -= unit.tokens
            if not unit.is_continuation:
                break
        return list(itertools.dropwhile(lambda unit: is_blank(self._text, unit.start, unit.end), kept))

    def _spans(self, units: list[_Unit], repeated: int) -> list[Span]:
        """The units as one chunk; as two where the joined text has more tokens than its units counted separately."""
        if not units[repeated:] or is_blank(self._text, units[repeated].start, units[-1].end):
            return []
        start, end = _without_blank_lines(self._text, units[0].start, units[-1].end)
        tokens = self._tokens_of(units, start, end)
        if tokens > self._limit and any(unit.trimmed is not None for unit in units):
            return self._spans(self._paragraphs(units), repeated)
        if tokens <= self._limit or len(units) == 1:
            paths = list(dict.fromkeys(unit.heading for unit in units))
            heading = reduce(_common_prefix, paths)
            is_below = all(len(path) > len(heading) for path in paths)
            joined = dict.fromkeys(path[len(heading)] for path in paths) if is_below else ()
            return [Span(start, end, tokens, heading, units[0].block, joined=tuple(joined))]
        if repeated:
            return self._spans(units[repeated:], 0)
        half = len(units) // 2
        return self._spans(units[:half], 0) + self._spans(units[half:], 0)

    def _tokens_of(self, units: Sequence[_Unit], start: int, end: int) -> int:
        """The tokens of a chunk: those of its sections, if it has whole ones that follow each other line by line."""
        last = units[-1].trimmed
        if last is None or end - start > self._limit * _MAX_WHOLE:
            return self._count(self._text[start:end])
        for unit, following in itertools.pairwise(units):
            is_next = unit.end == following.start and self._text[unit.end - 1] in "\r\n"
            if not is_next or unit.trimmed is None:
                return self._count(self._text[start:end])
        return sum(unit.tokens for unit in units[:-1]) + last


def _common_prefix(path: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(path, other, strict=False))
    return tuple(name for name, _ in same)


def is_blank(text: str, start: int, end: int) -> bool:
    """Whether a range is empty or only whitespace."""
    return start >= end or text[start:end].isspace()


def _without_blank_lines(text: str, start: int, end: int) -> Range:
    """The range without blank lines before it and whitespace after it; the first line keeps its indentation."""
    piece = text[start:end].rstrip()
    if not piece:
        return start, start
    blank = len(piece) - len(piece.lstrip())
    newline = max(piece.rfind("\n", 0, blank), piece.rfind("\r", 0, blank))
    return start + newline + 1, start + len(piece)
