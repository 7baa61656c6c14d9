"""Cut a document into chunks within a token budget.

Every character is in at least one chunk, except for blanks and for the data of pictures (`embedded_data`).

The mode says where to cut:

AUTO: by what the document is. Source code by its symbols, tables by rows, everything else by headings, paragraphs and
    sentences.
TEXT: by paragraphs and sentences alone.
AST: one chunk for each symbol that fits the budget; a document without symbols is cut as in AUTO.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omni_pipelines.settings import ChunkMode
from omni_pipelines.text.chunk_context import EnclosingSections, Tables, signature
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.embedded_data import data_ranges, without_data
from omni_pipelines.text.packing import Budget, Granularity, Packer, Span, is_blank
from omni_pipelines.text.sentences import Range, lines, rows, sentences, words

if TYPE_CHECKING:
    from omni_pipelines.text.token_counting import CountTokens

CHUNKER = "structure-11"
"""Name and version of this algorithm: documents that another version cut are cut again."""
CODE, DATA = "code", "data"
"""The kinds of documents, as readers report them, that AUTO cuts in their own way."""


@dataclass(frozen=True)
class Chunker:
    """Cuts documents with one budget in one mode."""

    budget: Budget
    mode: ChunkMode = ChunkMode.AUTO
    encoding: str = "cl100k_base"
    """The vocabulary that tokens are counted with."""

    @property
    def fingerprint(self) -> str:
        """What chunks depend on besides the document."""
        return f"{CHUNKER}/{self.mode}/{self.encoding}/{self.budget.tokens}/{self.budget.overlap}"

    def cut(self, parsed: Parsed, count: CountTokens, kind: str = "prose") -> list[Span]:
        """The chunks of a document, in order. `kind` is the reader's: prose, markup, data or code."""
        if self.mode is ChunkMode.TEXT:
            parsed = replace(parsed, sections=())
        has_symbols = kind == CODE and bool(parsed.sections)
        by_symbol = self.mode is ChunkMode.AST and has_symbols
        granularity = self._granularity(parsed, kind)
        tables = None if has_symbols else Tables(parsed)
        packer = Packer(
            parsed.text,
            self.budget,
            count,
            granularity,
            tables,
            stays_inside=has_symbols,
            one_symbol_per_chunk=by_symbol,
        )
        spans: list[Span] = []
        data = list(data_ranges(parsed.text))
        for begin, finish in _pages(parsed):  # no chunk spans two pages, so that every quote has one page
            sections = _sections(parsed, begin, finish)
            for section, end in _merge_closing_brackets(parsed.text, sections) if by_symbol else sections:
                for first, last in without_data(data, section.start, end) if data else ((section.start, end),):
                    spans += packer.flush() if first > section.start else ()
                    if not is_blank(parsed.text, first, last):
                        spans += packer.add_section(first, last, section.path)
            spans += packer.flush()
        if tables is not None:
            return [span._replace(context=tables.header_of(span.start, span.end)) for span in spans]
        enclosing = EnclosingSections(parsed)
        return [
            span._replace(context=signature(parsed.text, enclosing.innermost(span.start), span.start), joined=())
            for span in spans
        ]

    def _granularity(self, parsed: Parsed, kind: str) -> Granularity:
        """CSV is cut by rows: it has no paragraphs, and a blank line may be part of a cell."""
        is_csv = kind == DATA and parsed.verbatim and self.mode is not ChunkMode.TEXT
        return Granularity(_whole, (rows, lines, sentences, words), has_overlap=False) if is_csv else Granularity()


def _whole(_text: str, start: int, end: int) -> Iterator[Range]:
    yield start, end


def _pages(parsed: Parsed) -> Iterator[Range]:
    return itertools.pairwise([0, *(start for start, _ in parsed.page_marks if start), len(parsed.text)])


def _sections(parsed: Parsed, begin: int, finish: int) -> Iterator[tuple[Section, int]]:
    """The sections of a range that are not blank, with their ends. Text before the first heading has no path."""
    first = bisect_right(parsed.sections, begin, key=lambda section: section.start)
    last = bisect_left(parsed.sections, finish, lo=first, key=lambda section: section.start)
    path = parsed.sections[first - 1].path if first else ()
    starts = [Section(begin, path), *parsed.sections[first:last], Section(finish, ())]
    for section, following in itertools.pairwise(starts):
        if not is_blank(parsed.text, section.start, following.start):
            yield section, following.start


def _merge_closing_brackets(text: str, sections: Iterator[tuple[Section, int]]) -> Iterator[tuple[Section, int]]:
    """Join a section without letters or digits, such as the bracket after a symbol, with the section before it."""
    held: tuple[Section, int] | None = None
    for section, end in sections:
        if held is not None and not any(character.isalnum() for character in text[section.start : end]):
            held = held[0], end
            continue
        if held is not None:
            yield held
        held = section, end
    if held is not None:
        yield held
