"""Headings that nothing marks: readers write those of HTML, Word and PDF as lines of their own."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from omni_pipelines.text.blocks import Block, BlockKind

MAX_LENGTH = 80
_MAX_WORDS = 12
_MAX_IN_A_ROW = 3
"""More short lines below each other are a menu, a poem or an address."""
_NO_HEADING = re.compile(r"[.!?,;:…。！？，；：、|]$|^[\W\d_]*$|^\[|^\.\. |^>|^<!")  # noqa: RUF001
"""The end of a sentence or of what introduces something; no word; a footnote, a comment or a quotation."""
_OF_THE_PAGE = re.compile(
    r"(?:created|written|posted|published|(?:last )?(?:updated|modified|edited|reviewed)) (?:by|on|at)\b", re.I
)
"""What a wiki says below the title about who wrote a page, and when."""


def with_plain_headings(text: str, found: Sequence[Block]) -> list[Block]:
    """The blocks of a text, with those paragraphs as headings that are headings.

    A heading is a paragraph of one short line that does not end with punctuation. Another block follows it, and it is
    not all that is between two other headings.
    """
    marked = [block.kind is BlockKind.HEADING for block in found]
    known = [
        marked[at] or (_may_be_heading(text, block) and not (at and marked[at - 1] and all(marked[at + 1 : at + 2])))
        for at, block in enumerate(found)
    ]
    made = list(found)
    for is_short, group in itertools.groupby(range(len(found)), key=known.__getitem__):
        run = list(group)
        if is_short and len(run) <= _MAX_IN_A_ROW and run[-1] + 1 < len(found):
            for index in run:
                made[index] = replace(found[index], kind=BlockKind.HEADING)
    return made


def _may_be_heading(text: str, block: Block) -> bool:
    line = text[block.start : block.end]
    return (
        block.kind is BlockKind.PARAGRAPH
        and "\n" not in line
        and len(line) <= MAX_LENGTH
        and len(line.split()) <= _MAX_WORDS
        and _NO_HEADING.search(line) is None
        and _OF_THE_PAGE.match(line) is None
    )
