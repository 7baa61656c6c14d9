"""Answer units: the parts of a passage that can be quoted as an answer and understood alone.

A unit is a sentence or a short paragraph, a list or one of its items with the sentence that introduces it, a code
block with the sentence before it, a signature with its description, a table row with its header, or a definition.
Its label, a heading or a symbol, says what it is about.
"""

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from native.word_forms import character_pairs
from omni_pipelines.knowledge.answers.quotes import shown_quotes, without_marks
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.block_labels import block_labels, with_titles
from omni_pipelines.text.blocks import LEAD_ENDS, Block, BlockKind, blocks
from omni_pipelines.text.code_blocks import code_blocks
from omni_pipelines.text.document import HEADING_SEPARATOR, JOINED_SEPARATOR
from omni_pipelines.text.plain_headings import with_plain_headings
from omni_pipelines.text.sentences import Range, rows, sentences, trimmed
from omni_pipelines.text.table_headers import CELL_SEPARATOR

SPLITTER = "7"
"""Version of the rules that cut passages into units. A receipt names it; its quotes are checked by the same rules."""
MAX_LENGTH = 1_200
"""Characters of a unit."""
MAX_PARAGRAPH_LENGTH = 500
MAX_LEAD_LENGTH = 300
MAX_SUBJECT_LENGTH = 80
_MAX_LABEL_LENGTH = 90
_STEM_LENGTH = 5
"""Characters from which a word of a label is recognised in another form: rotation in rotated."""
_MAX_HEADER_LENGTH = 300
"""Characters of the column names that label a row."""
_MIN_WORDS = 4
_CHARACTERS_PER_WORD = 2
"""In scripts without spaces between words."""
_MAX_SYMBOL_SHARE = 0.2
_SYMBOLS = re.compile(r"[\d_=<>{}\[\]/\\|&^$#@~`+*]")
"""Characters that are frequent in code and tables, and rare in sentences."""
_DEPENDENT = re.compile(
    r"(?!it (?:is|was|can be|may be) (?:\w+ ){0,2}?(?:possible|impossible|expected|recommended|necessary|important"
    r"|common|useful|easy|hard|difficult|likely|worth|safe|enough|wise|known|clear|true|best|better|good|advisable)\b)"
    r"(?:it|its|this|that|these|those|they|them|their|he|she|such|otherwise|however|instead|therefore|thus|then|also"
    r"|but|and|or|so|here|in (?:this|that|these|such)|for (?:this|that)|if (?:so|not)|both|the (?:latter|former|same)"
    r"|er|sie|es|dies\w*|diese\w*|dadurch|damit|dabei|sonst|aber|jedoch)\b",
    re.IGNORECASE,
)
"""Openings of sentences that cannot be understood without the sentence before; "it is possible to" can."""
_ANNOUNCING = re.compile(
    r"\b(?:following|follows?|below|these|those|such as|(?:one|any|some|all) of|ways|kinds|types|steps|options"
    r"|(?:two|three|four|five|six|seven|several|various|many) (?:\w+ )?\w+s|folgende\w*|so:|zwei|drei|mehrere)\b"
    r"|以下|次の|下記|下面|下列|如下",
    re.IGNORECASE,
)
"""Words of a sentence that introduces a list, although it ends with a full stop."""
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+", re.MULTILINE)
_LICENCE = re.compile(
    r"licensed under|copyright (?:\(c\)|©|\d{4})|all rights reserved|without warrant(?:y|ies)"
    r"|hereby granted|permission to use, copy|redistributions? (?:of|in) source|as is\W+(?:basis|without)",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"(?:table of )?contents|on this page|navigation|see also|index|inhalt(?:sverzeichnis)?|目次|目录", re.IGNORECASE
)
_PARTING = re.compile(r"\n\n|\"{3}|'{3}")
"""A blank line or the quotes of a docstring: what is above them does not introduce the source code below them."""
_NAVIGATION = re.compile(
    r"(?:(?:[A-Z]|\d+)(?:\.\d+)+\.?[ \t]+\S[^\n.!?;:]*(?:\n\s*|\s*\Z)){2,}"
    r"|\*[^:\n]+:(?::(?:\s.*)?|[^:]*\(line\s+\d+\))",
    re.DOTALL,
)
"""Lines of contents, `4.1. How to start`, or of a menu or an index of Info, `* cp invocation:: Copy files.`"""
_LINK_ITEM = re.compile(r"\W*(?:\[[^\]]*\]\([^)]*\)|[^.!?]*(?:\.\s?){4,}\s*\d+|https?://\S+)\W*$")
_HIDDEN = re.compile(r"^\s*(?:\.\. |<!--)", re.MULTILINE)
"""A directive or a comment between two blocks."""
_CLOSING_FENCE = re.compile(r"\s*\n[ \t]*(?:`{3,}|~{3,})")
_PROSE = (BlockKind.SIGNATURE, BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.FIELD, BlockKind.TERM)
_WITH_HEADINGS = ("prose", "markup")
"""Kinds of documents that have headings."""
_LISTED = (BlockKind.ITEM, BlockKind.FIELD, BlockKind.TERM)
_BELOW_ITEMS = (BlockKind.PARAGRAPH, BlockKind.CODE, BlockKind.ROW)
"""Kinds of blocks that belong to the item above them if they are indented."""


class UnitKind(StrEnum):
    """What a unit is made of."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"
    SECTION = "section"
    LIST = "list"
    ITEM = "item"
    CODE = "code"
    SIGNATURE = "signature"
    ROW = "row"
    DEFINITION = "definition"


CONTAINERS = {UnitKind.PARAGRAPH, UnitKind.SECTION, UnitKind.LIST}
"""Units that are made of other units."""
_SENTENCES = {UnitKind.SENTENCE, UnitKind.PARAGRAPH, UnitKind.CODE}
"""What can answer below a heading such as Navigation; the rest there are links."""
_KEEP_LINES = {UnitKind.SECTION, UnitKind.LIST, UnitKind.CODE, UnitKind.SIGNATURE, UnitKind.DEFINITION}


@dataclass(frozen=True)
class Unit:
    """A part of a passage that can be quoted as an answer."""

    hit: Hit
    kind: UnitKind
    ranges: tuple[Range, ...]
    """The quoted characters of the passage's text, in order; a table row, for example, has its header and itself."""
    heading: str = ""
    """The heading above it within the passage; "" if there is none."""

    @property
    def quotes(self) -> tuple[str, ...]:
        """The quoted texts."""
        return tuple(self.hit.text[start:end] for start, end in self.ranges)

    @property
    def text(self) -> str:
        """The quotes as an answer shows them."""
        return shown_quotes(self.quotes, self.hit.kind, keep_lines=self.kind in _KEEP_LINES)

    @property
    def label(self) -> str:
        """The heading or symbol that the unit belongs to; "" if its text has the words of it, in any form."""
        label, text = self.heading or label_of(self.hit), self.text.casefold()
        words = label.casefold().split()
        is_named = all((word[:_STEM_LENGTH] if word.isalpha() else word) in text for word in words)
        return "" if is_named else label

    def contains(self, other: "Unit") -> bool:
        """Whether each quote of another unit is inside a quote of this one, in the same passage."""
        return self.hit.chunk_id == other.hit.chunk_id and all(
            any(start <= first and last <= end for start, end in self.ranges) for first, last in other.ranges
        )


def label_of(hit: Hit) -> str:
    """The innermost heading of a passage, or else its title, shortened if it is too long."""
    headings = [part.strip() for part in hit.heading.split(HEADING_SEPARATOR) if part.strip()]
    label = headings[-1] if headings else hit.title
    is_code = hit.kind == "code"
    limit = _MAX_HEADER_LENGTH if CELL_SEPARATOR in label and not is_code else _MAX_LABEL_LENGTH
    if len(label) <= limit:
        return label
    return f"{label.partition('(')[0]}(…)" if is_code and "(" in label else label[: limit - 1].rstrip() + "…"


def headings_of(unit: Unit) -> str:
    """The headings above a unit. The headings of its passage may also name sections that the unit is not in."""
    own = unit.heading
    if not own or own in unit.hit.heading.split(HEADING_SEPARATOR):
        return unit.hit.heading
    above, _, last = unit.hit.heading.rpartition(HEADING_SEPARATOR)
    shared = above if own in last.split(JOINED_SEPARATOR) else unit.hit.heading
    return HEADING_SEPARATOR.join(filter(None, [shared, own]))


def subject(unit: Unit) -> str:
    """Title and headings of a unit, without what is repeated; the end, if they are long."""
    parts = [part.strip() for part in (unit.hit.title, *headings_of(unit).split(HEADING_SEPARATOR)) if part.strip()]
    return HEADING_SEPARATOR.join(dict.fromkeys(parts))[-MAX_SUBJECT_LENGTH:]


def answer_units(hit: Hit, *, licences: bool = False) -> list[Unit]:
    """The units of a passage, in its order; longer ones come after those that they contain.

    Tracebacks and tables of contents give none, and licence texts only with `licences`.
    """
    found = _rows(hit) or (code_blocks(hit.text) if hit.kind == "code" else blocks(hit.text))
    if _is_below_header(hit):  # no row of a further part of a table has the names of the columns
        found = [replace(block, is_header=False) for block in found]
    if hit.kind in _WITH_HEADINGS:
        found = [block for block in found if not _NAVIGATION.fullmatch(hit.text[block.start : block.end])]
        titles = {title for part in hit.heading.split(HEADING_SEPARATOR) for title in part.split(JOINED_SEPARATOR)}
        found = with_plain_headings(hit.text, with_titles(hit.text, found, titles))
    labels, starts = block_labels(hit.text, found), [block.start for block in found]
    composer = _Composer(hit, found, labels)
    made = (*composer.units(), *composer.sections())
    units = (
        Unit(hit, kind, ranges, labels[max(bisect_right(starts, ranges[0][0]) - 1, 0)])
        for kind, ranges in made
        if ranges
    )
    return [unit for unit in units if _is_answer(unit, licences=licences)]


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
    if unit.kind not in _SENTENCES and _CONTENTS.fullmatch(unit.heading):
        return False
    return not _TRACEBACK.search(quoted) and (licences or not _LICENCE.search(quoted))


class _Composer:
    """Makes units of the blocks of one passage."""

    def __init__(self, hit: Hit, found: Sequence[Block], labels: Sequence[str]) -> None:
        self._text, self._blocks, self._labels, self._is_source = hit.text, found, labels, hit.kind == "code"
        last = hit.heading.rsplit(HEADING_SEPARATOR, 1)[-1].strip()
        self._is_contents = _CONTENTS.fullmatch(last) is not None

    def units(self) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        list_end = 0
        for index, block in enumerate(self._blocks):
            above = self._blocks[index - 1] if index else None
            if block.kind is BlockKind.PARAGRAPH:
                yield from self._paragraph(index)
            elif block.kind in _LISTED:
                if index >= list_end:
                    list_end = self._list_end(index)
                    yield from self._list(index, list_end)
            elif block.kind is BlockKind.CODE:
                yield from self._code(index, above)
            elif block.kind is BlockKind.ROW and not block.is_header:
                yield from self._row(index)
            elif block.kind is BlockKind.SIGNATURE:
                yield from self._signature(index)

    def sections(self) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        """Signatures, paragraphs and lists that follow each other, without code and tables between them."""
        runs = itertools.groupby(enumerate(self._blocks), key=lambda numbered: numbered[1].kind in _PROSE)
        for numbered in (list(group) for is_prose, group in runs if is_prose):
            run = [block for _, block in numbered]
            starts = [0, *(at for at in range(1, len(run)) if self._begins_section(numbered[at][0])), len(run)]
            for first, last in itertools.pairwise(starts):
                while last > first and self._text[: run[last - 1].end].endswith(LEAD_ENDS):
                    last -= 1  # it introduces something that is not in the section
                if last - first > 1:
                    begin, (start, end) = run[first], without_marks(self._text, run[first].start, run[last - 1].end)
                    yield UnitKind.SECTION, ((begin.start if begin.kind in _LISTED else start, end),)

    def _begins_section(self, index: int) -> bool:
        """Whether a block is about another thing than the block above it, or apart from it."""
        block, above = self._blocks[index], self._blocks[index - 1]
        is_continued = above.kind is BlockKind.TERM or self._labels[index] == self._labels[index - 1]
        between = self._text[above.end : block.start]
        return block.kind is BlockKind.SIGNATURE or not is_continued or _HIDDEN.search(between) is not None

    def _paragraph(self, index: int) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        block = self._blocks[index]
        spans = self._sentences(block)
        for number, (start, end) in enumerate(spans):
            if not self._is_sentence(start, end):
                continue
            before = spans[number - 1][0] if number else self._antecedent(index)
            if _DEPENDENT.match(self._text, start) and end - before <= MAX_PARAGRAPH_LENGTH:
                start = before
            yield UnitKind.SENTENCE, (without_marks(self._text, start, end),)
        whole = without_marks(self._text, block.start, block.end)
        is_lead = self._text[: block.end].endswith(LEAD_ENDS)
        if len(spans) > 1 and not is_lead and whole[1] - whole[0] <= MAX_PARAGRAPH_LENGTH:
            yield UnitKind.PARAGRAPH, (whole,)

    def _antecedent(self, index: int) -> int:
        """Where the sentence starts that a paragraph goes on from: the last one above it, or its own first one."""
        above = self._blocks[index - 1] if index else None
        if above is None or above.kind is not BlockKind.PARAGRAPH or self._begins_section(index):
            return self._blocks[index].start
        return self._sentences(above)[-1][0]

    def _list_end(self, first: int) -> int:
        """The index of the first block after a list; indented blocks below its last item belong to it."""
        rest = range(first + 1, len(self._blocks))
        return next((index for index in rest if not self._is_of_list(index, first)), len(self._blocks))

    def _is_of_list(self, index: int, first: int) -> bool:
        block = self._blocks[index]
        return block.kind in _LISTED or (block.kind in _BELOW_ITEMS and block.indent > self._blocks[first].indent)

    def _list(self, first: int, end: int) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        """The items of a list, each with what introduces it, and the list as a whole."""
        items = [block for block in self._blocks[first:end] if block.kind in _LISTED]
        links = sum(_LINK_ITEM.match(self._text[item.start : item.end]) is not None for item in items)
        if self._is_contents or 2 * links > len(items):
            return
        before = self._lead(first)
        for number, item in enumerate(items):
            kind = UnitKind.ITEM if item.kind is BlockKind.ITEM else UnitKind.DEFINITION
            lead = self._item_lead(items[:number], item, before)
            if lead is not None and kind is UnitKind.ITEM:
                yield kind, (lead, (item.start, item.end))
            elif item.kind is BlockKind.FIELD or self._word_count(item.start, item.end) >= _MIN_WORDS:
                yield kind, ((item.start, item.end),)
        if len(items) > 1:
            start = before[0] if before is not None else items[0].start
            yield UnitKind.LIST, ((start, self._end(self._blocks[end - 1])),)

    def _item_lead(self, above: Sequence[Block], item: Block, before: Range | None) -> Range | None:
        """What introduces an item: the short item above a nested one, or the sentence before the list."""
        parent = next((other for other in reversed(above) if other.indent < item.indent), None)
        if parent is None:
            return before
        return (parent.start, parent.end) if parent.end - parent.start <= MAX_LEAD_LENGTH else None

    def _end(self, block: Block) -> int:
        """The end of a block, with the fence that closes it."""
        fence = _CLOSING_FENCE.match(self._text, block.end) if block.kind is BlockKind.CODE else None
        return fence.end() if fence else block.end

    def _code(self, index: int, above: Block | None) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        """Code with the sentence before it, and with the whole paragraph that introduces it."""
        block = self._blocks[index]
        between = self._text[above.end - 3 : block.start] if above is not None and self._is_source else ""
        is_introduced = not _PARTING.search(between)  # a docstring describes all of the code below it
        if above is not None and is_introduced and above.kind in (BlockKind.PARAGRAPH, *_LISTED):
            is_short = above.kind is not BlockKind.PARAGRAPH or above.end - above.start <= MAX_LEAD_LENGTH
            start = above.start if is_short else self._sentences(above)[-1][0]
            if start == above.start and _DEPENDENT.match(self._text, start):
                start = self._antecedent(index - 1)
            yield UnitKind.CODE, ((start, self._end(block)),)
            if above.kind is BlockKind.PARAGRAPH and self._text[: above.end].endswith(LEAD_ENDS):
                yield UnitKind.SECTION, ((above.start, self._end(block)),)
        else:
            yield UnitKind.CODE, ((block.start, block.end),)

    def _row(self, index: int) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        """A row with the sentence before its table and the header; the last row also gives the table as a whole."""
        rows = list(itertools.takewhile(lambda block: block.kind is BlockKind.ROW, reversed(self._blocks[:index])))
        header = next(((block.start, block.end) for block in rows if block.is_header), None)
        row, lead = self._blocks[index], self._lead(index - len(rows))
        above = [each for each in (lead, header) if each is not None]
        yield UnitKind.ROW, (*above, (row.start, row.end))
        is_last = index + 1 == len(self._blocks) or self._blocks[index + 1].kind is not BlockKind.ROW
        if is_last and header is not None:
            yield UnitKind.LIST, ((above[0][0], row.end),)

    def _signature(self, index: int) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        """A signature with the first paragraph below it, which describes it."""
        block = self._blocks[index]
        below = self._blocks[index + 1] if index + 1 < len(self._blocks) else None
        ranges: tuple[Range, ...] = ((block.start, block.end),)
        if below is not None and below.kind is BlockKind.PARAGRAPH and below.end - block.start <= MAX_LENGTH:
            ranges = (*ranges, without_marks(self._text, below.start, below.end))
        yield UnitKind.SIGNATURE, ranges

    def _lead(self, first: int) -> Range | None:
        """The sentence that introduces the list or table whose first block is at this index."""
        above = self._blocks[first - 1] if first else None
        if above is None or above.kind is not BlockKind.PARAGRAPH:
            return None
        *others, (start, end) = self._sentences(above)
        sentence = self._text[start:end]
        if others and _DEPENDENT.match(sentence):
            start = others[-1][0]
        is_lead = sentence.endswith(LEAD_ENDS) or _ANNOUNCING.search(sentence) is not None
        return (start, end) if is_lead and end - start <= MAX_LEAD_LENGTH else None

    def _sentences(self, block: Block) -> list[Range]:
        spans = (trimmed(self._text, *span) for span in sentences(self._text, block.start, block.end))
        return [span for span in spans if span[0] < span[1]]

    def _is_sentence(self, start: int, end: int) -> bool:
        """Whether a range is long enough, does not introduce something else, and is neither code nor a table."""
        text = self._text[start:end]
        few_symbols = len(_SYMBOLS.findall(text)) <= _MAX_SYMBOL_SHARE * len(text)
        return self._word_count(start, end) >= _MIN_WORDS and not text.endswith(LEAD_ENDS) and few_symbols

    def _word_count(self, start: int, end: int) -> int:
        text = self._text[start:end]
        return len(text.split()) + sum(1 for _ in character_pairs(text)) // _CHARACTERS_PER_WORD
