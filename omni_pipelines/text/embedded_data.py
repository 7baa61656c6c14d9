"""Find the data of pictures and other files in a text, as base64: nobody searches it, and no chunk holds it."""

import re
from collections.abc import Iterator

from omni_pipelines.text.sentences import Range

_ALPHABET = "A-Za-z0-9+/_-"
_ADDRESS = r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.+-]+)*+"
_LINE = rf"(?:[ \t>|]*+[{_ALPHABET}]{{60,76}}+[\",]?[ \t]*(?:\r\n|\n|\r))"
_MIN_RUN = 512
_DATA = re.compile(
    rf"{_ADDRESS};base64,\s*+[%={_ALPHABET}]{{64,}}+"
    rf"|{_ADDRESS},[^\s\"'()<>\\]{{256,}}+"
    rf"|(?<![{_ALPHABET}])[{_ALPHABET}]{{{_MIN_RUN},}}+={{0,2}}"
    rf"|(?:(?<=\n)|(?<=\r)){_LINE}{{16,}}+"
    rf"(?:[ \t>|]*+[{_ALPHABET}]{{1,76}}={{0,2}}[ \t]*(?=[\r\n]|\Z))?"
)
"""An address that contains its data; a long run without an address; lines of the same length, as in mails."""
_STARTS = re.compile(rf"{_ADDRESS},(?:\s*+[%={_ALPHABET}]{{64}}|[^\s\"'()<>\\]{{256}})")
_LINES = [re.compile(f"{sign}{_LINE}{{16}}") for sign in "\n\r"]
_STEP = 16
_SAMPLES = re.compile(rf"[{_ALPHABET}]{{{_MIN_RUN // _STEP},}}+")
"""What a run leaves of every 16th character of a text."""
_RUN = re.compile(rf"[{_ALPHABET}]{{{_MIN_RUN}}}")
_SIGNS_AFTER = re.compile(r"[\"')\]>}\s,;\\]*")
_DIGIT, _UPPER, _LOWER = (re.compile(letters) for letters in ("[0-9]", "[A-Z]", "[a-z]"))
_SHOWN = 512


def data_ranges(text: str) -> Iterator[Range]:
    """The ranges of such data in order, with the closing signs and blanks after it."""
    if not _may_have_data(text):
        return
    for found in _DATA.finditer(text):
        begin = text[found.start() : found.start() + _SHOWN]
        if begin.startswith("data:") or (_is_mixed(begin) and _has_one_width(found[0])):
            after = _SIGNS_AFTER.match(text, found.end())
            yield found.start(), after.end() if after else found.end()


def _may_have_data(text: str) -> bool:
    """Whether a part of `_DATA` can match: a tenth of the time of looking for all of them at each character."""
    if any(pattern.search(text) is not None for pattern in (_STARTS, *_LINES)):
        return True
    around = ((max(found.start() - 1, 0) * _STEP, found.end() * _STEP) for found in _SAMPLES.finditer(text[::_STEP]))
    return any(_RUN.search(text, start, end) is not None for start, end in around)


def _is_mixed(begin: str) -> bool:
    """Whether it has digits and letters of both cases, as sequences of genes or long names do not."""
    return all(kind.search(begin) is not None for kind in (_DIGIT, _UPPER, _LOWER))


def _has_one_width(data: str) -> bool:
    """Whether all lines but the last have the same length, as lists of names do not."""
    return len({len(line.strip()) for line in data.splitlines()[:-1]}) <= 1


def without_data(ranges: list[Range], start: int, end: int) -> Iterator[Range]:
    """The parts of a range that lie between the ranges of data, which are in order."""
    for first, last in ranges:
        if last <= start:
            continue
        if first >= end:
            break
        if first > start:
            yield start, first
        start = max(start, last)
    if start < end:
        yield start, end
