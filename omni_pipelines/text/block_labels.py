"""What each block of a text is about: the heading above it, or the term, object or question that it belongs to."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from omni_pipelines.text.blocks import Block, BlockKind
from omni_pipelines.text.descriptions import described_object, described_term

_MARKS = re.compile(r"^(?:#+|=+|\*+)[ \t]+|[ \t]+(?:#+|=+)$")
"""What marks a heading in Markdown, AsciiDoc, MediaWiki or Org."""
_EMPHASIS = re.compile(r"^(\*\*|__|\*|_)(.+?)[.:]?\1$")
_LEVEL = re.compile(r"(#+|=+|\*+)[ \t]")
_QUESTION = re.compile(r"[*_]*(?:Q|Question|F|Frage)[ \t]?\d*[:.)][*_]*[ \t]+(?P<question>[^\n]*?\?)")
_ATTACHED = re.compile(r"\s*\n\+[ \t]*\n\s*|\n")
"""What is between the parts of a description in AsciiDoc: a plus sign, or only the end of the line of its term."""
_ENTRIES = {BlockKind.TERM, BlockKind.FIELD, BlockKind.SIGNATURE}
_WORDS = re.compile(r"[^\s()\[\]{},;*]+")


def block_labels(text: str, found: Sequence[Block]) -> list[str]:
    """The label of each block; "" if nothing is above it."""
    labels: list[str] = []
    around: list[tuple[int, str]] = []  # (columns from which on a block belongs to it, label), outermost first
    for above, block in zip([None, *found], found, strict=False):
        is_attached = above is not None and _ATTACHED.fullmatch(text, above.end, block.start) is not None
        while around and block.indent < around[-1][0] and not is_attached:
            around.pop()
        if block.kind is BlockKind.HEADING:
            first, *_ = lines = _lines(text, block)
            is_described = described_object(first) or described_term(first)
            around = [*around, (block.indent + 1, _name(lines))] if is_described else [(0, _name(lines))]
        elif question := asked_question(text, block):
            around = [(0, question)]
        labels.append(around[-1][1] if around else "")
        if block.kind is BlockKind.TERM:
            around.append((block.indent + 1, _lines(text, block)[0]))
    return labels


def asked_question(text: str, block: Block) -> str:
    """The question that a block of a list of questions asks: `Q: Who moors?`; "" if it asks none."""
    found = _QUESTION.match(text, block.start, block.end)
    return found["question"] if found is not None else ""


def headings_around(text: str, found: Sequence[Block], labels: Sequence[str]) -> list[str]:
    """For each block the heading around its label, as far as marks tell the levels; "" if none does."""
    around: list[tuple[int, str]] = []  # (level, name) of the headings that a block is below, outermost first
    names: list[str] = []
    for block, label in zip(found, labels, strict=True):
        if block.kind is BlockKind.HEADING:
            mark = _LEVEL.match(text, block.start)
            level = len(mark[1]) if mark else 0
            around = [(other, name) for other, name in around if other < level]
            if level:
                around.append((level, _name(_lines(text, block))))
        outer = [name for _, name in around if name != label]
        names.append(outer[-1] if outer else "")
    return names


def with_titles(text: str, found: Sequence[Block], titles: Collection[str]) -> list[Block]:
    """The blocks, with those as headings that consist of one of `titles`, which a reader found in the document.

    In Org they look like the items of a list, and in a text that is extracted like any other line.
    """
    return [replace(block, kind=BlockKind.HEADING) if _is_titled(text, block, titles) else block for block in found]


def with_entries(text: str, found: Sequence[Block], labels: Sequence[str], titles: Collection[str]) -> list[str]:
    """The labels, with that of an entry for the blocks from its first line on that have none.

    An entry, such as an option of Vim or a function of Info, has a title that is no line of its own, but names what
    its first line begins to describe: `harbour#list()` above `harbour#list({prefix})`.
    """
    made = list(labels)
    headings = {_name(_lines(text, block)) for block in found if block.kind is BlockKind.HEADING}
    names = {title: [name.rstrip("()") for name in title.split(", ")] for title in titles if title not in headings}
    entry = ""
    for index, block in enumerate(found):
        if block.kind is BlockKind.HEADING:
            entry = ""
        elif block.kind in _ENTRIES and not block.indent:
            line, *_ = _lines(text, block)
            words = set(_WORDS.findall(line))
            entry = next((title for title, all_names in names.items() if words.intersection(all_names)), "")
        made[index] = made[index] or entry
    return made


def _is_titled(text: str, block: Block, titles: Collection[str]) -> bool:
    lines = _lines(text, block)
    return block.kind in (BlockKind.ITEM, BlockKind.PARAGRAPH) and len(lines) == 1 and _name(lines) in titles


def _lines(text: str, block: Block) -> list[str]:
    return [line.strip() for line in text[block.start : block.end].splitlines()]


def _name(lines: Sequence[str]) -> str:
    """The words of a heading without its marks, or the object or the terms that it names."""
    terms = [term.words for line in lines if (term := described_term(line))]
    return described_object(lines[0]) or ", ".join(terms) or _EMPHASIS.sub(r"\2", _MARKS.sub("", lines[0]))
