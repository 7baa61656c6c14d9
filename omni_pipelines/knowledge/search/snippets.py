"""Snippets: the lines of a passage in which the words of a query stand."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache

from native.later_patterns import compile_later

_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0dff\u00ad\u200b-\u200d\u2060"
"""Marks on letters and signs inside words, which \\w does not match."""
_PART = re.compile(rf"[\w{_MARKS}]+")
_WORD = re.compile(rf"\.?{_PART.pattern}(?:[-.,'\u2019]{_PART.pattern})*(?:\+\+|[#*])?")
"""A word with its signs: C++, .NET, e-mail, 1,234."""
_UNSPACED = compile_later(r"[\u0e00-\u0eff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts that put no space between words: a term is found inside a run of letters."""
_ELLIPSIS = "…"

Span = tuple[int, int]
Forms = Callable[[str], Set[str]]
"""The forms of the words of a text as the keyword index has them: stems, with and without accents."""


@dataclass(frozen=True)
class SnippetLine:
    """A line of a snippet, and where words of the query stand in it."""

    text: str
    matches: tuple[Span, ...]
    """Ranges of characters, in order."""


def matches(text: str, wanted: Set[str], forms: Forms) -> list[tuple[Span, str]]:
    """Where words stand in a text that have one of the wanted forms, each with that form.

    Of a word in several parts, such as e-mail, it is the parts that have one, or the whole if all or none have.
    """
    form_of = cache(lambda word: min(forms(word) & wanted, default=""))
    found: list[tuple[Span, str]] = []
    for word in _WORD.finditer(text):
        if not word[0].isascii() and _UNSPACED.search(word[0]):
            for run in _PART.finditer(text, *word.span()):
                found.extend(_inside(run, wanted))
        elif form := form_of(word[0]):
            parts = [(part.span(), form_of(part[0])) for part in _PART.finditer(text, *word.span())]
            hits = [hit for hit in parts if hit[1]]
            found.extend(hits if 0 < len(hits) < len(parts) else [(word.span(), form)])
    return found


def _inside(run: re.Match[str], wanted: Iterable[str]) -> Iterator[tuple[Span, str]]:
    """Where terms stand in a run of letters without spaces; overlapping ones are joined."""
    hits = sorted(
        (run.start() + hit.start(), run.start() + hit.end(), term)
        for term in wanted
        if not term.isascii() and _UNSPACED.search(term)
        for hit in re.finditer(re.escape(term), run[0].lower())
    )
    end = -1
    for start, stop, term in hits:
        if start >= end:
            end = stop
            yield (start, stop), term


def snippet(text: str, wanted: Set[str], forms: Forms, *, lines: int, width: int) -> list[SnippetLine]:
    """The lines of a text that show the most different words of a query, and after them the following ones.

    `wanted` has the forms of these words.

    Blank lines are left out. A line longer than `width` characters is cut around its first match; "…" marks a cut.
    A text without a word of the query, as a search by meaning finds, is shown from its beginning.
    """
    found = matches(text, wanted, forms)
    rows = [(row.start(), row[0].rstrip()) for row in re.finditer(r"[^\n]+", text) if row[0].strip()]
    by_row = [[hit for hit in found if start <= hit[0][0] < start + len(row)] for start, row in rows]
    last = max(len(rows) - lines, 0)
    # Of windows with the same words, the first one that begins with a match.
    gains = [(_distinct(by_row[first : first + lines]), any(by_row[first : first + 1])) for first in range(last + 1)]
    best = gains.index(max(gains))
    chosen = range(best, min(best + lines, len(rows)))
    return [
        _cut(rows[number][1], [(a - rows[number][0], b - rows[number][0]) for (a, b), _ in by_row[number]], width)
        for number in chosen
    ]


def _distinct(rows: Iterable[Sequence[tuple[Span, str]]]) -> int:
    return len({term for row in rows for _, term in row})


def _cut(line: str, spans: Sequence[Span], width: int) -> SnippetLine:
    """A line of at most `width` characters that shows its first match."""
    start = 0
    if len(line) > width and spans and spans[0][1] > width - 1:
        start = min(max(spans[0][0] - width // 4, 0), len(line) - width + 1)
    end = len(line) if len(line) - start <= width - bool(start) else start + width - 1 - bool(start)
    before = _ELLIPSIS if start else ""
    shown = f"{before}{line[start:end]}{_ELLIPSIS if end < len(line) else ''}"
    moved = ((a - start + len(before), b - start + len(before)) for a, b in spans if a >= start and b <= end)
    return SnippetLine(shown, tuple(moved))
