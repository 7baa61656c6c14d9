"""Put the text of a printed page in reading order: lines, columns one after the other, and the rows of tables.

A page is divided where a strip without text runs between at least three lines on its left and on its right. On both
sides of it are columns of text if their lines are long or if the file draws one side after the other; else it is in a
table. The page is then read from top to bottom: above the strip, left of it, right of it, below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from native.pdfium_text import RIGHT_TO_LEFT, Run
from omni_pipelines.text.layout.page_tables import FIGURE, LABEL, MIN_LINES, Row, TableRows, table_of

_WIDE_GAP = 1.2
"""Times the size of the font: words so far apart are no neighbours in a sentence."""
_STRIP = 0.7
"""Times the size of the font: the narrowest strip between columns."""
_SAME_LINE = 0.4
_SAME_BASELINE = 0.05
_NO_SPACE = 0.12
_EMPTY = 3.5
"""Times the size of the font: so much empty space ends columns."""
_APART = 1.25
"""Times the usual distance of lines: paragraphs are so far apart."""
_EDGE = 1.35
"""The same for the first and last lines of a page, such as page numbers."""
_MAX_EDGES = 2
_LARGE = 1.15
"""Times the usual size of the font: a title, and not the running head of a page."""
_MAX_DEPTH = 24
_MAX_STRIPS = 8
_MAX_RUNS = 20_000
"""Of a page that is searched for columns: more are a drawing."""
_LONG_LINE = 25
"""Characters from which a line is a part of a text, and no cell."""
_DRAWN_APART, _MIN_STARTS = 3, 5
"""Lines that the file draws between two neighbours in different columns, and lines that start at the same place."""
_MIN_LETTERS = 6
"""So many letters with blanks between them are one word, or several."""
_BETWEEN_WORDS = 1.5
"""Times the space between letters that stand apart."""


@dataclass(slots=True, eq=False)
class PageLine:
    """A line of text in reading order."""

    text: str
    left: float
    baseline: float
    top: float
    size: float
    is_bold: bool
    is_cut: bool
    """Whether a hyphen that is not in `text` cuts its last word."""
    is_apart: bool = True
    """Whether it starts a paragraph."""
    edge: str = ""
    """`top` or `bottom` if it stands alone at an edge of the page."""


Part = list[PageLine] | TableRows


def page_parts(runs: Iterable[Run]) -> list[Part]:
    """The lines and tables of a page in reading order. Text that is turned comes last."""
    turned: dict[int, list[Run]] = {}
    for run in runs:
        turned.setdefault(run.turn, []).extend(_without_gaps(run))
    return [part for _, of_turn in sorted(turned.items()) for part in _Page(of_turn).parts()]


def _without_gaps(run: Run) -> Iterator[Run]:
    """The parts of a run between its wide gaps."""
    lefts, rights = run.lefts, run.rights
    if len(lefts) > 1 and lefts[1] < lefts[0]:
        gaps = [before - after for before, after in zip(lefts, rights[1:], strict=False)]
    else:
        gaps = [after - before for before, after in zip(rights, lefts[1:], strict=False)]
    wide = [at for at, gap in enumerate(gaps, 1) if not -run.size <= gap <= _WIDE_GAP * run.size]
    if not wide:
        yield run
        return
    for start, end in pairwise([0, *wide, len(lefts)]):
        yield replace(
            run, words=run.words[start:end], lefts=lefts[start:end], rights=rights[start:end],
            is_cut=run.is_cut and end == len(lefts),
        )  # fmt: skip


def _with_words(run: Run) -> Run:
    """A run whose letters stand apart, as words: there is more space between these."""
    if len(run.words) < _MIN_LETTERS or sum(map(len, run.words)) > 1.2 * len(run.words):
        return run
    gaps = [after - before for before, after in zip(run.rights, run.lefts[1:], strict=False)]
    space = _BETWEEN_WORDS * max(median(gaps), 0.1 * run.size)
    starts = [0, *(at for at, gap in enumerate(gaps, 1) if gap > space)]
    bounds = list(pairwise([*starts, len(run.words)]))
    return replace(
        run,
        words=["".join(run.words[start:end]) for start, end in bounds],
        lefts=[run.lefts[start] for start, _ in bounds],
        rights=[run.rights[end - 1] for _, end in bounds],
    )


class _Page:
    """The runs of a page that are written in one direction."""

    def __init__(self, runs: list[Run]) -> None:
        letters = Counter[float]()
        for run in runs:
            letters[round(run.size, 1)] += sum(map(len, run.words))
        self._starts = Counter(round(run.left) for run in runs)
        self._size = letters.most_common(1)[0][0]
        self._rows = self._rows_of(runs)

    def parts(self) -> list[Part]:
        """Its parts in reading order; lines that stand alone at its edges are parts of their own."""
        rows = self._rows
        top = self._edge(rows)
        bottom = self._edge(rows[top:][::-1])
        body = rows[top : len(rows) - bottom]
        above = [[self._line(row, edge="top")] for row in rows[:top]]
        below = [[self._line(row, edge="bottom")] for row in rows[len(rows) - bottom :]]
        is_too_full = sum(map(len, body)) > _MAX_RUNS
        return [*above, *self._divide(body, _MAX_DEPTH if is_too_full else 0), *below]

    def _edge(self, rows: list[Row]) -> int:
        """How many of the first rows stand alone, with more space to the next row than there is between others."""
        if len(rows) < 2 * _MAX_EDGES + 1:
            return 0
        gaps = [abs(first[0].baseline - second[0].baseline) for first, second in pairwise(rows)]
        usual = max(median(gaps), self._size)
        if max(run.size for run in rows[0]) > _LARGE * self._size:
            return 0
        return next((count for count in (2, 1) if gaps[count - 1] > _EDGE * usual), 0)

    def _rows_of(self, runs: list[Run]) -> list[Row]:
        """The runs on the same height, from top to bottom; within a row from left to right."""
        rows: list[Row] = []
        seen = set[tuple[str, int, int]]()
        for run in sorted(runs, key=lambda run: -run.baseline):
            key = run.words[0], round(run.lefts[0]), round(run.baseline)
            if len(run.words) == 1 and key in seen:  # drawn twice to look bold
                continue
            seen.add(key)
            size = max(self._size, min(run.size, rows[-1][0].size)) if rows else 0.0
            if rows and (
                rows[-1][0].baseline - run.baseline < _SAME_LINE * size
                or rows[-1][-1].baseline - run.baseline < _SAME_BASELINE
            ):
                rows[-1].append(run)
            else:
                rows.append([run])
        return [self._merged(row) for row in rows]

    def _merged(self, row: Row) -> Row:
        """A row with neighbours joined that have different fonts, or that the file draws separately."""
        row.sort(key=lambda run: run.left)
        merged = [row[0]]
        for before, run in pairwise(row):
            last = merged[-1]
            gap = run.left - last.right
            if gap > _WIDE_GAP * max(self._size, min(last.size, run.size)) or self._is_gutter(last, run, gap):
                merged.append(run)
            else:
                merged[-1] = _joined(last, run, is_same_line=before.line == run.line)
        return [_with_words(run) for run in merged]

    def _is_gutter(self, last: Run, run: Run, gap: float) -> bool:
        """Whether a narrow gap is between columns: lines start at the same place, and the file draws them apart."""
        if gap < _STRIP * self._size or abs(run.line - last.line) < _DRAWN_APART:
            return False
        at = round(run.left)
        return sum(self._starts[each] for each in (at - 1, at, at + 1)) >= _MIN_STARTS

    def _divide(self, rows: list[Row], depth: int) -> list[Part]:
        """The rows in reading order."""
        if not rows:
            return []
        found = _Strip.best(rows, self._size) if depth < _MAX_DEPTH else None
        if found is None:
            return [self._text(rows)]
        inside = rows[found.first : found.last + 1]
        left, right = found.sides(inside)
        if found.is_columns(inside):
            middle = [*self._divide(left, depth + 1), *self._divide(right, depth + 1)]
        else:
            while len(inside[0]) < 2:
                del inside[0]
                found.first += 1
            while len(inside[-1]) < 2:
                del inside[-1]
                found.last -= 1
            table = table_of(inside)
            middle = [table if table is not None else self._text(inside)]
        above, below = rows[: found.first], rows[found.last + 1 :]
        return [*self._divide(above, depth + 1), *middle, *self._divide(below, depth + 1)]

    def _text(self, rows: list[Row]) -> list[PageLine]:
        lines = [self._line(row) for row in rows]
        gaps = [above.baseline - below.baseline for above, below in pairwise(lines)]
        usual = median(gaps) if len(gaps) > 2 else 1.3 * self._size
        for gap, (above, below) in zip(gaps, pairwise(lines), strict=True):
            is_other_size = abs(above.size - below.size) > 0.1 * max(above.size, below.size)
            is_near = 0 < gap <= max(_APART * usual, 1.1 * above.size)
            below.is_apart = not is_near or is_other_size or above.is_bold != below.is_bold
        return lines

    def _line(self, row: Row, edge: str = "") -> PageLine:
        row = row[::-1] if len(row) > 1 and sum(map(_is_from_right, row)) * 2 > len(row) else row
        main = max(row, key=_length) if len(row) > 1 else row[0]
        return PageLine(
            " ".join(run.text for run in row),
            min(run.left for run in row),
            main.baseline,
            main.top,
            main.size,
            main.is_bold,
            row[-1].is_cut,
            edge=edge,
        )


def _length(run: Run) -> int:
    return sum(map(len, run.words))


def _is_from_right(run: Run) -> bool:
    return RIGHT_TO_LEFT.search(run.words[0]) is not None


def _joined(first: Run, second: Run, *, is_same_line: bool) -> Run:
    """Two runs as one. Letters that touch are one word, and so is a word that was only cut by a hyphen.

    PDFium has parted the words of what it takes for the same line.
    """
    left, right = first, second
    if _is_from_right(first) and _is_from_right(second):
        first, second = second, first
    words, lefts, rights = first.words + second.words, first.lefts + second.lefts, first.rights + second.rights
    touch = not is_same_line and right.left - left.right < _NO_SPACE * min(first.size, second.size)
    if touch or first.is_cut:
        at = len(first.words)
        words[at - 1 : at + 1] = [first.words[-1] + second.words[0]]
        del lefts[at], rights[at - 1]
    main = first if _length(first) >= _length(second) else second
    return replace(main, words=words, lefts=lefts, rights=rights, line=first.line, is_cut=second.is_cut)


@dataclass(slots=True)
class _Strip:
    """A strip without text between the rows `first` and `last`."""

    first: int
    last: int
    low: float
    high: float

    @staticmethod
    def best(rows: list[Row], size: float) -> _Strip | None:
        """The strip to divide rows at; None without one.

        Of those with many lines on both sides, one between columns comes before one inside a table.
        """
        found: list[_Strip] = []
        for at, low, high in _gaps(rows, size):
            if any(each.first <= at <= each.last and low < each.high and each.low < high for each in found):
                continue
            found.append(_Strip.around(rows, at, low, high, size))
        counts = [(each.count(rows), each) for each in found]
        most = max((count for count, _ in counts), default=0)
        if most < MIN_LINES:
            return None
        counts = [(count, each) for count, each in counts if count >= max(MIN_LINES, most / 2)]
        counts.sort(key=lambda pair: -pair[0])
        strips = [each for _, each in counts]
        between = (each for each in strips[:_MAX_STRIPS] if each.is_columns(rows[each.first : each.last + 1]))
        return next(between, strips[0])

    def count(self, rows: list[Row]) -> int:
        """The lines on the side that has fewer."""
        inside = rows[self.first : self.last + 1]
        left = sum(row[0].right <= self.low for row in inside)
        return min(left, sum(row[-1].left >= self.high for row in inside))

    @staticmethod
    def around(rows: list[Row], at: int, low: float, high: float, size: float) -> _Strip:
        """The strip through a gap of the row `at`, as long as rows leave at least `_STRIP` of it free."""
        strip = _Strip(at, at, low, high)
        while strip.last + 1 < len(rows) and strip._takes(rows[strip.last], rows[strip.last + 1], size):
            strip.last += 1
        while strip.first > 0 and strip._takes(rows[strip.first], rows[strip.first - 1], size):
            strip.first -= 1
        return strip

    def _takes(self, last: Row, row: Row, size: float) -> bool:
        low, high = self.low, self.high
        for run in row:
            if run.left < low < run.right < high:
                low = run.right
            elif low < run.left < high < run.right:
                high = run.left
            elif run.left < high and run.right > low:
                return False
        if high - low < _STRIP * size or abs(last[0].baseline - row[0].baseline) > _EMPTY * size:
            return False
        self.low, self.high = low, high
        return True

    def sides(self, rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """The rows left and right of it."""
        left = [[run for run in row if run.right <= self.low] for row in rows]
        right = [[run for run in row if run.left >= self.high] for row in rows]
        return [row for row in left if row], [row for row in right if row]

    def is_columns(self, rows: list[Row]) -> bool:
        """Whether the text on both sides is read one side after the other, and not row by row."""
        left, right = self.sides(rows)
        paired = len(left) + len(right) - len(rows)
        if 2 * paired < min(len(left), len(right)):
            return True
        if all(LABEL.match(_text_of(row)) for row in left):
            return False
        if _is_long(left) and _is_long(right):
            return True
        last_of_left = max(run.line for row in left for run in row)
        is_drawn_apart = last_of_left < min(run.line for row in right for run in row)
        if not is_drawn_apart or _has_figures(_text_of(row) for row in right):
            return False
        ends_of_left, ends_of_right = ([row[-1].text for row in side] for side in (left, right))
        return _has_figures(ends_of_left) or not _has_figures(ends_of_right)


def _gaps(rows: list[Row], size: float) -> Iterator[tuple[int, float, float]]:
    """Where a strip may begin: row, left, right. Columns may have their lines at different heights."""
    for at, row in enumerate(rows):
        for left, right in pairwise(row):
            yield at, left.right, right.left
        if at + 1 < len(rows) and len(row) == len(rows[at + 1]) == 1:
            first, second = sorted((row[0], rows[at + 1][0]), key=lambda run: run.left)
            if second.left - first.right > _STRIP * size and abs(first.baseline - second.baseline) < 0.9 * size:
                yield at, first.right, second.left


def _text_of(row: Iterable[Run]) -> str:
    return " ".join(run.text for run in row)


def _has_figures(texts: Iterable[str]) -> bool:
    """Whether at least half of these texts are figures."""
    are_figures = [FIGURE.match(text) is not None for text in texts]
    return 2 * sum(are_figures) >= len(are_figures)


def _is_long(side: list[Row]) -> bool:
    """Whether most lines of a column are long and fill it."""
    widths = [row[-1].right - row[0].left for row in side]
    lengths = [len(_text_of(row)) for row in side]
    full = sum(width > 0.6 * max(widths) for width in widths)
    return median(lengths) >= _LONG_LINE and 2 * full > len(side) and max(map(len, side)) <= 2
