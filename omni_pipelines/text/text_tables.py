"""Find the tables that a text shows with its characters: cells between `|`, borders, columns, or lines of figures.

These are the tables of Markdown, Org, AsciiDoc, MediaWiki and reStructuredText, the output of database consoles, and
lines with figures at the same places, as in text that comes from a PDF; and tables in HTML or CSV inside a text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from operator import itemgetter

from omni_pipelines.text.document import TextTable
from omni_pipelines.text.markup_tables import markup_table
from omni_pipelines.text.sentences import lines
from omni_pipelines.text.table_directives import directive_table
from omni_pipelines.text.table_headers import MAX_ROWS_CHECKED, PERIOD, header_names, header_of, is_value
from omni_pipelines.text.table_lines import NOTHING, Found, Line, marked, run_of

_PIPED = re.compile(r"[ \t]\|[ \t]|^[ \t]*\||\|[ \t]*$")
_PIPE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[ \t]*[|:+=-][-:|+= \t]{2,}$")
_GRID = re.compile(r"[ \t]*\+(?:[-=]+\+)+[ \t]*$")
_SIMPLE = re.compile(r"[ \t]*=+(?:[ \t]+=+)+[ \t]*$")
_DASHED = re.compile(r"[ \t]*-{2,}(?:[ \t]+-{2,})+[ \t]*$")
_ASCIIDOC = re.compile(r"[|!,:]===[ \t]*$")
_ASCIIDOC_HEADER = re.compile(r"\[.*(?:%header|options?=.*header).*\]")
_WIKI, _WIKI_END, _WIKI_ROW, _WIKI_NAMES = (
    re.compile(rf"[ \t]*{sign}") for sign in (r"\{\|", r"\|\}", r"\|-", r"!(?!!)")
)
_SIGNS = frozenset("+=|!,:{.`~<")
"""With what such a line begins, and the directives and elements that hold a table. Few lines begin like that."""
_WIKI_FORMAT = re.compile(r"^[^|\[\]{}]*\|")
_COLUMN_GAP = re.compile(r"[ ]*\t[ ]*| {2,}")
_FIGURE = re.compile(r"[-+(]?[$€£]?\d[\d.,:/-]*[%€$£]?\)?$|[-–—]$")  # noqa: RUF001
_MIN_ROWS = 3
_MIN_FIGURES = 2
_MAX_HEADER_LINE = 200
_MAX_HEADER_ROWS = 3
_MAX_LINES_BETWEEN = 4
"""Lines with a running head and a page number between two parts of a table."""
_SENTENCE_ENDS = (".", ":", ";", ",", "!", "?")


def text_tables(text: str) -> list[TextTable]:
    """The tables with a header in a text, in order."""
    found = list(_lines(text))
    tables: list[TextTable] = []
    columns, figures = _Columns(), _Figures()
    index = 0
    while index < len(found):
        taken, table = _table_at(found, index, columns)
        if not taken:
            taken, table = figures.at(found, index)
        tables += [table] if table is not None else []
        index += max(taken, 1)
    return tables


def _lines(text: str) -> Iterator[Line]:
    """The lines of a text. Of many blank lines in a row the first ones do: millions of them would fill the memory."""
    blank = 0
    for start, end in lines(text, 0, len(text)):
        line = text[start:end].rstrip("\r\n")
        blank = 0 if line.strip() else blank + 1
        if blank <= 2 * _MAX_LINES_BETWEEN:
            yield Line(start, end, line)


def _table_at(found: Sequence[Line], index: int, columns: "_Columns") -> Found:
    line = found[index].text
    shown = line.strip()
    if not shown:
        return 1, None
    if shown[0] in _SIGNS and (signed := _signed_table(found, index)) is not None:
        return signed
    if index + 1 < len(found) and _DASHED.match(found[index + 1].text):
        return _dashed(found, index)
    if _PIPED.search(line):
        return _piped(found, index)
    return columns.at(found, index) if _COLUMN_GAP.search(shown) else NOTHING


def _signed_table(found: Sequence[Line], index: int) -> Found | None:
    """The table that a line of signs begins; None if the line is not one of these."""
    line = found[index].text
    if _GRID.match(line):
        return _grid(found, index)
    if _SIMPLE.match(line):
        return _simple(found, index)
    if _ASCIIDOC.match(line):
        return _asciidoc(found, index)
    if _WIKI.match(line):
        return _wiki(found, index)
    if (directive := directive_table(found, index))[0]:
        return directive
    in_markup = markup_table(found, index)
    return in_markup if in_markup[0] else None


def _by_cells(run: Sequence[Line], rows: Sequence[list[str]], *, is_sure: bool = False) -> TextTable | None:
    """The table whose cells tell the header. `rows` has one list of cells for each line."""
    header = header_of(rows)
    if header is None or (is_sure and not header.is_sure):
        return None
    return marked(run, header.first, header.names)


def _piped(found: Sequence[Line], index: int) -> Found:
    """Rows with `|` between their cells. What stands above a rule is the header."""
    run = run_of(found, index, lambda line: _PIPED.search(line) is not None or _RULE.match(line) is not None)
    if len(run) < 2:  # a single line is not a table
        return len(run), None
    rows = [[] if _RULE.match(line.text) else _piped_cells(line.text) for line in run]
    above = _rows_above_rule(rows)
    if above:
        return len(run), marked(run, above[0], header_names([rows[number] for number in above]))
    return len(run), _by_cells(
        [line for line, row in zip(run, rows, strict=True) if row], [row for row in rows if row]
    )


def _rows_above_rule(rows: Sequence[list[str]]) -> list[int]:
    """The numbers of the first rows, if a rule follows below them."""
    first = 0 if rows[0] else 1
    rule = next((number for number, row in enumerate(rows) if number > first and not row), 0)
    return list(range(first, rule)) if rule and rule - first <= _MAX_HEADER_ROWS and rule + 1 < len(rows) else []


def _piped_cells(line: str) -> list[str]:
    return [cell.strip() for cell in _PIPE.split(line.strip().removeprefix("|").removesuffix("|"))]


def _grid(found: Sequence[Line], index: int) -> Found:
    """A table with borders of `+---+`, as in reStructuredText and of database consoles.

    A border of `=` is below the header. Without one, three borders in all show that the second is.
    """
    run = run_of(found, index, lambda line: line.lstrip().startswith(("+", "|")))
    borders = [number for number, line in enumerate(run) if _GRID.match(line.text)]
    rows = [_joined(run[above + 1 : below]) for above, below in pairwise(borders)]
    below = next((at for at, number in enumerate(borders) if at and "=" in run[number].text), 0)
    if not below and len(borders) == 3:
        below = 1
    if below and run[-1].end > run[borders[below]].end:
        table = marked(run, borders[0] + 1, header_names(rows[:below]))
        starts = tuple(run[number].start for number in borders[below:-1])
        has_borders = table is not None and len(starts) > 1
        return len(run), replace(table, rows=(table.start, *starts)) if has_borders and table else table
    if len(borders) == 2:  # only around it
        return len(run), _by_cells(run[1:-1], [_piped_cells(line.text) for line in run[1:-1]])
    first_lines = [run[number + 1] for number in borders[:-1]]
    return len(run), _by_cells([*first_lines[:-1], run[-1]], rows) if len(rows) > 1 else None


def _joined(row: Sequence[Line]) -> list[str]:
    """The cells of a row of several lines."""
    cells = [_piped_cells(line.text) for line in row]
    width = max(map(len, cells), default=0)
    return [
        " ".join(line[column] for line in cells if column < len(line) and line[column]) for column in range(width)
    ]


def _simple(found: Sequence[Line], index: int) -> Found:
    """A simple table of reStructuredText: borders of `===` above and below its header, and at its end."""
    columns = [(match.start(), match.end()) for match in re.finditer("=+", found[index].text)]
    borders = [0]
    run: list[Line] = []
    for line in found[index:]:
        if len(run) and _SIMPLE.match(line.text):
            borders.append(len(run))
        run.append(line)
        following = found[index + len(run)].text if index + len(run) < len(found) else ""
        if len(borders) == 3 or (len(borders) == 2 and not following.strip()):
            break
        if len(borders) == 1 and not line.text.strip():
            return NOTHING
    if len(borders) == 1:
        return NOTHING
    rows = [_simple_cells(line.text, columns) for line in run]
    if len(borders) == 2:  # without a header
        return len(run), _by_cells(run[1:-1], rows[1:-1])
    return len(run), marked(run, 1, header_names(rows[1 : borders[1]]))


def _dashed(found: Sequence[Line], index: int) -> Found:
    """Names, dashes below each, and rows up to a blank line: consoles of databases and Pandoc write such tables."""
    columns = [(match.start(), match.end()) for match in re.finditer("-+", found[index + 1].text)]
    run = [*found[index : index + 2], *run_of(found, index + 2, lambda line: bool(line.strip()))]
    names = _simple_cells(run[0].text, columns)
    if len(run) < _MIN_ROWS or not any(names):
        return NOTHING
    return len(run), marked(run, 0, header_names([names]))


def _simple_cells(line: str, columns: Sequence[tuple[int, int]]) -> list[str]:
    if not line.strip("- \t"):  # the names above it span several columns
        return []
    ends = [start for start, _ in columns[1:]] + [max(len(line), columns[-1][1])]
    return [line[start:end].strip() for (start, _), end in zip(columns, ends, strict=True)]


def _asciidoc(found: Sequence[Line], index: int) -> Found:
    """A table of AsciiDoc. The first line is the header if an attribute says so, or a blank line follows it."""
    run = [found[index], *run_of(found, index + 1, lambda line: _ASCIIDOC.match(line) is None)]
    first = next((number for number, line in enumerate(run[1:], 1) if line.text.strip()), 0)
    if not first or index + len(run) == len(found):
        return len(run), None
    declared = index > 0 and _ASCIIDOC_HEADER.match(found[index - 1].text.strip()) is not None
    names = [cell for cell in _PIPE.split(run[first].text)[1:] if cell.strip()]
    is_followed_by_blank = first + 1 < len(run) and not run[first + 1].text.strip()
    if len(names) > 1 and (declared or (first == 1 and is_followed_by_blank)):
        return len(run), marked(run, first, header_names([[cell.strip() for cell in names]]))
    if declared and len(names) == 1:  # each name on a line of its own
        names = [line.text.lstrip("| ") for line in run_of(run, first, lambda line: bool(line.strip()))]
        return len(run), marked(run, first, header_names([names]))
    return len(run), _by_cells(run[1:], [[cell.strip() for cell in _PIPE.split(line.text)[1:]] for line in run[1:]])


def _wiki(found: Sequence[Line], index: int) -> Found:
    """A table of MediaWiki: names of columns stand after `!` or `!!`, before the first row of other cells."""
    run = [found[index], *run_of(found, index + 1, lambda line: _WIKI_END.match(line) is None)]
    first = next((number for number, line in enumerate(run) if _WIKI_NAMES.match(line.text)), 0)
    if not first:
        return len(run), None
    header = run_of(run, first, lambda line: _WIKI_NAMES.match(line) is not None)
    cells = [cell for line in header for cell in re.split(r"!!|\|\|", line.text.strip()[1:])]
    names = [_WIKI_FORMAT.sub("", cell).strip() for cell in cells]
    following = run[first + len(header)].text if first + len(header) < len(run) else ""
    if len(names) < 2 or not _WIKI_ROW.match(following):  # names of rows
        return len(run), None
    return len(run), marked(run, first, header_names([names]))


class _Columns:
    """Finds tables whose cells are separated by two blanks or a tab, with figures or dates below a row of names.

    All lines of a table have the same number of cells. If it does not start at the first of such lines, it may start
    at any later one, so the cells are split once and kept.
    """

    def __init__(self) -> None:
        self._start = self._end = 0
        self._rows: list[tuple[int, list[str], bool]] = []
        """Of those of the lines that are no rule: the number, the cells, and whether one of them is a value."""

    def at(self, found: Sequence[Line], index: int) -> Found:
        if not self._start <= index < self._end:
            self._read(found, index)
        taken = self._end - index
        if taken < _MIN_ROWS:
            return NOTHING
        first = bisect_left(self._rows, index, key=itemgetter(0))
        rows = self._rows[first : first + MAX_ROWS_CHECKED]  # the header depends on no other row
        if not any(has_value for _, _, has_value in rows[1:]):  # then no header is sure; most of code is like that
            return NOTHING
        run = [found[number] for number, *_ in (*rows, *self._rows[-1:])]
        table = _by_cells(run, [cells for _, cells, _ in rows], is_sure=True)
        return (taken, table) if table is not None else NOTHING

    def _read(self, found: Sequence[Line], index: int) -> None:
        self._start, self._rows = index, []
        width = 0
        for number in range(index, len(found)):
            cells = _COLUMN_GAP.split(found[number].text.strip())
            width = width or len(cells)
            if len(cells) != width:
                self._end = number
                return
            if any(cell.strip("-=_") for cell in cells):
                self._rows.append((number, cells, any(map(is_value, cells))))
        self._end = len(found)


class _Figures:
    """Finds lines that end with the same number of figures below a line that does not: a table without separators.

    After a page break, lines with as many figures belong to the same table.
    """

    def __init__(self) -> None:
        self._count = 0
        self._end = 0
        self._header = ""

    def at(self, found: Sequence[Line], index: int) -> Found:
        count = _figures(found[index].text)
        if count < _MIN_FIGURES:
            return NOTHING
        run = run_of(found, index, lambda line: _figures(line) == count)
        header = self._header_of(found, index, run, count)
        if not header or (len(run) < _MIN_ROWS and header != self._header):
            return len(run), None
        self._count, self._end, self._header = count, index + len(run), header
        return len(run), TextTable(run[0].start, run[-1].end, header)

    def _header_of(self, found: Sequence[Line], index: int, run: Sequence[Line], count: int) -> str:
        words = run[0].text.split()
        if all(PERIOD.match(word) for word in words[-count:]) and not any(
            PERIOD.match(word) for word in run[-1].text.split()[-count:]
        ):
            return " ".join(words)
        above = " ".join(found[index - 1].text.split()) if index else ""
        is_header = len(above.split()) > count and len(above) <= _MAX_HEADER_LINE
        if is_header and not above.endswith(_SENTENCE_ENDS) and not _FIGURE.match(above.split()[-1]):
            return above
        if count != self._count:
            return ""
        between = (place for place in range(self._end, index) if found[place].text.strip())
        is_near = len([*islice(between, _MAX_LINES_BETWEEN + 1)]) <= _MAX_LINES_BETWEEN
        return self._header if is_near else ""


def _figures(line: str) -> int:
    """The number of figures at the end of a line."""
    if not line[-1:].strip() and not line.strip():
        return 0
    count = 0
    for word in reversed(line[-_MAX_HEADER_LINE:].split()):
        if not _FIGURE.match(word):
            return count
        count += 1
    return 0
