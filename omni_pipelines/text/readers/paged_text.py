"""Write the pages of a document as blocks, headings and tables, without running heads and with cut words joined."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from native.pdfium import Annotation
from omni_pipelines.text.layout.cut_words import join_cut_words, words_of
from omni_pipelines.text.layout.page_headings import Headings
from omni_pipelines.text.layout.page_layout import PageLine, Part
from omni_pipelines.text.layout.page_tables import TableRows
from omni_pipelines.text.layout.running_heads import is_page_number, running_heads
from omni_pipelines.text.readers.extraction import Extraction, one_line

_LEADERS = re.compile(r"(?:\s?[.·…_]){4,}")


@dataclass(slots=True)
class PageContent:
    """What a page contains."""

    parts: list[Part] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    heads: list[PageLine] = field(default_factory=list)
    """Running heads of this and other pages."""
    is_garbled: bool = False
    """Whether it has text that was left out, because its meaning is unknown."""
    is_picture: bool = False
    """Whether it has no text of its own, but a large picture, which may show one."""
    confidence: float = 1.0
    """How sure its words are, if they were recognised in a picture."""

    @property
    def lines(self) -> list[PageLine]:
        """Its lines outside tables."""
        return [line for part in self.parts if not isinstance(part, TableRows) for line in part]


def write_pages(
    extraction: Extraction,
    pages: Sequence[PageContent],
    headings_of: Callable[[list[list[PageLine]]], Headings],
) -> Headings:
    """Add all pages, and return the headings that `headings_of` finds in their lines."""
    _take_running_heads(pages)
    lines = [line for page in pages for line in page.lines]
    if any(line.is_cut or line.text.endswith(("-", "\u00ad", "\u2010")) for line in lines):
        join_cut_words(lines, words_of(line.text for line in lines))
    headings = headings_of([page.lines for page in pages])
    writer = _Writer(extraction, headings)
    for number, page in enumerate(pages):
        writer.write(page, number)
    return headings


def first_heading(pages: Sequence[PageContent], headings: Headings) -> str:
    """The first of the headings of the highest level on the first page; "" for none."""
    first = (headings.at_line.get(line) for line in pages[0].lines) if pages else ()
    return next((titles[0][1] for titles in first if titles and titles[0][0] == 1), "")


def _take_running_heads(pages: Sequence[PageContent]) -> None:
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


class _Writer:
    """Writes pages as blocks, headings and tables."""

    def __init__(self, extraction: Extraction, headings: Headings) -> None:
        self._extraction, self._headings = extraction, headings
        self._paragraph: list[str] = []
        self._above: TableRows | None = None
        """The last table, which may go on."""

    def write(self, page: PageContent, number: int) -> None:
        """Write a page; `number` counts from 0."""
        self._extraction.page(number + 1)
        self._extraction.recognized(page.confidence)
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
