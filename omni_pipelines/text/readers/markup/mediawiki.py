"""MediaWiki: the text is the file's own; titles between equals signs give the sections. Links are properties."""

import re
from itertools import islice

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, nest

_TITLE = re.compile(
    r"(?<![^\r\n])(?P<signs>={1,6})[ \t]*(?P<title>[^=\r\n](?:[^\r\n]*[^=\r\n])?)[ \t]*(?P=signs)[ \t]*(?=[\r\n]|\Z)"
)
_SKIPPED = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<tag>nowiki|pre|syntaxhighlight|source)\b.*?(?:</(?P=tag)>|\Z)", re.DOTALL | re.IGNORECASE
)
_LINK = re.compile(r"\[\[([^\[\]|#\n]{1,300})(?:#[^\[\]|\n]{0,200})?(?:\|([^\[\]\n]{0,300}))?\]\]")
_MARKS = re.compile(r"'{2,5}|</?[a-z][^>\n]{0,200}>|\{\{[^{}\n]{0,200}\}\}")
_MAX_PROPERTIES = 1_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Titles in comments and listings start no section."""
    decoded = decode(raw)
    text = decoded.text
    skipped = [found.span() for found in _SKIPPED.finditer(text)]
    headings = []
    for found in _TITLE.finditer(text):
        title = " ".join(_MARKS.sub("", _LINK.sub(lambda link: link[2] or link[1], found["title"])).split())
        while skipped and skipped[0][1] <= found.start():
            skipped.pop(0)
        if title and not (skipped and skipped[0][0] <= found.start()):
            headings.append((found.start(), len(found["signs"]), title))
    links = dict.fromkeys(link[1].strip() for link in islice(_LINK.finditer(text), _MAX_PROPERTIES))
    tags = [link.partition(":")[2].strip() for link in links if link.lower().startswith("category:")]
    found_properties = {"tags": tags, "links": [link for link in links if not link.lower().startswith("category:")]}
    return Parsed(
        decoded,
        headings[0][2] if headings and headings[0][1] == 1 else name,
        nest(headings),
        properties={key: values for key, values in found_properties.items() if values},
    )
