"""Compose units: which blocks of a passage, or parts of them, can be quoted together as an answer."""

import itertools
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from native.word_forms import character_pairs
from omni_pipelines.knowledge.answers.quotes import without_marks
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.block_labels import asked_question
from omni_pipelines.text.blocks import LEAD_ENDS, Block, BlockKind
from omni_pipelines.text.code_blocks import COMMENT_END, COMMENT_SIGN, DOCSTRING_QUOTES
from omni_pipelines.text.document import HEADING_SEPARATOR
from omni_pipelines.text.sentences import Range, sentences, trimmed

MAX_LENGTH = 1_200
"""Characters of a unit."""
MAX_PARAGRAPH_LENGTH = 500
MAX_LEAD_LENGTH = 300
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
CONTENTS = re.compile(
    r"(?:table of )?contents|on this page|navigation|see also|index|inhalt(?:sverzeichnis)?|目次|目录", re.IGNORECASE
)
_PARTING = re.compile(rf"\n\n|{DOCSTRING_QUOTES.pattern}")
"""A blank line or the quotes of a docstring: what is above them does not introduce the source code below them."""
_MARKED = re.compile(r"[#=]+[ \t]")
_COMMENT_LINES = re.compile(
    rf"[ \t]*(?:\*+/|{COMMENT_END})?(?:\r?\n[ \t]*(?:{COMMENT_SIGN}|{COMMENT_END})[ \t]*)*\r?\n[ \t]*"
)
"""What is between the paragraphs of a comment, or between its end and the code below it: no blank line."""
_DECORATOR = re.compile(r"@\w|#\[")
_SEE_ALSO = re.compile(r"\W*see also\b[^.]*\.?", re.IGNORECASE)
"""A sentence that only names other places."""
SUPERSEDED = re.compile(
    r"\W*(?:status\W+|this (?:\w+ )?(?:is|was|has been) )?(?:superseded|replaced|obsoleted) by\b"
    r"|\W*ersetzt durch\b|\W*abgelöst (?:durch|von)\b",
    re.IGNORECASE,
)
"""What a document says of itself when another one holds instead."""
_LINK_ITEM = re.compile(r"\W*(?:\[[^\]]*\]\([^)]*\)|[^.!?]*(?:\.\s?){4,}\s*\d+|https?://\S+)\W*$")
_HIDDEN = re.compile(r"^\s*(?:\.\. |<!--)", re.MULTILINE)
"""A directive or a comment between two blocks."""
_CLOSING_FENCE = re.compile(r"\s*\n[ \t]*(?:`{3,}|~{3,})")
_PROSE = (BlockKind.SIGNATURE, BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.FIELD, BlockKind.TERM)
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


class Composer:
    """Makes units of the blocks of one passage."""

    def __init__(self, hit: Hit, found: Sequence[Block], labels: Sequence[str]) -> None:
        self._text, self._blocks, self._labels, self._is_source = hit.text, found, labels, hit.kind == "code"
        last = hit.heading.rsplit(HEADING_SEPARATOR, 1)[-1].strip()
        self._is_contents = CONTENTS.fullmatch(last) is not None

    def units(self) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        """The kind and the ranges of each unit except sections."""
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
            begin = _end_of_item(run)
            starts = [
                begin,
                *(at for at in range(begin + 1, len(run)) if self._begins_section(numbered[at][0])),
                len(run),
            ]
            for first, last in itertools.pairwise(starts):
                while last > first and self._text[: run[last - 1].end].endswith(LEAD_ENDS):
                    last -= 1  # it introduces something that is not in the section
                if last - first > 1:
                    block, (start, end) = run[first], without_marks(self._text, run[first].start, run[last - 1].end)
                    start = block.start if block.kind in _LISTED else start
                    if self._is_dependent(numbered[first][0], start):
                        start = min(start, self._antecedent(numbered[first][0]))
                    yield UnitKind.SECTION, ((start, end),)

    def _begins_section(self, index: int) -> bool:
        """Whether a block is about another thing than the block above it, or apart from it."""
        block, above = self._blocks[index], self._blocks[index - 1]
        is_continued = above.kind is BlockKind.TERM or self._labels[index] == self._labels[index - 1]
        is_continued &= above.kind is not BlockKind.SIGNATURE or self._describes(above, block)
        between = self._text[above.end : block.start]
        return block.kind is BlockKind.SIGNATURE or not is_continued or _HIDDEN.search(between) is not None

    def _paragraph(self, index: int) -> Iterator[tuple[UnitKind, tuple[Range, ...]]]:
        block = self._blocks[index]
        spans = self._sentences(block)
        for number, (start, end) in enumerate(spans):
            if not self._is_sentence(start, end) and not (len(spans) == 1 and self._is_alone(index)):
                continue
            before = spans[number - 1][0] if number else self._antecedent(index)
            is_shown = not number and before < block.start and self._blocks[index - 1].kind is BlockKind.CODE
            if self._is_dependent(index, start) and end - before <= MAX_PARAGRAPH_LENGTH:
                start = before
                if is_shown:
                    yield UnitKind.CODE, ((start, end),)
                    continue
            yield UnitKind.SENTENCE, (without_marks(self._text, start, end),)
        whole = without_marks(self._text, block.start, block.end)
        is_lead = self._text[: block.end].endswith(LEAD_ENDS)
        if len(spans) > 1 and not is_lead and whole[1] - whole[0] <= MAX_PARAGRAPH_LENGTH:
            yield UnitKind.PARAGRAPH, (whole,)

    def _is_alone(self, index: int) -> bool:
        """Whether a paragraph is the only text below a marked heading, such as "MIT" below "# License"."""
        around = [self._blocks[at] for at in (index - 1, index + 1) if 0 <= at < len(self._blocks)]
        is_headed = index > 0 and _MARKED.match(self._text, around[0].start) is not None
        text = self._text[self._blocks[index].start : self._blocks[index].end]
        return (
            not self._is_source
            and is_headed
            and all(other.kind is BlockKind.HEADING for other in around)
            and text[-1:].isalnum()
        )

    def _antecedent(self, index: int) -> int:
        """Where the sentence starts that a paragraph goes on from: the last one above it, or its own first one.

        Of code above it, it is the sentence that introduces the code.
        """
        above = self._blocks[index - 1] if index else None
        own = self._blocks[index].start
        if above is None or self._begins_section(index):
            return own
        if above.kind is BlockKind.CODE and not self._is_source:
            introduced = self._introduction(index - 1)
            return own if introduced is None else introduced
        return self._sentences(above)[-1][0] if above.kind is BlockKind.PARAGRAPH else own

    def _is_dependent(self, index: int, start: int) -> bool:
        """Whether a sentence cannot be understood alone; the first one below code may also go on from it."""
        is_first = start == self._blocks[index].start
        is_below_code = index > 0 and self._blocks[index - 1].kind is BlockKind.CODE
        goes_on = is_first and is_below_code and self._text[start].islower()
        return goes_on or _DEPENDENT.match(self._text, start) is not None

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
            if item.kind is BlockKind.ITEM and self._text[: item.end].endswith(LEAD_ENDS):
                continue  # it introduces what is below it
            if asked_question(self._text, item):
                continue  # the answer is below it, and has it as its label
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
        block, start = self._blocks[index], self._introduction(index)
        if start is None or above is None:
            yield UnitKind.CODE, ((block.start, block.end),)
            return
        yield UnitKind.CODE, ((start, self._end(block)),)
        if above.kind is BlockKind.PARAGRAPH and self._text[: above.end].endswith(LEAD_ENDS):
            yield UnitKind.SECTION, ((above.start, self._end(block)),)

    def _introduction(self, index: int) -> int | None:
        """Where the sentence starts that introduces a block of code; None if none does."""
        block, above = self._blocks[index], self._blocks[index - 1] if index else None
        if above is None or above.kind not in (BlockKind.PARAGRAPH, *_LISTED):
            return None
        between = self._text[above.end - 3 : block.start] if self._is_source else ""
        if _PARTING.search(between):  # a docstring describes all of the code below it
            return None
        is_short = above.kind is not BlockKind.PARAGRAPH or above.end - above.start <= MAX_LEAD_LENGTH
        if self._is_source and not is_short:  # code is quoted by whole lines
            return None
        start = above.start if is_short else self._sentences(above)[-1][0]
        return self._antecedent(index - 1) if start == above.start and _DEPENDENT.match(self._text, start) else start

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
        """A signature with what describes it."""
        block, description = self._blocks[index], self.description(index)
        ranges: tuple[Range, ...] = ((block.start, block.end),)
        if description is not None and abs(description[1] - block.start) <= MAX_LENGTH:
            ranges = (*ranges, without_marks(self._text, *description))
        yield UnitKind.SIGNATURE, ranges

    def description(self, index: int) -> Range | None:
        """What describes a signature: the first paragraph below it, or in code the comment above it."""
        block = self._blocks[index]
        below = self._blocks[index + 1] if index + 1 < len(self._blocks) else None
        if below is not None and below.kind is BlockKind.PARAGRAPH and self._describes(block, below):
            return below.start, below.end
        return self._comment_above(index)

    def _describes(self, block: Block, below: Block) -> bool:
        """Whether a paragraph below a signature is about it: in code a comment there is about what follows."""
        between = self._text[block.end : below.start + 4]
        return not self._is_source or self._text[block.end - 1] == ":" or DOCSTRING_QUOTES.search(between) is not None

    def _comment_above(self, index: int) -> Range | None:
        """The comment that ends on the line above a signature of source code, or above its decorators."""
        first, end = index, self._blocks[index].start
        above = self._blocks[index - 1] if index else None
        if above is not None and not above.is_comment and _DECORATOR.match(self._text, above.start):
            first, end = index - 1, above.start
        last = first
        while first and self._is_comment(first - 1, end):
            first -= 1
            end = self._blocks[first].start
        return (self._blocks[first].start, self._blocks[last - 1].end) if first < last else None

    def _is_comment(self, index: int, end: int) -> bool:
        """Whether a block is a comment, without a blank line between it and `end`."""
        block = self._blocks[index]
        return (
            self._is_source and block.is_comment and _COMMENT_LINES.fullmatch(self._text, block.end, end) is not None
        )

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
        if _SEE_ALSO.fullmatch(text):
            return False
        if SUPERSEDED.match(text):
            return True
        few_symbols = len(_SYMBOLS.findall(text)) <= _MAX_SYMBOL_SHARE * len(text)
        return self._word_count(start, end) >= _MIN_WORDS and not text.endswith(LEAD_ENDS) and few_symbols

    def _word_count(self, start: int, end: int) -> int:
        text = self._text[start:end]
        return len(text.split()) + sum(1 for _ in character_pairs(text)) // _CHARACTERS_PER_WORD


def _end_of_item(run: Sequence[Block]) -> int:
    """How many blocks at the beginning go on from an item that begins above code: the next item is less indented."""
    count = sum(1 for _ in itertools.takewhile(lambda block: block.kind is BlockKind.PARAGRAPH, run))
    following = run[count] if count < len(run) else None
    if following is None or following.kind is not BlockKind.ITEM:
        return 0
    return count if all(block.indent > following.indent for block in run[:count]) else 0
