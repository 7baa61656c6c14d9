"""AsciiDoc: the text is the file's own; titles, which start with equals signs, give the sections."""

import itertools
import re
from collections.abc import Iterator

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Heading, Parsed, nest
from omni_pipelines.text.lines import newline_offsets

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_FENCE = re.compile(r"(?:(-{4,}|={4,}|\.{4,}|/{4,}|\+{4,}|\*{4,}|_{4,}|--)|(```)\w*|([|,:!]={3,}))[ \t]*$")
_MARKUP = re.compile(r"\[\[[^\]]*\]\]|[`*_+]+|(?:link|xref):\S*?\[|\]$")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Each title outside delimited blocks starts a section; the first one is the document's title."""
    decoded = decode(raw)
    headings = list(_headings(decoded.text))
    return Parsed(decoded, title=headings[0][2] if headings else name, sections=nest(headings))


def _headings(text: str) -> Iterator[Heading]:
    starts = [0, *newline_offsets(text), len(text)]
    open_fence = ""
    for start, end in itertools.pairwise(starts):
        line = text[start:end].rstrip("\r\n")
        match = _FENCE.match(line)
        if match:
            fence = next(group for group in match.groups() if group)
            open_fence = "" if open_fence == fence else open_fence or fence
        elif not open_fence and (title := _TITLE.match(line)) and (shown := _MARKUP.sub("", title[2]).strip()):
            yield start, len(title[1]), shown
