"""The context of a chunk: its sections, the signature of its symbol, and the column names of its table."""

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator

from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.sentences import Range, Splitter, lines
from omni_pipelines.text.text_tables import text_tables

MAX_SIGNATURE_LENGTH = 200
"""Characters of a signature that are repeated with each chunk."""
_MAX_SIGNATURE_LINES = 6
_MAX_CHARACTERS_SEARCHED = 8_192
_MAX_LINES_ABOVE = 60
"""Lines of comments and decorators that may precede the signature of a symbol."""
_COMMENT = re.compile(r"\s*(?:#(?!define)|//|/\*|\*|--|;|@|%|<!--)")


class EnclosingSections:
    """Finds the sections of one document that enclose a position. Fast when asked in the order of the text."""

    def __init__(self, parsed: Parsed) -> None:
        has_start = bool(parsed.sections) and parsed.sections[0].start == 0
        self._sections = parsed.sections if has_start else (Section(0, ()), *parsed.sections)
        self._starts = [section.start for section in self._sections]
        self._length = len(parsed.text)
        self._last: tuple[tuple[str, ...], Range] = ((), (0, self._length))

    def range(self, start: int, path: tuple[str, ...]) -> Range:
        """The range around `start` in which every section is under the heading path `path`."""
        last_path, (begin, end) = self._last
        if last_path != path or not begin <= start < end:
            self._last = path, self._find(self._index(start), path) if path else (0, self._length)
        return self._last[1]

    def innermost(self, start: int) -> Section:
        """The section that contains `start`."""
        return self._sections[self._index(start)]

    def _index(self, start: int) -> int:
        return bisect_right(self._starts, start) - 1

    def _find(self, index: int, path: tuple[str, ...]) -> Range:
        first = last = index
        while first > 0 and self._is_under(first - 1, path):
            first -= 1
        while last < len(self._sections) and self._is_under(last, path):
            last += 1
        end = self._sections[last].start if last < len(self._sections) else self._length
        return self._sections[first].start, end

    def _is_under(self, index: int, path: tuple[str, ...]) -> bool:
        return self._sections[index].path[: len(path)] == path


def signature(text: str, section: Section, end: int) -> str:
    """The declaration of a section's symbol as one line; "" if it does not come before `end`, where a chunk starts.

    It is the first line that contains the symbol's name and is not a comment, with the lines up to the closing
    parenthesis.
    """
    end = min(end, section.start + _MAX_CHARACTERS_SEARCHED)
    name = section.path[-1] if section.path else ""
    declaration = ""
    for begin, stop in itertools.islice(lines(text, section.start, end), _MAX_LINES_ABOVE):
        line = text[begin:stop]
        if not declaration and (not name or not _has_word(line, name) or _COMMENT.match(line)):
            continue
        declaration += line
        if declaration.count("(") <= declaration.count(")") or declaration.count("\n") >= _MAX_SIGNATURE_LINES:
            break
    return " ".join(declaration.split()).rstrip(" {:=")[:MAX_SIGNATURE_LENGTH]


def _has_word(line: str, word: str) -> bool:
    """Whether a line contains a whole word. Compiling a pattern for each word would take longer."""
    start = line.find(word)
    while start >= 0:
        around = line[max(start - 1, 0) : start] + line[start + len(word) : start + len(word) + 1]
        if not any(letter.isalnum() or letter == "_" for letter in around):
            return True
        start = line.find(word, start + 1)
    return False


class Tables:
    """The tables of one document with their headers: those that its reader marked, else those that its text shows."""

    def __init__(self, parsed: Parsed) -> None:
        self._tables = parsed.tables or tuple(text_tables(parsed.text))
        self._starts = [table.start for table in self._tables]

    def header_of(self, start: int, end: int) -> str:
        """The column names of the table in whose rows a range starts; "" for another range.

        Rows of several lines, such as records of JSON, have no header row above: a range that starts before them has
        their names as well.
        """
        index = bisect_right(self._starts, start) - 1
        if index >= 0 and start < self._tables[index].end:
            return self._tables[index].header
        following = self._tables[index + 1] if index + 1 < len(self._tables) else None
        return following.header if following is not None and following.rows and following.start < end else ""

    def blocks(self, split: Splitter, text: str, start: int, end: int) -> Iterator[Range]:
        """The rows of tables whose rows may have several lines, and between them what `split` gives."""
        at = start
        for table in self._tables[max(bisect_right(self._starts, start) - 1, 0) :]:
            if table.start >= end:
                break
            if not table.rows or table.end <= at:
                continue
            if table.start > at:
                yield from split(text, at, table.start)
            for first, last in itertools.pairwise([*table.rows, table.end]):
                if min(last, end) > max(first, at):
                    yield max(first, at), min(last, end)
            at = min(table.end, end)
        if at < end:
            yield from split(text, at, end)

    def has_rows(self, start: int, end: int) -> bool:
        """Whether a range may contain rows that have several lines."""
        return any(table.rows and table.start < end and table.end > start for table in self._tables)

    def overlap(self, start: int, end: int) -> bool:
        """Whether a part of a range is in the rows of a table."""
        index = bisect_right(self._starts, max(end - 1, start)) - 1
        return index >= 0 and start < self._tables[index].end
