"""What a chunk belongs to: the section around it, and the signature above it."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import islice

from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.sentences import Range, lines

MAX_SIGNATURE = 200
"""Characters of a signature that are repeated."""
_LINES_OF_SIGNATURE = 6
_MAX_SEEN = 8_192
"""Characters from a symbol's beginning in which its signature is looked for."""
_LINES_ABOVE = 60
"""Lines of comments and decorators that may stand between a symbol's beginning and its signature."""
_COMMENT = re.compile(r"\s*(?:#(?!define)|//|/\*|\*|--|;|@|%|<!--)")


class SectionsAround:
    """Finds sections of one document. Asked in the order of the text, it looks at each section a few times."""

    def __init__(self, parsed: Parsed) -> None:
        leading = () if parsed.sections and parsed.sections[0].start == 0 else (Section(0, ()),)
        self._sections = (*leading, *parsed.sections)
        self._length = len(parsed.text)
        self._last: tuple[tuple[str, ...], Range] = ((), (0, self._length))

    def range(self, start: int, path: tuple[str, ...]) -> Range:
        """The section with a heading path around a place: as far as everything stands below that path."""
        known, (begin, end) = self._last
        if known != path or not begin <= start < end:
            self._last = path, self._find(self._at(start), path) if path else (0, self._length)
        return self._last[1]

    def innermost(self, start: int) -> Section:
        """The section a place stands in."""
        return self._sections[self._at(start)]

    def _at(self, start: int) -> int:
        return bisect_right(self._sections, start, key=lambda section: section.start) - 1

    def _find(self, at: int, path: tuple[str, ...]) -> Range:
        first = last = at
        while first > 0 and self._below(first - 1, path):
            first -= 1
        while last < len(self._sections) and self._below(last, path):
            last += 1
        end = self._sections[last].start if last < len(self._sections) else self._length
        return self._sections[first].start, end

    def _below(self, at: int, path: tuple[str, ...]) -> bool:
        return self._sections[at].path[: len(path)] == path


def signature(text: str, section: Section, end: int) -> str:
    """How the symbol of a section is declared, for a chunk that begins at `end`; "" if that is not above it.

    The first line that names it and is no comment, with the lines that its parentheses go over, as one line.
    """
    end = min(end, section.start + _MAX_SEEN)
    name = re.compile(rf"(?<!\w){re.escape(section.path[-1])}(?!\w)") if section.path else None
    declared = ""
    for at, to in islice(lines(text, section.start, end), _LINES_ABOVE):
        line = text[at:to]
        if not declared and (name is None or _COMMENT.match(line) or not name.search(line)):
            continue
        declared += line
        if declared.count("(") <= declared.count(")") or declared.count("\n") >= _LINES_OF_SIGNATURE:
            break
    return " ".join(declared.split()).rstrip(" {:=")[:MAX_SIGNATURE]
