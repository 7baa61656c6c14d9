"""PDF: the text of each page in reading order, tables, form fields and notes, with the headings of the outline.

Running heads and page numbers are recognised and left out. So are damaged pages and characters whose meaning the file
does not say; the document is then partial.
"""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import dataclass, field

from native.pdfium import Annotation, PdfError, PdfFile, PdfPage, PdfPasswordNeeded
from native.pdfium_text import Run
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.layout.cut_words import join_cut_words, words_of
from omni_pipelines.text.layout.garbled import is_garbled, is_language
from omni_pipelines.text.layout.page_headings import Headings, font_headings, outline_headings
from omni_pipelines.text.layout.page_layout import PageLine, Part, page_parts
from omni_pipelines.text.layout.page_tables import TableRows
from omni_pipelines.text.layout.running_heads import is_page_number, running_heads
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS, Extraction, one_line
from omni_pipelines.text.readers.office.symbol_fonts import symbols
from omni_pipelines.text.readers.processor_time import allow_more_cpu

_MAX_BOOKMARKS, _MAX_OUTLINE_DEPTH = 10_000, 32
_MAX_ANNOTATIONS = 2_000
_PRESENTATION = re.compile("[\ufb00-\ufdfb\ufe70-\ufefc]+")
"""Ligatures and Arabic letters in the form they have at one place of a word."""
_TEX_LIGATURES = dict(
    zip("\x0b\x0c\x0e\x0f\x1b\x1c\x1d\x1e\x1f", "ff fi ffi ffl ff fi fl ffi ffl".split(), strict=True)
)
_TEX_LIGATURE = re.compile("[\x0b\x0c\x0e\x0f\x1b-\x1f]")
"""Codes of ligatures in the fonts of TeX, which a file may use without saying their meaning."""
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_LEADERS = re.compile(r"(?:\s?[.·…_]){4,}")
_FILE_NAME = re.compile(r"\.(?:docx?|pptx?|xlsx?|indd|tex|dvi|ps|pdf|html?)$|^untitled$", re.IGNORECASE)
_PROGRAM = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")
_NO_TEXT = "it contains no text: its pages are probably scans; run text recognition (OCR) on it"
_NO_MEANING = "the file does not say which characters its fonts show; run text recognition (OCR) on it"


@dataclass(frozen=True)
class PdfLimits:
    """How much of a file is read. What was read before a limit is kept."""

    pages: int = 5_000
    characters: int = MAX_CHARACTERS
    seconds: float = 15.0
    """Processor time for the pages of a file, besides the time for each page."""
    seconds_of_page: float = 0.02
    clock_seconds: float = 180.0
    """By the clock: the machine may be busy, and the process ends some time later."""
    reserve: float = 1.5
    """Times this time, more is asked for, because the work on all pages together and one slow page come on top."""


@dataclass(slots=True)
class _Page:
    """What a page contains."""

    parts: list[Part] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    heads: list[PageLine] = field(default_factory=list)
    """Running heads of this and other pages."""
    is_garbled: bool = False
    """Whether it has text that was left out, because its meaning is unknown."""
    is_picture: bool = False
    """Whether it has no text, but a large picture, which may show one."""

    @property
    def lines(self) -> list[PageLine]:
        return [line for part in self.parts if not isinstance(part, TableRows) for line in part]


def read(raw: bytes, name: str, limits: PdfLimits = PdfLimits()) -> Parsed:
    """Read a file, page by page."""
    try:
        with PdfFile(raw) as file:
            return _read(file, name, limits)
    except PdfPasswordNeeded as error:
        raise Unreadable(RefusalCode.ENCRYPTED, str(error)) from error
    except PdfError as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {error}") from error


def _read(file: PdfFile, name: str, limits: PdfLimits) -> Parsed:
    extraction = Extraction()
    pages = _pages(file, extraction, limits)
    _take_running_heads(pages)
    lines = [line for page in pages for line in page.lines]
    if any(line.is_cut or line.text.endswith(("-", "\u00ad", "\u2010")) for line in lines):
        join_cut_words(lines, words_of(line.text for line in lines))
    headings = _headings(file, pages)
    writer = _Writer(extraction, headings)
    for number, page in enumerate(pages):
        writer.write(page, number)
    title = _title(file) or _first_heading(pages, headings) or name
    no_text = _NO_MEANING if any(page.is_garbled for page in pages) else _NO_TEXT
    return extraction.parsed(name, title, file.language, no_text)


def _pages(file: PdfFile, extraction: Extraction, limits: PdfLimits) -> list[_Page]:
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
    pages: list[_Page] = []
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
            pages.append(_Page())
            damaged.append(number)
        length += sum(len(line.text) for line in pages[-1].lines)
    if file.is_mended:
        extraction.cut("its end is missing; what is before it was read", RefusalCode.PARSE)
    if damaged:
        extraction.cut(f"{_named(damaged)} damaged and could not be read", RefusalCode.PARSE)
    pictures = [number for number, page in enumerate(pages, 1) if page.is_picture]
    if garbled := [number for number, page in enumerate(pages, 1) if page.is_garbled]:
        extraction.cut(f"{_named(garbled)} not readable as text: {_NO_MEANING}")
    if pictures and len(pictures) < len(pages):
        extraction.cut(f"{_named(pictures)} without text, probably scanned; run text recognition (OCR) on it")
    return pages


def _named(numbers: list[int]) -> str:
    """The subject of a sentence: "page 3 is", "pages 3, 7 and 90 more are"."""
    shown = ", ".join(map(str, numbers[:5]))
    if len(numbers) == 1:
        return f"page {shown} is"
    return f"pages {shown}{f' and {len(numbers) - 5:,} more' if len(numbers) > 5 else ''} are"


def _page(page: PdfPage) -> _Page:
    runs = page.runs()
    text = "\n".join(run.text for run in runs)
    readable = [] if is_garbled(text) else _mapped(runs)
    if not text.isascii() or _TEX_LIGATURE.search(text):
        for run in readable:
            run.words = [_plain(word, run.font) for word in run.words]
    return _Page(
        page_parts(readable),
        page.annotations(_MAX_ANNOTATIONS),
        is_garbled=len(readable) < len(runs),
        is_picture=not runs and page.has_large_picture(),
    )


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


def _take_running_heads(pages: list[_Page]) -> None:
    """Take what is repeated at the edges of pages out of their text.

    A head with a word that is nowhere else, such as the number of a contract, is kept once, on its first page.
    """
    heads = running_heads([[line for line in page.lines if line.edge] for page in pages])
    if not heads:
        return
    known = words_of(line.text for page in pages for line in page.lines if line not in heads)
    for page in pages:
        for line in page.lines:
            is_head = line in heads and not is_page_number(heads[line])
            words = {word for word in words_of([heads[line]]) if len(word) > 3} if is_head else set()
            if not words <= known:
                known |= words
                page.heads.append(line)
        page.parts = [part for part in page.parts if isinstance(part, TableRows) or part[0] not in heads]


def _headings(file: PdfFile, pages: list[_Page]) -> Headings:
    lines = [page.lines for page in pages]
    bookmarks = list(file.bookmarks(_MAX_BOOKMARKS, _MAX_OUTLINE_DEPTH))
    return outline_headings(bookmarks, lines) if bookmarks else font_headings(lines)


def _title(file: PdfFile) -> str:
    """The title that the file declares, unless it is the name of the file it was made from."""
    title = _PROGRAM.sub("", one_line(file.title))
    return "" if _FILE_NAME.search(title) else title


def _first_heading(pages: list[_Page], headings: Headings) -> str:
    first = (headings.at_line.get(line) for line in pages[0].lines) if pages else ()
    return next((titles[0][1] for titles in first if titles and titles[0][0] == 1), "")


class _Writer:
    """Writes pages as blocks, headings and tables."""

    def __init__(self, extraction: Extraction, headings: Headings) -> None:
        self._extraction, self._headings = extraction, headings
        self._paragraph: list[str] = []
        self._above: TableRows | None = None
        """The last table, which may go on."""

    def write(self, page: _Page, number: int) -> None:
        """Write a page; `number` counts from 0."""
        self._extraction.page(number + 1)
        for line in page.heads:  # first, because a table may go on with the next page
            self._extraction.block(f"{'Header' if line.edge == 'top' else 'Footer'}: {line.text}")
        for level, title in self._headings.on_page.get(number, ()):
            self._extraction.mark(level, title)
        for part in page.parts:
            if isinstance(part, TableRows):
                self._end_paragraph()
                goes_on = self._above is not None and part.has_columns_of(self._above)
                for at, row in enumerate(part.rows):
                    self._extraction.row(row, first=at == 0, continues=goes_on and at == 0)
                self._above = part
            else:
                self._write_lines(part)
        self._end_paragraph()
        for annotation in page.annotations:
            self._extraction.block(_described(annotation))

    def _write_lines(self, lines: list[PageLine]) -> None:
        """Write the paragraphs of these lines, except for the last one, which may go on in the next column."""
        for line in lines:
            titles = self._headings.at_line.get(line, ())
            if titles or (line.is_apart and not self._goes_on(line.text)):
                self._end_paragraph()
            for level, title in titles:
                self._extraction.mark(level, title)
            text = _LEADERS.sub(" …", line.text) if ".." in line.text or ". ." in line.text else line.text
            if text.strip():
                self._paragraph.append(text.rstrip())

    def _goes_on(self, text: str) -> bool:
        """Whether a line goes on with a sentence from the column before."""
        return bool(self._paragraph) and self._paragraph[-1][-1].isalpha() and text[:1].islower()

    def _end_paragraph(self) -> None:
        if self._paragraph:  # even an empty block would end a table
            self._extraction.block("\n".join(self._paragraph))
            self._paragraph.clear()


def _described(annotation: Annotation) -> str:
    """A form field or note as text, with its kind."""
    text = annotation.text.strip()
    if annotation.kind == "Field":
        return f"Field {one_line(annotation.label)}: {text}"
    return (
        f"{annotation.kind} by {one_line(annotation.label)}: {text}"
        if annotation.label
        else f"{annotation.kind}: {text}"
    )
