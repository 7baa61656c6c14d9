"""The headings of a PDF: those of its outline, at the lines that they name; else lines in larger or bold type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from native.pdfium import Bookmark
from omni_pipelines.text.layout.page_layout import PageLine

_LARGER = 1.12
"""Times the usual size."""
_MAX_LENGTH = 160
_MAX_LINES = 3
_MAX_LEVELS = 4
_MAX_SHARE = 0.2
"""Of the text: what is larger type in more of it, is no heading."""
_ABOVE = 12.0
"""Points: an outline points somewhat above its heading."""
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE_END = (".", ",", ";", ":", "!", "…")


@dataclass
class Headings:
    """Where the headings of a document are."""

    at_line: dict[PageLine, list[tuple[int, str]]] = field(default_factory=dict)
    """Level and title of the headings that start at a line; "" where the line itself is the title."""
    on_page: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """Those that start with a page, from 0."""


def outline_headings(bookmarks: Iterable[Bookmark], pages: Sequence[Sequence[PageLine]]) -> Headings:
    """Each heading of the outline at the line with its title, else at the place that it points to."""
    found = Headings()
    last: tuple[int, int] = (0, 0)
    for bookmark in bookmarks:
        if bookmark.page >= len(pages):
            continue
        lines = pages[bookmark.page]
        begin = last[1] if last[0] == bookmark.page else 0
        at = _titled(lines, bookmark.title, begin)
        if at is None and bookmark.top is not None:
            top = bookmark.top
            at = next((number for number, line in enumerate(lines) if line.top <= top + _ABOVE), None)
            at = at if at is not None and at >= begin else None
        heading = (bookmark.level, bookmark.title)
        if at is None:
            found.on_page.setdefault(bookmark.page, []).append(heading)
        else:
            last = bookmark.page, at
            found.at_line.setdefault(lines[at], []).append(heading)
    return found


def _titled(lines: Sequence[PageLine], title: str, begin: int) -> int | None:
    """The first line from `begin` on that is the title, or begins it."""
    wanted = _letters(title)
    if not wanted:
        return None
    texts = [_letters(line.text) for line in lines]
    for number in range(begin, len(lines)):
        joined = "".join(texts[number : number + _MAX_LINES])
        is_title = bool(texts[number]) and joined.startswith(wanted) and wanted.startswith(texts[number])
        if is_title or (texts[number].endswith(wanted) and 2 * len(wanted) > len(texts[number])):
            return number
    return None


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def font_headings(pages: Sequence[Sequence[PageLine]]) -> Headings:
    """Short lines in larger type, or in bold type with space around them; the larger, the higher their level."""
    letters = Counter[tuple[float, bool]]()
    for lines in pages:
        for line in lines:
            letters[_size(line), line.is_bold] += len(line.text)
    found = Headings()
    if not letters:
        return found
    usual, is_bold = letters.most_common(1)[0][0]
    total = letters.total()
    groups = [group for lines in pages for group in _groups(lines) if _is_heading(group, usual, is_bold=is_bold)]
    shares = Counter[float]()
    for group in groups:
        shares[_size(group[0])] += sum(len(line.text) for line in group)
    sizes = sorted((size for size, count in shares.items() if count <= _MAX_SHARE * total), reverse=True)
    for group in groups:
        if _size(group[0]) in sizes:
            level = min(sizes.index(_size(group[0])) + 1, _MAX_LEVELS)
            found.at_line[group[0]] = [(level, " ".join(line.text for line in group))]
    return found


def _size(line: PageLine) -> float:
    return round(2 * line.size) / 2


def _groups(lines: Sequence[PageLine]) -> list[list[PageLine]]:
    """The paragraphs."""
    groups: list[list[PageLine]] = []
    for line in lines:
        if line.is_apart or not groups:
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _is_heading(group: list[PageLine], usual: float, *, is_bold: bool) -> bool:
    text = " ".join(line.text for line in group)
    if len(group) > _MAX_LINES or not 2 < len(text) <= _MAX_LENGTH or len(_LETTER.findall(text)) * 2 < len(text):
        return False
    if any(_size(first) != _size(second) for first, second in pairwise(group)):
        return False
    if group[0].size >= _LARGER * usual:
        return not text.endswith((",", ";"))
    is_bold_alone = group[0].is_bold and not is_bold and len(group) == 1
    return is_bold_alone and group[0].size >= 0.95 * usual and not text.endswith(_SENTENCE_END)
