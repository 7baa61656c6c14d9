"""Org: the text is the file's own; stars give the sections. Tags and links are properties."""

import itertools
import re

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Heading, Parsed, nest
from omni_pipelines.text.lines import newline_offsets

_HEADING = re.compile(
    r"(?P<stars>\*{1,30})[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED|CANCELED)[ \t]+)?(?:\[#\w\][ \t]+)?"
    r"(?P<title>.*?)(?:[ \t]+:(?P<tags>[\w@#%:]+):)?[ \t]*$"
)
_SETTING = re.compile(r"#\+(?P<name>\w+):[ \t]*(?P<value>.*)$", re.IGNORECASE)
_BLOCK = re.compile(r"[ \t]*#\+(?P<edge>begin|end)_(?P<kind>\w+)", re.IGNORECASE)
_LINK = re.compile(r"\[\[(?:file:|id:)?([^\]\n]{1,300})\](?:\[([^\]\n]{1,300})\])?\]")
_MAX_PROPERTIES = 1_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Each heading outside blocks starts a section; the title is the declared one, or the first."""
    decoded = decode(raw)
    text = decoded.text
    headings: list[Heading] = []
    tags: list[str] = []
    title = inside = ""
    for start, end in itertools.pairwise([0, *newline_offsets(text), len(text)]):
        line = text[start:end].rstrip("\r\n")
        if block := _BLOCK.match(line):
            kind, is_begin = block["kind"].lower(), block["edge"].lower() == "begin"
            if is_begin or inside == kind:
                inside = (inside or kind) if is_begin else ""
        elif inside:
            continue
        elif heading := _HEADING.match(line):
            tags += (heading["tags"] or "").split(":")
            shown = _LINK.sub(lambda link: link[2] or link[1], heading["title"]).strip()
            headings += [(start, len(heading["stars"]), shown)] if shown else []
        elif setting := _SETTING.match(line):
            if setting["name"].lower() == "title":
                title = title or setting["value"].strip()
            elif setting["name"].lower() in ("filetags", "keywords", "category"):
                tags += re.split(r"[:\s,]+", setting["value"])
    links = [link[1] for link in itertools.islice(_LINK.finditer(text), _MAX_PROPERTIES)]
    found = {"tags": list(dict.fromkeys(filter(None, tags)))[:_MAX_PROPERTIES], "links": list(dict.fromkeys(links))}
    return Parsed(
        decoded,
        title or (headings[0][2] if headings else name),
        nest(headings),
        properties={key: values for key, values in found.items() if values},
    )
