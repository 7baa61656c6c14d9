"""Markdown: the text stays as it is written; headings give the structure."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from markdown_it import MarkdownIt

from omni_pipelines.text.decoding import Decoded, decode, newline_offsets
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.headings import nest


def read(raw: bytes, name: str) -> Parsed:
    """Sections by heading, outside code fences; the first heading is the title."""
    decoded = decode(raw)
    headings = list(_headings(decoded))
    return Parsed(decoded, title=headings[0][2] if headings else name, sections=nest(headings))


@functools.cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _headings(decoded: Decoded) -> Iterator[tuple[int, int, str]]:
    # markdown-it counts \r\n, \n and \r as one line end each, as newline_offsets does
    starts = [0, *newline_offsets(decoded.text)]
    tokens = _parser().parse(decoded.text)
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            yield starts[token.map[0]], int(token.tag[1:]), " ".join(inline.content.split())
