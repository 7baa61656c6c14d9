"""Join words that a hyphen cuts at the end of a line, so that they can be found: the word is put on its first line.

A word that is always written with a hyphen keeps it. The other words of the document tell which it is, else the usual
first and last parts of English compounds; words of other languages mostly lose it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from omni_pipelines.text.layout.page_layout import PageLine

_END = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]$")
_LAST_WORD = re.compile(r"[\w'’-]*$")  # noqa: RUF001
_FIRST_WORD = re.compile(r"[\w'’-]*")  # noqa: RUF001
_WORD = re.compile(r"\w[\w'’-]*\w|\w")  # noqa: RUF001
_FIRST_PARTS = frozenset(
    "all anti built client cost cross data decision ex first full half hard high ill inter large long low mid middle "
    "multi near never non object old one open out part post pre pro quasi real second self semi server short single "
    "small so state sub super third three time two ultra user vice well wide world zero".split()
)
_LAST_PARTS = frozenset(
    "art aware based bit date dimensional driven end established fold free friendly handed independent known level "
    "like looking made minded off oriented out party quality range related scale sensitive specific standing step "
    "style term time wide".split()
)


def words_of(texts: Iterable[str]) -> set[str]:
    """The words of texts in lower case, with their hyphens."""
    found: set[str] = set()
    for text in texts:
        found.update(_WORD.findall(text.lower()))
    return found


def join_cut_words(lines: Sequence[PageLine], known: set[str]) -> None:
    """Join the words that are cut between two lines, which follow each other. `known` are the document's words."""
    for number, line in enumerate(lines[:-1]):
        cut = _END.search(line.text)
        if not line.is_cut and cut is None:
            continue
        following = lines[number + 1]
        text = line.text[: cut.start()] if cut is not None else line.text
        rest = following.text.partition(" ")
        second = _FIRST_WORD.match(rest[0])
        first = _LAST_WORD.search(text)
        if first is None or second is None or not second[0][:1].islower() or not first[0]:
            line.text = f"{text}-"
            continue
        is_address = "://" in text.rpartition(" ")[2]
        hyphen = "-" if is_address or _has_hyphen(first[0].lower(), second[0].lower(), known) else ""
        line.text = f"{text}{hyphen}{rest[0]}"
        following.text = rest[2]
        if following.is_cut and not following.text:
            line.is_cut, following.is_cut = True, False


def _has_hyphen(first: str, second: str, known: set[str]) -> bool:
    if first + second in known:
        return False
    if f"{first}-{second}" in known:
        return True
    # nobody cuts a word after its first letter
    return "-" in first or len(first) == 1 or first in _FIRST_PARTS or second in _LAST_PARTS
