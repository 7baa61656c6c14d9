"""PDF: the text of each page in reading order, tables, form fields and notes, with the headings of the outline.

Running heads and page numbers are left out. So are damaged pages and characters whose meaning the file does not say;
the document is then partial. Pages without text are read by text recognition, if the settings say so.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from native.pdfium import PdfError, PdfFile, PdfPage, PdfPasswordNeeded
from native.pdfium_text import Run
from omni_pipelines.refusals import RECOGNIZABLE, RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.layout.garbled import is_garbled, is_language
from omni_pipelines.text.layout.page_headings import Headings, font_headings, outline_headings
from omni_pipelines.text.layout.page_layout import PageLine, page_parts
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS, Extraction, one_line
from omni_pipelines.text.readers.office.symbol_fonts import symbols
from omni_pipelines.text.readers.paged_text import PageContent, first_heading, write_pages
from omni_pipelines.text.readers.processor_time import allow_more_cpu
from omni_pipelines.text.readers.recognition import DOTS_PER_INCH, NOTHING_RECOGNIZED, Recognition

_MAX_BOOKMARKS, _MAX_OUTLINE_DEPTH = 10_000, 32
_MAX_ANNOTATIONS = 2_000
_SCAN, _STAMPED_SCAN = 0.25, 0.8
"""The share of a page without text, and of one with a stamp, from which on a picture is a scan."""
_MAX_STAMP = 8
"""Words."""
_PRESENTATION = re.compile("[\ufb00-\ufdfb\ufe70-\ufefc]+")
"""Ligatures and Arabic letters in the form they have at one place of a word."""
_TEX_LIGATURES = dict(
    zip("\x0b\x0c\x0e\x0f\x1b\x1c\x1d\x1e\x1f", "ff fi ffi ffl ff fi fl ffi ffl".split(), strict=True)
)
_TEX_LIGATURE = re.compile("[\x0b\x0c\x0e\x0f\x1b-\x1f]")
"""Codes of ligatures in the fonts of TeX, which a file may use without saying their meaning."""
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_FILE_NAME = re.compile(r"\.(?:docx?|pptx?|xlsx?|indd|tex|dvi|ps|pdf|html?)$|^untitled$", re.IGNORECASE)
_PROGRAM = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")
_NO_TEXT = f"it contains no text: its pages are probably scans; {RECOGNIZABLE}"
_NO_MEANING = f"the file does not say which characters its fonts show; {RECOGNIZABLE}"


@dataclass(frozen=True)
class PdfLimits:
    """How much of a file is read. What was read before a limit is kept."""

    pages: int = 5_000
    characters: int = MAX_CHARACTERS
    seconds: float = 15.0
    """Processor time for the pages of a file, besides the time for each page."""
    seconds_of_page: float = 0.02
    clock_seconds: float = 600.0
    """By the clock: the machine may be busy, and the process ends some time later."""
    reserve: float = 1.5
    """Times this time, more is asked for, because the work on all pages together and one slow page come on top."""


def read(raw: bytes, name: str, limits: PdfLimits = PdfLimits(), recognition: Recognition | None = None) -> Parsed:
    """Read a file, page by page; with `recognition`, also the pages without text."""
    try:
        with PdfFile(raw) as file:
            return _read(file, name, limits, recognition)
    except PdfPasswordNeeded as error:
        raise Unreadable(RefusalCode.ENCRYPTED, str(error)) from error
    except PdfError as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {error}") from error


def recognize(raw: bytes, name: str) -> Parsed:
    """The same with text recognition for the pages without text."""
    return read(raw, name, recognition=Recognition())


def _read(file: PdfFile, name: str, limits: PdfLimits, recognition: Recognition | None) -> Parsed:
    extraction = Extraction()
    pages = _pages(file, extraction, limits)
    if recognition is not None:
        _recognize(file, pages, recognition, extraction)
    _say_what_is_unread(pages, extraction)
    headings = write_pages(extraction, pages, lambda lines: _headings(file, lines))
    title = _title(file) or first_heading(pages, headings) or name
    no_text = _NO_MEANING if any(page.is_garbled for page in pages) else _NO_TEXT
    return extraction.parsed(name, title, file.language, no_text if recognition is None else NOTHING_RECOGNIZED)


def _pages(file: PdfFile, extraction: Extraction, limits: PdfLimits) -> list[PageContent]:
    """The pages that can be read within the limits."""
    total = file.page_count
    if not total:
        raise PdfError("none of its pages can be found")
    count = min(total, limits.pages)
    if total > count:
        extraction.cut(f"it has {total:,} pages; the first {count:,} were read", RefusalCode.TOO_LARGE)
    seconds = limits.seconds + limits.seconds_of_page * count
    allow_more_cpu(seconds * limits.reserve)
    deadline, latest = time.process_time() + seconds, time.monotonic() + limits.clock_seconds
    pages: list[PageContent] = []
    damaged: list[int] = []
    length = 0
    for number in range(1, count + 1):
        is_late = time.process_time() > deadline or time.monotonic() > latest
        if pages and (is_late or length > limits.characters):
            limit = "time" if is_late else "characters"
            detail = f"its first {len(pages):,} of {total:,} pages were read; the others exceed the limit of {limit}"
            extraction.cut(detail, RefusalCode.CPU)
            break
        try:
            with file.page(number - 1) as page:
                pages.append(_page(page))
        except PdfError:
            pages.append(PageContent())
            damaged.append(number)
        length += sum(len(line.text) for line in pages[-1].lines)
    if file.is_mended:
        extraction.cut("its end is missing; what is before it was read", RefusalCode.PARSE)
    if damaged:
        extraction.cut(f"{_named(damaged)} damaged and could not be read", RefusalCode.PARSE)
    return pages


def _recognize(file: PdfFile, pages: Sequence[PageContent], recognition: Recognition, extraction: Extraction) -> None:
    """Recognise the text of the pages that have none, or none with a meaning, as long as the limits allow it."""
    late: list[int] = []
    for number, content in enumerate(pages):
        if not (content.is_picture or content.is_garbled):
            continue
        content.is_picture = content.is_garbled = False
        if recognition.is_over:
            late.append(number + 1)
            continue
        with file.page(number) as page:
            found = recognition.page(page.picture(DOTS_PER_INCH))
        late += [number + 1] if found.is_late else []
        if found.parts:
            content.parts, content.confidence = found.parts, found.confidence
    if late:
        extraction.cut(f"{_named(late)} probably scanned, and to recognise it would take too long", RefusalCode.CPU)


def _say_what_is_unread(pages: Sequence[PageContent], extraction: Extraction) -> None:
    garbled = {number: bool(page.parts) for number, page in enumerate(pages, 1) if page.is_garbled}
    for has_text, said in ((False, "not readable as text"), (True, "readable only in part")):
        if numbers := [number for number, is_in_part in garbled.items() if is_in_part is has_text]:
            extraction.cut(f"{_named(numbers)} {said}: {_NO_MEANING}")
    pictures = [number for number, page in enumerate(pages, 1) if page.is_picture]
    if pictures and (len(pictures) < len(pages) or any(page.parts for page in pages)):
        extraction.cut(f"{_named(pictures)} probably scanned; {RECOGNIZABLE}")


def _named(numbers: list[int]) -> str:
    """The subject of a sentence: "page 3 is", "pages 3, 7 and 90 more are"."""
    shown = ", ".join(map(str, numbers[:5]))
    if len(numbers) == 1:
        return f"page {shown} is"
    return f"pages {shown}{f' and {len(numbers) - 5:,} more' if len(numbers) > 5 else ''} are"


def _page(page: PdfPage) -> PageContent:
    runs = page.runs()
    text = "\n".join(run.text for run in runs)
    readable = [] if is_garbled(text) else _mapped(runs)
    if not text.isascii() or _TEX_LIGATURE.search(text):
        for run in readable:
            run.words = [_plain(word, run.font) for word in run.words]
    return PageContent(
        page_parts(readable),
        page.annotations(_MAX_ANNOTATIONS),
        is_garbled=len(readable) < len(runs),
        is_picture=_is_scan(page, runs),
    )


def _is_scan(page: PdfPage, runs: list[Run]) -> bool:
    """Whether a page is a picture without text, or with no more than the stamp of a scanner or an archive."""
    words = sum(len(run.words) for run in runs)
    return words <= _MAX_STAMP and page.largest_picture() >= (_STAMPED_SCAN if words else _SCAN)


def _mapped(runs: list[Run]) -> list[Run]:
    """The runs whose meaning the file says; all of them if the codes of the others happen to be a text."""
    unknown = [word for run in runs if run.is_unmapped for word in run.words]
    return runs if not unknown or is_language(unknown) else [run for run in runs if not run.is_unmapped]


def _plain(text: str, font: str) -> str:
    """A word in the letters that people type."""
    text = _TEX_LIGATURE.sub(lambda match: _TEX_LIGATURES[match[0]], text)
    text = _PRESENTATION.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if _PRIVATE.search(text):
        text = symbols(text, "" if "+" in font[:8] else font)
    return _PRIVATE.sub("", text)


def _headings(file: PdfFile, lines: list[list[PageLine]]) -> Headings:
    bookmarks = list(file.bookmarks(_MAX_BOOKMARKS, _MAX_OUTLINE_DEPTH))
    return outline_headings(bookmarks, lines) if bookmarks else font_headings(lines)


def _title(file: PdfFile) -> str:
    """The title that the file declares, unless it is the name of the file it was made from."""
    title = _PROGRAM.sub("", one_line(file.title))
    return "" if _FILE_NAME.search(title) else title
