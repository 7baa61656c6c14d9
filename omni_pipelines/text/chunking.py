"""A document to chunks, within a token budget, every character kept: how the text is cut depends on the mode.

AUTO goes by what the document is: source code by its symbols, tables by rows, everything else by headings, paragraphs
and sentences. TEXT goes by paragraphs and sentences alone. AST makes one chunk of each symbol that fits the budget; a
document without symbols is cut as AUTO would.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from omni_pipelines.settings import ChunkMode
from omni_pipelines.text.chunk_context import SectionsAround, signature
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.packing import Budget, Count, Grain, Packer, Span, is_blank
from omni_pipelines.text.sentences import Range, lines, sentences, words
from omni_pipelines.text.tables import row_header, rows

CHUNKER = "structure-4"
"""Name and version: documents cut by another one are cut again."""
CODE, DATA = "code", "data"
"""Kinds of documents, as the readers tell them, that AUTO cuts in ways of their own."""


@dataclass(frozen=True)
class Chunker:
    """A way to cut documents."""

    budget: Budget
    mode: ChunkMode = ChunkMode.AUTO
    encoding: str = "cl100k_base"
    """Vocabulary the budget is counted with."""

    @property
    def fingerprint(self) -> str:
        """What chunks depend on besides the document."""
        return f"{CHUNKER}/{self.mode}/{self.encoding}/{self.budget.tokens}/{self.budget.overlap}"

    def cut(self, parsed: Parsed, count: Count, kind: str = "prose") -> list[Span]:
        """The chunks of a document in order. Every character that is not blank stands in at least one.

        `kind` is the reader's: prose, markup, data or code.
        """
        if self.mode is ChunkMode.TEXT:
            parsed = replace(parsed, sections=())
        symbols = kind == CODE and bool(parsed.sections)
        alone = self.mode is ChunkMode.AST and symbols
        packer = Packer(parsed.text, self.budget, count, self._grain(parsed, kind), alone=alone)
        spans: list[Span] = []
        for begin, finish in _pages(parsed):  # no chunk spans two pages: the page of every quote is known
            found = _sections(parsed, begin, finish)
            for section, end in _without_leftovers(parsed.text, found) if alone else found:
                spans += packer.add_section(section.start, end, section.path)
            spans += packer.flush()
        around = SectionsAround(parsed)
        return [replace(span, context=_context(parsed, around, span, symbols=symbols)) for span in spans]

    def _grain(self, parsed: Parsed, kind: str) -> Grain:
        """CSV has no paragraphs: what looks like a blank line stands inside a cell."""
        csv = kind == DATA and parsed.verbatim and self.mode is not ChunkMode.TEXT
        return Grain(_whole, (rows, lines, sentences, words), repeats=False) if csv else Grain()


def _whole(_text: str, start: int, end: int) -> Iterator[Range]:
    yield start, end


def _pages(parsed: Parsed) -> Iterator[Range]:
    return itertools.pairwise([0, *(start for start, _ in parsed.page_marks if start), len(parsed.text)])


def _sections(parsed: Parsed, begin: int, finish: int) -> Iterator[tuple[Section, int]]:
    """Sections that are not blank, and where they end; what stands before the first heading has no path."""
    at = bisect_right(parsed.sections, begin, key=lambda section: section.start)
    until = bisect_left(parsed.sections, finish, lo=at, key=lambda section: section.start)
    path = parsed.sections[at - 1].path if at else ()
    marks = [Section(begin, path), *parsed.sections[at:until], Section(finish, ())]
    for section, after in itertools.pairwise(marks):
        if not is_blank(parsed.text, section.start, after.start):
            yield section, after.start


def _without_leftovers(text: str, found: Iterator[tuple[Section, int]]) -> Iterator[tuple[Section, int]]:
    """A closing bracket behind a symbol is no section of its own: it goes with what stands before it."""
    held: tuple[Section, int] | None = None
    for section, end in found:
        if held is not None and not any(character.isalnum() for character in text[section.start : end]):
            held = held[0], end
            continue
        if held is not None:
            yield held
        held = section, end
    if held is not None:
        yield held


def _context(parsed: Parsed, around: SectionsAround, span: Span, *, symbols: bool) -> str:
    if not symbols:
        return row_header(parsed.text, span.block, span.start)
    section = around.innermost(span.start)
    return signature(parsed.text, section, span.start)
