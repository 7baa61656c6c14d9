"""The text of a page of a PDF, as runs of words with their places.

Calls into PDFium are what costs time here: the text of a page is fetched at once, the places only of the first and
last character of each word, and the font only where a line starts or the height of its characters changes.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from types import ModuleType
from typing import Any

from native.pdfium_accents import JOINER, with_accents

_LINE_END = re.compile("\r\n|\ufffe")
_WORD = re.compile("[^ \t\r\n\u00a0\u3000]+")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_BOLD = re.compile("bold|black|heavy|demi|semib", re.IGNORECASE)
_FORCE_BOLD = 1 << 18
_BOLD_WEIGHT = 600
_MAX_NAME_BYTES = 256
_BOX = 4
"""Numbers of a box: left, top, right, bottom."""
_SAME_HEIGHT = 0.05
_BLANK = 0.1
"""Times the height of a line: so much space between two letters is a blank."""
_MIN_PARTED = 4
_WITH_BLANKS = re.compile("[\x00-\u058f\u1e00-\u206f]+$")
"""Words of scripts that have blanks between words, from left to right."""
_NOTE_MARK = re.compile(r"[^\W\d_]{4}[.,;:!?)”’\"]*(\d{1,3}(?:[,–-]\d{1,3})*)(?![\w-])")  # noqa: RUF001
"""A figure after a word that is too long to be a unit, such as the "km" of km²."""
_RAISED, _SMALL = 0.15, 0.85
"""Times the height of the letters before it."""
_MIN_EXAMINED, _MAX_WORDS_OF_GAP = 500, 300
Span = tuple[int, int]
"""First and last index, from 0; the last one is the first that is not part of it."""


@dataclass(slots=True, eq=False)
class Run:
    """Neighbouring words of a line in one font. Places are in points, seen with the letters upright."""

    words: list[str]
    lefts: list[float]
    rights: list[float]
    top: float
    baseline: float
    """The height of the bottom of letters without descenders."""
    font: str
    size: float
    is_bold: bool
    line: int
    """The number of its line, in the order in which the file draws."""
    turn: int
    """Quarter turns of its letters against the page as a person sees it."""
    is_unmapped: bool
    """Whether the file does not say the meaning of most of its characters: `words` has their codes in the font."""
    is_cut: bool = False
    """Whether a hyphen at the end of the line cuts its last word, which is without that hyphen."""

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return " ".join(self.words)

    @property
    def left(self) -> float:
        """Where it begins."""
        return min(self.lefts[0], self.lefts[-1])

    @property
    def right(self) -> float:
        """Where it ends."""
        return max(self.rights[0], self.rights[-1])


@dataclass(slots=True)
class LetterGaps:
    """How often PDFium takes two words of a file for one, because there is little space between them.

    It is examined on the first pages, and on all if it happens: it costs as much as the rest.
    """

    words: int = 0
    parted: int = 0

    @property
    def are_examined(self) -> bool:
        """Whether the letters of the next page are examined."""
        return self.words < _MIN_EXAMINED or self.parted * _MAX_WORDS_OF_GAP > self.words


def page_runs(api: ModuleType, page: Any, gaps: LetterGaps) -> list[Run]:
    """The text of a page, in the order in which the file draws it."""
    handle = api.FPDFText_LoadPage(page)
    if not handle:
        return []
    try:
        return list(_TextPage(api, handle, page, gaps).runs())
    finally:
        api.FPDFText_ClosePage(handle)


class _TextPage:
    """The characters of a page."""

    def __init__(self, api: ModuleType, handle: Any, page: Any, gaps: LetterGaps) -> None:
        self._api, self._handle, self._turn, self._gaps = api, handle, api.FPDFPage_GetRotation(page), gaps
        self._shown = api.FS_RECTF()
        api.FPDF_GetPageBoundingBox(page, self._shown)
        self._matrix = api.FS_MATRIX()
        self._name = ctypes.create_string_buffer(_MAX_NAME_BYTES)
        self._flags = ctypes.c_int()
        self._text = with_accents(api, handle, self._all_text())

    def runs(self) -> Iterator[Run]:
        text = self._text
        ends = [(match.start(), match.end()) for match in _LINE_END.finditer(text)] + [(len(text), len(text))]
        start, lines = 0, []
        for end, following in ends:
            words = [match.span() for match in _WORD.finditer(text, start, end)]
            if words:
                lines.append((words, text[end:following] == "\ufffe"))
            start = following
        if self._gaps.are_examined:
            lines = self._parted(lines)
        numbers = self._boxes([index for words, _ in lines for start, end in words for index in (start, end - 1)])
        ends_of = accumulate((2 * _BOX * len(words) for words, _ in lines), initial=0)
        boxes = [numbers[at:end] for at, end in pairwise(ends_of)]
        shown = [self._on_page(words, of_line) for (words, _), of_line in zip(lines, boxes, strict=True)]
        is_nothing_shown = not any(words for words, _ in shown)
        for number, (words, is_cut) in enumerate(lines):
            kept, of_line = (words, boxes[number]) if is_nothing_shown else shown[number]
            if kept:
                yield from self._line(number, kept, of_line, is_cut=is_cut and kept[-1] == words[-1])

    def _on_page(self, spans: list[Span], boxes: list[float]) -> tuple[list[Span], list[float]]:
        """The words of a line that a person sees, and their boxes: files have text that is drawn beside the page."""
        page = self._shown
        left, top, right, bottom = (boxes[side::_BOX] for side in range(_BOX))
        is_inside = min(left) >= page.left and max(right) <= page.right
        if is_inside and min(bottom) >= page.bottom and max(top) <= page.top:
            return spans, boxes
        kept = [
            at
            for at, each in enumerate(range(0, len(left), 2))
            if max(right[each : each + 2]) > page.left
            and min(left[each : each + 2]) < page.right
            and max(top[each : each + 2]) > page.bottom
            and min(bottom[each : each + 2]) < page.top
        ]
        size = 2 * _BOX
        return [spans[at] for at in kept], [number for at in kept for number in boxes[at * size : (at + 1) * size]]

    def _all_text(self) -> str:
        """The text of the page, with one character for each of PDFium's."""
        api, handle = self._api, self._handle
        count = api.FPDFText_CountChars(handle)
        if count <= 0:
            return ""
        buffer = (ctypes.c_ushort * (2 * count + 1))()
        written = api.FPDFText_GetText(handle, 0, count, buffer)
        text = bytes(buffer)[: 2 * max(written - 1, 0)].decode("utf-16-le", "surrogatepass")
        if len(text) == count:
            return text
        codes = (api.FPDFText_GetUnicode(handle, index) for index in range(count))  # some have no text
        return "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes).replace("\x02", "\ufffe")

    def _parted(self, lines: list[tuple[list[Span], bool]]) -> list[tuple[list[Span], bool]]:
        """The lines with words parted where there is as much space between two letters as a blank needs."""
        spans = [span for words, _ in lines for span in words]
        boxes = self._boxes([index for start, end in spans for index in range(start, end)])
        parts: dict[Span, list[Span]] = {}
        at = 0
        for start, end in spans:
            size = _BOX * (end - start)
            inside = _spaces(self._text[start:end], boxes[at : at + size])
            at += size
            if inside:
                parts[start, end] = list(pairwise([start, *(start + each for each in inside), end]))
        self._gaps.words += len(spans)
        self._gaps.parted += len(parts)
        return [([part for span in words for part in parts.get(span, [span])], is_cut) for words, is_cut in lines]

    def _boxes(self, indices: list[int]) -> list[float]:
        """The boxes of characters: their width, and the height of their font."""
        buffer = (ctypes.c_float * (_BOX * len(indices)))()
        size = ctypes.sizeof(ctypes.c_float) * _BOX
        get, handle = _fast_call(self._api.FPDFText_GetLooseCharBox), ctypes.cast(self._handle, ctypes.c_void_p).value
        first = ctypes.addressof(buffer)
        for index, address in zip(indices, range(first, first + size * len(indices), size), strict=True):
            get(handle, index, address)
        return list(buffer)

    def _line(self, number: int, spans: list[Span], boxes: list[float], *, is_cut: bool) -> Iterator[Run]:
        """The runs of a line. `boxes` has two boxes for each word: of its first and of its last character."""
        begin = spans[0][0]
        turn = round(self._api.FPDFText_GetCharAngle(self._handle, begin) / (math.pi / 2)) % 4
        if turn == 0 and _goes_down(boxes):
            if _WITH_BLANKS.match(self._text[begin : spans[-1][1]]):
                yield from self._one_below_the_other(number, spans)
                return
            turn = 1
        if marks := self._note_marks(spans, turn):
            spans, boxes = self._with_marks_apart(spans, boxes, marks)
        left, top, right, bottom = _upright(boxes, turn)
        lefts, rights, tops = left[::2], right[1::2], top[::2]
        heights = [above - below for above, below in zip(tops, bottom[::2], strict=True)]
        words = [self._text[start:end].replace(JOINER, "") for start, end in spans]
        if not self._text[begin : spans[-1][1]].isascii():
            for at, word in enumerate(words):
                if RIGHT_TO_LEFT.search(word):  # it is read from right to left
                    lefts[at], rights[at] = left[2 * at + 1], right[2 * at]
        starts = [0, *(at for at in range(1, len(words)) if abs(heights[at] - heights[at - 1]) > _SAME_HEIGHT)]
        baseline = self._baseline(begin, turn)
        for start, end in pairwise([*starts, len(words)]):
            yield Run(
                words[start:end],
                lefts[start:end],
                rights[start:end],
                max(tops[start:end]),
                baseline,
                *self._font(spans[start][0]),
                number,
                (turn + self._turn) % 4,
                self._is_unmapped(spans[start:end]),
                is_cut and end == len(words),
            )

    def _note_marks(self, spans: list[Span], turn: int) -> set[int]:
        """Where the marks of notes begin in a line: small raised figures after a word."""
        starts = [match.start(1) for match in _NOTE_MARK.finditer(self._text, spans[0][0], spans[-1][1])]
        if not starts:
            return set()
        boxes = self._boxes([index for start in starts for index in (start - 1, start)])
        _, top, _, bottom = _upright(boxes, turn)
        heights = [above - below for above, below in zip(top, bottom, strict=True)]
        pairs = zip(starts, heights[::2], heights[1::2], bottom[::2], bottom[1::2], strict=True)
        return {
            start
            for start, height, own, low, high in pairs
            if high - low > _RAISED * height and own < _SMALL * height
        }

    def _with_marks_apart(
        self, spans: list[Span], boxes: list[float], marks: set[int]
    ) -> tuple[list[Span], list[float]]:
        """The words of a line and their boxes, with the marks of notes as words of their own."""
        parted: list[Span] = []
        numbers: list[float] = []
        for at, (start, end) in enumerate(spans):
            own = boxes[2 * _BOX * at : 2 * _BOX * (at + 1)]
            cut = next((mark for mark in marks if start < mark < end), None)
            if cut is not None:
                parted.append((start, cut))
                own[_BOX:_BOX] = self._boxes([cut - 1, cut])
            parted.append((cut or start, end))
            numbers += own
        return parted, numbers

    def _one_below_the_other(self, number: int, spans: list[Span]) -> Iterator[Run]:
        """The runs of a line that PDFium made of a column of single letters, such as figures of a table."""
        indices = [index for start, end in spans for index in range(start, end)]
        boxes = self._boxes(indices)
        for at, index in enumerate(indices):
            yield from self._line(number, [(index, index + 1)], 2 * boxes[_BOX * at : _BOX * (at + 1)], is_cut=False)

    def _baseline(self, index: int, turn: int) -> float:
        x, y = ctypes.c_double(), ctypes.c_double()
        self._api.FPDFText_GetCharOrigin(self._handle, index, x, y)
        return (y.value, x.value, -y.value, -x.value)[turn]

    def _is_unmapped(self, spans: list[Span]) -> bool:
        """Whether most characters have no meaning. A run whose first one has a meaning is not examined further."""
        has_error = self._api.FPDFText_HasUnicodeMapError
        if has_error(self._handle, spans[0][0]) != 1:
            return False
        indices = [index for start, end in spans for index in range(start, end)]
        return 2 * sum(has_error(self._handle, index) == 1 for index in indices) > len(indices)

    def _font(self, index: int) -> tuple[str, float, bool]:
        """The name of a character's font, its size, and whether it is bold."""
        api, handle = self._api, self._handle
        size, matrix = api.FPDFText_GetFontSize(handle, index), self._matrix
        if api.FPDFText_GetMatrix(handle, index, matrix):
            size *= math.hypot(matrix.c, matrix.d)
        length = api.FPDFText_GetFontInfo(handle, index, self._name, _MAX_NAME_BYTES, self._flags)
        name = self._name.value.decode("utf-8", "replace") if 0 < length <= _MAX_NAME_BYTES else ""
        is_bold = bool(self._flags.value & _FORCE_BOLD) or _BOLD.search(name) is not None
        return name, size or 1.0, is_bold or api.FPDFText_GetFontWeight(handle, index) >= _BOLD_WEIGHT


def _goes_down(boxes: list[float]) -> bool:
    """Whether a line is written downwards, as in Japanese: its last letter is below its first."""
    left, top, _, bottom = boxes[:_BOX]
    height = top - bottom
    return boxes[-_BOX + 1] < bottom + height / 2 and abs(boxes[-_BOX] - left) < height


def _spaces(word: str, boxes: list[float]) -> list[int]:
    """The letters of a word that a gap as wide as a blank precedes; none if all its letters are spaced out."""
    if len(word) < _MIN_PARTED or not _WITH_BLANKS.match(word):
        return []
    rights = zip(boxes[1::_BOX], boxes[2::_BOX], boxes[3::_BOX], strict=True)
    found = [
        at
        for at, ((top, right, bottom), left, following) in enumerate(
            zip(rights, boxes[_BOX::_BOX], boxes[_BOX + 1 :: _BOX], strict=False), 1
        )
        if left - right > _BLANK * (top - bottom) and top == following and word[at - 1 : at + 1].isalnum()
    ]
    return found if 3 * len(found) < len(word) else []


def _upright(boxes: list[float], turn: int) -> tuple[list[float], list[float], list[float], list[float]]:
    """The left, top, right and bottom ends of boxes after so many quarter turns."""
    left, top, right, bottom = (boxes[side::_BOX] for side in range(_BOX))
    if turn == 0:
        return left, top, right, bottom
    if turn == 1:
        return _negated(top), right, _negated(bottom), left
    if turn == 2:
        return _negated(right), _negated(bottom), _negated(left), _negated(top)
    return bottom, _negated(left), top, _negated(right)


def _negated(numbers: list[float]) -> list[float]:
    return [-number for number in numbers]


def _fast_call(function: Any) -> Any:
    """A function of three arguments without the checks of their types, which cost half of the call."""
    prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    return prototype(ctypes.cast(function, ctypes.c_void_p).value or 0)
