"""AsciiDoc: the text stays as it is written; titles that begin with equals signs give the structure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from omni_pipelines.text.decoding import decode, newline_offsets
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.headings import nest

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_FENCE = re.compile(r"(?:(-{4,}|={4,}|\.{4,}|/{4,}|\+{4,}|\*{4,}|_{4,}|--)|(```)\w*|([|,:!]={3,}))[ \t]*$")
_MARKUP = re.compile(r"\[\[[^\]]*\]\]|[`*_+]+|(?:link|xref):\S*?\[|\]$")


def read(raw: bytes, name: str) -> Parsed:
    """Sections by title, outside delimited blocks."""
    decoded = decode(raw)
    headings = list(_headings(decoded.text))
    return Parsed(decoded, title=headings[0][2] if headings else name, sections=nest(headings))


def _headings(text: str) -> Iterator[tuple[int, int, str]]:
    starts = [0, *newline_offsets(text), len(text)]
    fence = ""
    for start, end in itertools.pairwise(starts):
        line = text[start:end].rstrip("\r\n")
        found = _FENCE.match(line)
        if found:
            mark = next(group for group in found.groups() if group)
            fence = "" if fence == mark else fence or mark
        elif not fence and (title := _TITLE.match(line)) and (shown := _MARKUP.sub("", title[2]).strip()):
            yield start, len(title[1]), shown
