"""Snippets: the lines of a passage in which the words of a query stand."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts that put no space between words: a term is found inside a run of letters."""
_ELLIPSIS = "…"

Span = tuple[int, int]
Terms = Callable[[str], Sequence[str]]
"""The terms of a text as the keyword index has them: stems, in order."""


@dataclass(frozen=True)
class SnippetLine:
    """A line of a snippet, and where words of the query stand in it."""

    text: str
    matches: tuple[Span, ...]
    """Ranges of characters, in order."""


def matches(text: str, query: str, terms: Terms) -> list[tuple[Span, str]]:
    """Where words of a query stand in a text, in any form that the index takes for the same, each with its term."""
    wanted = set(terms(query))
    known: dict[str, str] = {}
    found: list[tuple[Span, str]] = []
    for word in _WORD.finditer(text):
        if _UNSPACED.search(word[0]):
            found.extend(_inside(word, wanted))
            continue
        if word[0] not in known:
            known[word[0]] = next((term for term in terms(word[0]) if term in wanted), "")
        if known[word[0]]:
            found.append((word.span(), known[word[0]]))
    return found


def _inside(run: re.Match[str], wanted: Iterable[str]) -> Iterator[tuple[Span, str]]:
    """Where terms stand in a run of letters without spaces; overlapping ones are joined."""
    hits = sorted(
        (run.start() + hit.start(), run.start() + hit.end(), term)
        for term in wanted
        if _UNSPACED.search(term)
        for hit in re.finditer(re.escape(term), run[0].lower())
    )
    end = -1
    for start, stop, term in hits:
        if start >= end:
            end = stop
            yield (start, stop), term


def snippet(text: str, query: str, terms: Terms, *, lines: int, width: int) -> list[SnippetLine]:
    """The lines of a text that show the most different words of a query, and after them the following ones.

    Blank lines are left out. A line longer than `width` characters is cut around its first match; "…" marks a cut.
    A text without a word of the query, as a search by meaning finds, is shown from its beginning.
    """
    found = matches(text, query, terms)
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
