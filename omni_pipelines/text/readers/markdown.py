"""Markdown: the text stays as it is written; headings give the structure."""

from __future__ import annotations

import functools
import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from omni_pipelines.text.decoding import decode, newline_offsets
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.headings import nest

_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"
_FRONT_MATTER = re.compile(
    rf"---[ \t]*{_NEWLINE}(?=[\w-]+[ \t]*:)(?:[^\r\n]*{_NEWLINE})*?(?:---|\.\.\.)[ \t]*(?:{_NEWLINE}|\Z)"
)
"""Settings of a site generator. Markdown itself would take the last line for a heading, underlined by the `---`."""
_TITLE = re.compile(
    r"""(?:\A|[\r\n])title:[ \t]*(?:(?P<q>["'])(?P<quoted>[^\r\n]*)(?P=q)[ \t]*(?=[\r\n])|(?P<plain>[^\r\n]*))"""
)
_LONG_GAP = re.compile(rf"(?<=[\r\n]{{3}})(?<!\r\n\r)(?:[ \t]*+{_NEWLINE})++")
_MAX_TITLE_LENGTH = 500
"""Characters of a heading that are read: an underlined paragraph is one, too, however long."""


def read(raw: bytes, name: str) -> Parsed:
    """Sections by heading, outside code fences. The title is that of the front matter, else the first heading."""
    decoded = decode(raw)
    front = _FRONT_MATTER.match(decoded.text)
    headings = list(_headings(decoded.text, front.end() if front else 0))
    first = headings[0][2] if headings else name
    return Parsed(decoded, title=(_declared_title(front[0]) if front else "") or first, sections=nest(headings))


def _declared_title(front: str) -> str:
    found = _TITLE.search(front)
    return " ".join((found["quoted"] or found["plain"] or "").split()) if found else ""


@functools.cache
def _parser(*, inline: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    return parser if inline else parser.disable("inline")  # most of the time goes there, and only headings need it


def _headings(text: str, begin: int) -> Iterator[tuple[int, int, str]]:
    # markdown-it counts \r\n, \n and \r as one line end each, as newline_offsets does
    body, places = _without_long_gaps(text, begin)
    starts = [0, *newline_offsets(body)]
    tokens = _parser(inline=False).parse(body)
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            title = _visible(inline.content[:_MAX_TITLE_LENGTH])
            if title:
                yield _place(places, starts[token.map[0]]), int(token.tag[1:]), title


_Places = list[tuple[int, int]]
"""(offset in the shortened text, offset in the text), rising: from there on they run side by side."""


def _without_long_gaps(text: str, begin: int) -> tuple[str, _Places]:
    """The text from `begin` on, with at most three line ends in a row: the parser pays dearly for each."""
    pieces: list[str] = []
    places: _Places = []
    length, at = 0, begin
    for gap in _LONG_GAP.finditer(text, begin):
        pieces.append(text[at : gap.start()])
        places.append((length, at))
        length, at = length + len(pieces[-1]), gap.end()
    places.append((length, at))
    return "".join([*pieces, text[at:]]), places


def _place(places: _Places, offset: int) -> int:
    short, full = places[bisect_right(places, (offset, 1 << 62)) - 1]
    return full + offset - short


def _visible(markup: str) -> str:
    """A heading as it is read: `[Set-up](#set-up)` is "Set-up"."""
    pieces = _parser(inline=True).parseInline(markup)[0].children or []
    return " ".join("".join(" " if each.type.endswith("break") else each.content for each in _words(pieces)).split())


def _words(pieces: list[Token]) -> Iterator[Token]:
    return (each for each in pieces if each.type != "html_inline")
