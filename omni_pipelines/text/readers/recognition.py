"""Text recognition for the pages of one document, within limits; the engine is loaded with the first page."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from native.pictures import Picture
from omni_pipelines.text.layout.garbled import is_garbled
from omni_pipelines.text.layout.page_layout import Part, page_parts
from omni_pipelines.text.readers.processor_time import allow_more_cpu

if TYPE_CHECKING:
    from native.text_recognition import TextRecognizer

DOTS_PER_INCH = 300.0
NOTHING_RECOGNIZED = "it contains no text, and none was recognised in its pictures"


@dataclass(frozen=True)
class RecognitionLimits:
    """How much of a document is recognised. What was recognised before a limit is kept."""

    pages: int = 1_000
    page_seconds: float = 30.0
    """By the clock."""
    processor_seconds: float = 90.0
    """For one page: the parts of the work that a clock does not stop come on top."""
    clock_seconds: float = 1_500.0
    """For all pages; the process ends some time later."""
    min_confidence: float = 0.4
    """What is less sure is not kept: it is a photograph or a drawing."""


@dataclass(frozen=True, slots=True)
class RecognizedPage:
    """The text of a page."""

    parts: list[Part] = field(default_factory=list)
    confidence: float = 0.0
    """How sure the words are, from 0 to 1."""
    is_late: bool = False
    """Whether it was not recognised, because that would take too long."""


class Recognition:
    """Recognises the pages of one document, one after the other."""

    def __init__(self, limits: RecognitionLimits = RecognitionLimits()) -> None:
        self._limits = limits
        self._latest = time.monotonic() + limits.clock_seconds
        self._pages = 0

    @property
    def is_over(self) -> bool:
        """Whether no page is recognised any more."""
        return self._pages >= self._limits.pages or time.monotonic() > self._latest

    def page(self, picture: Picture) -> RecognizedPage:
        """The text of a picture of a page; without parts if nothing in it is text."""
        self._pages += 1
        allow_more_cpu(self._limits.processor_seconds)
        found = _engine().recognize(picture, self._limits.page_seconds)
        if found is None:
            return RecognizedPage(is_late=True)
        if found.confidence < self._limits.min_confidence or is_garbled("\n".join(run.text for run in found.runs)):
            return RecognizedPage()
        return RecognizedPage(page_parts(found.runs), found.confidence)


@cache
def _engine() -> TextRecognizer:
    """The engine: to load it takes as long as to recognise some lines, and the process reads many documents."""
    from native.text_recognition import TextRecognizer

    return TextRecognizer()
