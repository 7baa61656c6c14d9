"""Subtitles (srt and vtt): what is said, with the time of each cue; without numbers, formats and positions."""

import html
import re

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line

_TIME = r"(?:(?P<{0}hours>\d{{1,3}}):)?(?P<{0}minutes>\d\d):(?P<{0}seconds>\d\d)[.,]\d{{1,3}}"
_CUE = re.compile(rf"[ \t]*{_TIME.format('')}[ \t]+-->[ \t]+{_TIME.format('end_')}")
_SPEAKER = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]+)>")
_FORMAT = re.compile(r"</?[a-zA-Z][^>]*>|<\d[^>]*>|\{\\[^}]*\}")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: each cue is a line such as `0:01:05 They swim.`; what follows at once is not repeated."""
    decoded = decode(raw)
    extraction = Extraction()
    lines = split_lines(decoded.text)
    last, time, first, said = "", "", 0, list[str]()
    for number, line in enumerate([*lines, ""], 1):
        if found := _CUE.match(line):
            time, first, said = _shown_time(found), number, []
        elif line.strip() and time:
            said.append(line)
        elif time:
            text = one_line(html.unescape(_FORMAT.sub("", _SPEAKER.sub(r"\1: ", " ".join(said)))))
            if text and text != last:
                extraction.block(f"{time} {text}", apart=False, line=first)
                last = text
            time = ""
    if not extraction.length and decoded.text.strip() and not any(map(_CUE.match, lines)):
        raise Unreadable(RefusalCode.PARSE, "not subtitles: it has no times such as 00:01:05,000 --> 00:01:07,000")
    title = _SPEAKER.sub("", lines[0].partition("WEBVTT")[2]) if lines and lines[0].startswith("WEBVTT") else ""
    return extraction.parsed(name, title.strip(" -\t"))


def _shown_time(found: re.Match[str]) -> str:
    return f"{int(found['hours'] or 0)}:{found['minutes']}:{found['seconds']}"
