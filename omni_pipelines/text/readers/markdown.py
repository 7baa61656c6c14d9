"""Markdown: the text is the file's own; headings give the sections."""

import functools
import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator

from markdown_it import MarkdownIt

from omni_pipelines.text.decoding import decode, newline_offsets
from omni_pipelines.text.document import Heading, Parsed, nest

_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"
_FRONT_MATTER = re.compile(
    rf"---[ \t]*{_NEWLINE}(?=[\w-]+[ \t]*:)(?:[^\r\n]*{_NEWLINE})*?(?:---|\.\.\.)[ \t]*(?:{_NEWLINE}|\Z)"
)
"""Metadata for a site generator. In Markdown alone, the closing `---` would make its last line a heading."""
_TITLE = re.compile(
    r"""(?:\A|[\r\n])title:[ \t]*(?:(?P<q>["'])(?P<quoted>[^\r\n]*)(?P=q)[ \t]*(?=[\r\n])|(?P<plain>[^\r\n]*))"""
)
_LONG_GAP = re.compile(rf"(?<=[\r\n]{{3}})(?<!\r\n\r)(?:[ \t]*+{_NEWLINE})++")
_MAX_TITLE_LENGTH = 500
"""Characters of a heading: an underlined paragraph is a heading however long it is."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Headings outside fences start sections; the title is from the front matter, or the first one."""
    decoded = decode(raw)
    front = _FRONT_MATTER.match(decoded.text)
    headings = list(_headings(decoded.text, front.end() if front else 0))
    first = headings[0][2] if headings else name
    return Parsed(decoded, title=(_declared_title(front[0]) if front else "") or first, sections=nest(headings))


def _declared_title(front: str) -> str:
    match = _TITLE.search(front)
    return " ".join((match["quoted"] or match["plain"] or "").split()) if match else ""


@functools.cache
def _parser(*, inline: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    return parser if inline else parser.disable("inline")  # it takes most of the time, and only headings need it


def _headings(text: str, begin: int) -> Iterator[Heading]:
    # markdown-it counts \r\n, \n and \r as one line end each, as newline_offsets does
    body, offsets = _without_long_gaps(text, begin)
    starts = [0, *newline_offsets(body)]
    tokens = _parser(inline=False).parse(body)
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            title = _visible(inline.content[:_MAX_TITLE_LENGTH])
            if title:
                yield _original_offset(offsets, starts[token.map[0]]), int(token.tag[1:]), title


_Offsets = list[tuple[int, int]]
"""(offset in the shortened text, the same in the original), ascending; between them both advance equally."""


def _without_long_gaps(text: str, begin: int) -> tuple[str, _Offsets]:
    """The text from `begin` on with at most three line ends in a row, because the parser is slow for each."""
    pieces: list[str] = []
    offsets: _Offsets = []
    length, end = 0, begin
    for gap in _LONG_GAP.finditer(text, begin):
        pieces.append(text[end : gap.start()])
        offsets.append((length, end))
        length, end = length + len(pieces[-1]), gap.end()
    offsets.append((length, end))
    return "".join([*pieces, text[end:]]), offsets


def _original_offset(offsets: _Offsets, offset: int) -> int:
    short, full = offsets[bisect_right(offsets, (offset, 1 << 62)) - 1]
    return full + offset - short


def _visible(markup: str) -> str:
    """A heading without its markup: "Set-up" for `[Set-up](#set-up)`."""
    pieces = _parser(inline=True).parseInline(markup)[0].children or []
    words = (
        " " if piece.type.endswith("break") else piece.content for piece in pieces if piece.type != "html_inline"
    )
    return " ".join("".join(words).split())
