"""Markdown: the text is the file's own; headings give the sections."""

import functools
import re
from bisect import bisect_right

from markdown_it import MarkdownIt
from markdown_it.token import Token

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Heading, Parsed, nest
from omni_pipelines.text.lines import newline_offsets
from omni_pipelines.text.readers.markup.front_matter import front_matter

_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"
_LONG_GAP = re.compile(rf"(?<=[\r\n]{{3}})(?<!\r\n\r)(?:[ \t]*+{_NEWLINE})++")
_DATA_ADDRESS = re.compile(r"\(data:[^)\s]*+")
_CODE_SPAN = re.compile(r"`[^`]*+`")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|#\n]{1,200})(?:#[^\[\]|\n]{0,200})?(?:\|[^\[\]\n]{0,200})?\]\]")
_TAG = re.compile(r"(?<![^\s(])#([^\W\d_][\w/-]{0,60})")
_MAX_FOUND = 1_000
_MAX_TITLE_LENGTH = 500
"""Characters of a heading: an underlined paragraph is a heading however long it is."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Headings outside fences start sections; the title is from the front matter, or the first one."""
    decoded = decode(raw)
    front = front_matter(decoded.text)
    note = _Note()
    note.scan(decoded.text, front.end)
    found = {"tags": (*front.tags, *note.tags), "aliases": front.aliases, "links": tuple(note.links)}
    return Parsed(
        decoded,
        title=front.title or next((title for *_, title in note.headings), name),
        sections=nest(note.headings),
        properties={key: list(dict.fromkeys(values)) for key, values in found.items() if values},
    )


@functools.cache
def _parser(*, inline: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    return parser if inline else parser.disable("inline")  # it takes most of the time, and only headings need it


class _Note:
    """Collects the headings of a text, and the tags and links between double brackets that note programs know."""

    def __init__(self) -> None:
        self.headings: list[Heading] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def scan(self, text: str, begin: int) -> None:
        # markdown-it counts \r\n, \n and \r as one line end each, as newline_offsets does
        body, offsets = _without_long_gaps(text, begin)
        starts = [0, *newline_offsets(body)]
        previous: Token | None = None
        for token in _parser(inline=False).parse(body):
            if token.type == "inline":
                self._collect(token.content)
                if previous is not None and previous.type == "heading_open" and previous.map and not previous.level:
                    title = _visible(_DATA_ADDRESS.sub("(x", token.content)[:_MAX_TITLE_LENGTH])
                    start = _original_offset(offsets, starts[previous.map[0]])
                    self.headings += [(start, int(previous.tag[1:]), title)] if title else []
            previous = token

    def _collect(self, content: str) -> None:
        if "[[" not in content and "#" not in content:
            return
        shown = _CODE_SPAN.sub("", content)
        if len(self.links) < _MAX_FOUND:
            self.links += [link.strip() for link in _WIKI_LINK.findall(shown) if link.strip()]
        if len(self.tags) < _MAX_FOUND:
            self.tags += _TAG.findall(shown)


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
