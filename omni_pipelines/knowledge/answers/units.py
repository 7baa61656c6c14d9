"""Answer units: the parts of a passage that can be quoted as an answer and understood alone.

A unit is a sentence or a short paragraph, a list or one of its items with the sentence that introduces it, a code
block with the sentence before it, a signature with its description, a table row with its header, or a definition.
Its label, a heading or a symbol, says what it is about.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from omni_pipelines.knowledge.answers.composing import CONTENTS, MAX_LENGTH, SUPERSEDED, Composer, UnitKind
from omni_pipelines.knowledge.answers.passage_settings import PassageSettings, passage_settings
from omni_pipelines.knowledge.answers.passage_symbols import file_name, passage_symbols, symbol_name
from omni_pipelines.knowledge.answers.quotes import laid_out, shown_quotes
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.block_labels import block_labels, headings_around, with_entries, with_titles
from omni_pipelines.text.blocks import Block, BlockKind, blocks
from omni_pipelines.text.code_blocks import code_blocks
from omni_pipelines.text.document import HEADING_SEPARATOR, JOINED_SEPARATOR
from omni_pipelines.text.plain_headings import with_plain_headings
from omni_pipelines.text.sentences import Range, rows, trimmed
from omni_pipelines.text.table_headers import CELL_SEPARATOR

SPLITTER = "9"
"""Version of the rules that cut passages into units. A receipt names it; its quotes are checked by the same rules."""
MAX_SUBJECT_LENGTH = 80
_MAX_LABEL_LENGTH = 90
_STEM_LENGTH = 5
"""Characters from which a word of a label is recognised in another form: rotation in rotated."""
_MAX_ITEM_LENGTH = 700
"""Characters of an item of settings that is quoted as a whole."""
_MAX_HEADER_LENGTH = 300
"""Characters of the column names that label a row."""
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+", re.MULTILINE)
_LICENCE = re.compile(
    r"licensed under|copyright (?:\(c\)|©|\d{4})|all rights reserved|without warrant(?:y|ies)"
    r"|hereby granted|permission to use, copy|redistributions? (?:of|in) source|as is\W+(?:basis|without)",
    re.IGNORECASE,
)
_NAVIGATION = re.compile(
    r"(?:(?:[A-Z]|\d+)(?:\.\d+)+\.?[ \t]+\S[^\n.!?;:]*(?:\n\s*|\s*\Z)){2,}"
    r"|\*[^:\n]+:(?::(?:\s.*)?|[^:]*\(line\s+\d+\))",
    re.DOTALL,
)
"""Lines of contents, `4.1. How to start`, or of a menu or an index of Info, `* cp invocation:: Copy files.`"""
_WITH_HEADINGS = ("prose", "markup")
"""Kinds of documents that have headings."""
_SENTENCES = {UnitKind.SENTENCE, UnitKind.PARAGRAPH, UnitKind.CODE}
"""What can answer below a heading such as Navigation; the rest there are links."""
_KEEP_LINES = {UnitKind.SECTION, UnitKind.LIST, UnitKind.CODE, UnitKind.SIGNATURE, UnitKind.DEFINITION}


@dataclass(frozen=True)
class Unit:
    """A part of a passage that can be quoted as an answer."""

    hit: Hit
    kind: UnitKind
    ranges: tuple[Range, ...]
    """The quoted characters of the passage's text, in order; a table row, for example, has its header and itself.

    Only the comment above a declaration comes after it: a declaration is shown before what describes it.
    """
    heading: str = ""
    """The heading above it within the passage; "" if there is none."""
    around: str = ""
    """The heading around that one, or around the passage; "" if there is none."""

    @property
    def quotes(self) -> tuple[str, ...]:
        """The quoted texts."""
        return tuple(self.hit.text[start:end] for start, end in self.ranges)

    @property
    def text(self) -> str:
        """The quotes as an answer shows them."""
        quotes = [laid_out(self.hit.text, start, end) for start, end in self.ranges]
        return shown_quotes(quotes, self.hit.kind, keep_lines=self.kind in _KEEP_LINES)

    @property
    def label(self) -> str:
        """The heading or symbol that the unit belongs to; "" if its text has the words of it, in any form.

        A heading of one word, such as "Fixed" or "Decision", and a symbol say little alone, so what is around them is
        put before them.
        """
        if self.hit.kind == "code" and self.heading:
            is_path = HEADING_SEPARATOR in self.heading
            return self.heading if is_path else HEADING_SEPARATOR.join(filter(None, [self.around, self.heading]))
        label = self.heading or label_of(self.hit)
        if self.around and label.isalpha():
            label = f"{self.around}{HEADING_SEPARATOR}{label}"
        words, text = label.replace(HEADING_SEPARATOR, " ").casefold().split(), self.text.casefold()
        is_named = all((word[:_STEM_LENGTH] if word.isalpha() else word) in text for word in words)
        return "" if is_named else label

    def contains(self, other: "Unit") -> bool:
        """Whether each quote of another unit is inside a quote of this one, in the same passage."""
        return self.hit.chunk_id == other.hit.chunk_id and all(
            any(start <= first and last <= end for start, end in self.ranges) for first, last in other.ranges
        )


def label_of(hit: Hit) -> str:
    """The innermost heading of a passage, or else its title, shortened if it is too long.

    If a passage has several sections, it is the heading of the first one; the text has the headings of the others.
    Of source code, it is the name of the innermost symbol, or else of the file.
    """
    headings = [part.strip() for part in hit.heading.split(HEADING_SEPARATOR) if part.strip()]
    if hit.kind == "code":
        symbols = [part for part in headings if "(" in part or CELL_SEPARATOR not in part]
        return symbol_name(symbols[-1]) if symbols else file_name(hit.path)
    label = headings[-1] if headings else hit.title
    first, *others = label.split(JOINED_SEPARATOR)
    label = first if any(other in hit.text for other in others) else label
    limit = _MAX_HEADER_LENGTH if CELL_SEPARATOR in label else _MAX_LABEL_LENGTH
    return label if len(label) <= limit else f"{label[: limit - 1].rstrip()}…"


def is_notice(unit: Unit) -> bool:
    """Whether a unit says that another document supersedes its own."""
    is_sentence = unit.kind is UnitKind.SENTENCE and unit.hit.kind in _WITH_HEADINGS
    return is_sentence and SUPERSEDED.match(unit.text) is not None


def is_undivided(unit: Unit, units: Sequence[Unit]) -> bool:
    """Whether a unit is a list of which no item can be quoted alone, such as one of names."""
    return unit.kind is UnitKind.LIST and not any(
        other.kind is not UnitKind.SECTION and other is not unit and unit.contains(other) for other in units
    )


def is_beside(unit: Unit, row: Unit) -> bool:
    """Whether a unit is a row of the same table as a row."""
    is_row = unit.kind is UnitKind.ROW and row.kind is UnitKind.ROW
    return is_row and unit.hit.chunk_id == row.hit.chunk_id and unit.ranges[:-1] == row.ranges[:-1]


def headings_of(unit: Unit) -> str:
    """The headings above a unit. The headings of its passage may also name sections that the unit is not in."""
    own = unit.heading
    if not own or own in unit.hit.heading.split(HEADING_SEPARATOR):
        return unit.hit.heading
    above, _, last = unit.hit.heading.rpartition(HEADING_SEPARATOR)
    sections = last.split(JOINED_SEPARATOR)
    if own in sections:
        return HEADING_SEPARATOR.join(filter(None, [above, own]))
    inside = [above, unit.around] if unit.around in sections else [unit.hit.heading, unit.around]
    path = HEADING_SEPARATOR.join(filter(None, [*inside, own]))
    return HEADING_SEPARATOR.join(dict.fromkeys(path.split(HEADING_SEPARATOR)))


def titles(headings: str) -> list[str]:
    """The title of each section that a heading path names, also of those that are joined in one part of it."""
    return [title for part in headings.split(HEADING_SEPARATOR) for title in part.split(JOINED_SEPARATOR)]


def context_of(hit: Hit, headings: str) -> str:
    """Title, headings, path and source of a passage or a unit of it, which say what it is about."""
    return f"{hit.title}\n{headings}\n{hit.path}\n{hit.source}"


def subject(unit: Unit) -> str:
    """Title and headings of a unit, without what is repeated; the end, if they are long."""
    parts = [part.strip() for part in (unit.hit.title, *headings_of(unit).split(HEADING_SEPARATOR)) if part.strip()]
    return HEADING_SEPARATOR.join(dict.fromkeys(parts))[-MAX_SUBJECT_LENGTH:]


def answer_units(hit: Hit, *, licences: bool = False) -> list[Unit]:
    """The units of a passage, in its order; longer ones come after those that they contain.

    Tracebacks and tables of contents give none, and licence texts only with `licences`.
    """
    settings = passage_settings(hit)
    units = _of_blocks(hit) if settings is None else _of_settings(hit, settings)
    return [unit for unit in units if _is_answer(unit, licences=licences)]


def _of_blocks(hit: Hit) -> list[Unit]:
    found = _rows(hit) or (code_blocks(hit.text) if hit.kind == "code" else blocks(hit.text))
    if _is_below_header(hit):  # no row of a further part of a table has the names of the columns
        found = [replace(block, is_header=False) for block in found]
    if hit.kind in _WITH_HEADINGS:
        found = [block for block in found if not _NAVIGATION.fullmatch(hit.text[block.start : block.end])]
        found = with_plain_headings(hit.text, with_titles(hit.text, found, set(titles(hit.heading))))
    labels = block_labels(hit.text, found)
    if JOINED_SEPARATOR in hit.heading and hit.kind in _WITH_HEADINGS:
        labels = with_entries(hit.text, found, labels, titles(hit.heading.rpartition(HEADING_SEPARATOR)[2]))
    around = _around(hit, found, labels)
    composer = Composer(hit, found, labels)
    placed = _placed(found, (*composer.units(), *composer.sections()))
    if hit.kind == "code":
        labels, around = passage_symbols(hit, found, composer.description)
    return [Unit(hit, kind, ranges, labels[index], around[index]) for kind, ranges, index in placed]


def _of_settings(hit: Hit, settings: PassageSettings) -> list[Unit]:
    """Entries and comments, and objects as lists; an item of a list stands for the entry that names it."""
    labels = settings.labels
    composer = Composer(hit, settings.blocks, [label.heading for label in labels])
    entries = [
        Unit(hit, kind, ranges, labels[index].heading, labels[index].around)
        for kind, ranges, index in _placed(settings.blocks, composer.units())
    ]
    items = {
        group.named_by: group for group in settings.groups if group.range[1] - group.range[0] <= _MAX_ITEM_LENGTH
    }
    entries = [unit for unit in entries if unit.ranges[0][0] not in items or "\n" in unit.quotes[0]]
    groups = [
        Unit(
            hit,
            UnitKind.SIGNATURE if group.named_by in items and group.named_by is not None else UnitKind.LIST,
            (group.range,),
            group.label.heading,
            group.label.around,
        )
        for group in settings.groups
    ]
    return entries + groups


def _placed(
    found: Sequence[Block], made: Iterable[tuple[UnitKind, tuple[Range, ...]]]
) -> Iterator[tuple[UnitKind, tuple[Range, ...], int]]:
    """Kind and ranges of each unit, and the index of the block in which it begins."""
    starts = [block.start for block in found]
    for kind, ranges in made:
        if ranges:
            yield kind, ranges, max(bisect_right(starts, ranges[0][0]) - 1, 0)


def _around(hit: Hit, found: Sequence[Block], labels: Sequence[str]) -> list[str]:
    """The heading around the label of each block, of the passage or of its document; "" if it is not known."""
    if hit.kind not in _WITH_HEADINGS or not hit.heading:
        return [""] * len(found)
    *outer, innermost = hit.heading.split(HEADING_SEPARATOR)
    first, *_ = names = innermost.split(JOINED_SEPARATOR)
    above = {name: outer[-1] if outer else "" for name in (innermost, *names)}
    inner = (above.get(label or innermost, first) for label in labels)
    return [near or far for near, far in zip(headings_around(hit.text, found, labels), inner, strict=True)]


def _rows(hit: Hit) -> list[Block]:
    """The rows of a file with delimiters as blocks; the first is the header unless the passage is below it."""
    if hit.kind != "data" or not hit.verbatim:
        return []
    spans = [trimmed(hit.text, *span) for span in rows(hit.text, 0, len(hit.text))]
    return [
        Block(BlockKind.ROW, start, end, is_header=number == 0 and not _is_below_header(hit))
        for number, (start, end) in enumerate(span for span in spans if span[0] < span[1])
    ]


def _is_below_header(hit: Hit) -> bool:
    """Whether a passage begins below the header of a table, whose column names end its heading."""
    return CELL_SEPARATOR in hit.heading.rsplit(HEADING_SEPARATOR, 1)[-1]


def _is_answer(unit: Unit, *, licences: bool) -> bool:
    if sum(end - start for start, end in unit.ranges) > MAX_LENGTH:
        return False
    quoted = "\n".join(unit.quotes)
    if unit.kind not in _SENTENCES and CONTENTS.fullmatch(unit.heading):
        return False
    return not _TRACEBACK.search(quoted) and (licences or not _LICENCE.search(quoted))
