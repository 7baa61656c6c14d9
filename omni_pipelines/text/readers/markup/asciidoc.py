"""AsciiDoc: the text is the file's own; titles, which start with equals signs, and terms give the sections."""

import itertools
import re
from collections.abc import Iterable, Iterator

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.descriptions import described_term
from omni_pipelines.text.document import Heading, Parsed, nest
from omni_pipelines.text.lines import newline_offsets

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_FENCE = re.compile(r"(?:(-{4,}|={4,}|\.{4,}|/{4,}|\+{4,}|\*{4,}|_{4,}|--)|(```)\w*|([|,:!]={3,}))[ \t]*$")
_UNDERLINES = "=-~^+"
"""What underlines titles in the older style, outermost first."""
_RULE = re.compile(r"([=~^+-])\1{2,}$")
_MARKUP = re.compile(r"\[\[[^\]]*\]\]|[`*_+]+|(?:link|xref):\S*?\[|\]$")

_BELOW_TERM = re.compile(r"[ \t]|[-*.+]+(?:[ \t]|$)|\d+\.[ \t]")
"""A line that still belongs to a description after a blank line: indented, an item of a list, or `+`."""
_LEVELS = {"::": 1_000, ":::": 1_001, "::::": 1_002, ";;": 1_003}
"""Of terms, by their marks."""
_Line = tuple[int, str, str]
"""Where a line starts, the line, and the sign that underlines it as a title; "" if it is none."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Each title outside delimited blocks starts a section; the first one is the document's title.

    A term on a line of its own, such as `--jobs=<n>::`, starts a section up to the end of its description.
    """
    decoded = decode(raw)
    lines = list(_lines(decoded.text))
    titles = list(_titles(lines))
    headings = {start: (start, level, title) for start, level, title in (*_descriptions(lines), *titles)}
    sections = nest(headings[start] for start in sorted(headings))
    return Parsed(decoded, title=titles[0][2] if titles else name, sections=sections)


def _titles(lines: Iterable[_Line]) -> Iterator[Heading]:
    for start, line, underline in lines:
        title = _TITLE.match(line)
        if (title or underline) and (shown := _MARKUP.sub("", title[2] if title else line).strip()):
            yield start, len(title[1]) if title else _UNDERLINES.index(underline) + 1, shown


def _descriptions(lines: Iterable[_Line]) -> Iterator[Heading]:
    """Where the description of each term begins, terms below each other as one, and where the last of a list ends."""
    terms: list[str] = []
    begin, level, above, is_open = 0, 0, "", False
    for start, line, _ in lines:
        if term := described_term(line):
            begin, level = (begin, level) if terms else (start, _LEVELS[term.mark])
            terms.append(term.words)
        elif terms and line.strip():
            yield begin, level, ", ".join(terms)
            terms, is_open = [], True
        elif is_open and line.strip() and not above.strip() and not _BELOW_TERM.match(line):
            yield start, min(_LEVELS.values()), ""
            is_open = False
        above = line


def _lines(text: str) -> Iterator[_Line]:
    """The lines outside delimited blocks."""
    starts = [0, *newline_offsets(text), len(text)]
    lines = [text[start:end].rstrip("\r\n") for start, end in itertools.pairwise(starts)]
    open_fence = above = underlined = ""
    for start, line, below in zip(starts, lines, [*lines[1:], ""], strict=False):
        if underlined:
            underlined = ""  # the line is the rule below a title
        elif not open_fence and not above and _is_title(line, below):
            underlined = below[0]
            yield start, line, underlined
        elif match := _FENCE.match(line):
            fence = next(group for group in match.groups() if group)
            open_fence = "" if open_fence == fence else open_fence or fence
        elif not open_fence:
            yield start, line, ""
        above = line.strip()


def _is_title(line: str, below: str) -> bool:
    """Whether a line is a title by the rule below it, which is as long, give or take one character."""
    return line[:1].isalnum() and abs(len(line) - len(below)) <= 1 and _RULE.match(below) is not None
