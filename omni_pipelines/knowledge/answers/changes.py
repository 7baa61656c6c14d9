"""Answer what changed in a version by the lists and paragraphs below its heading, whatever words they have."""

import re
from collections.abc import Sequence

from omni_pipelines.knowledge.answers.composing import UnitKind
from omni_pipelines.knowledge.answers.definitions import FindHits, new_hits
from omni_pipelines.knowledge.answers.evidence import Question
from omni_pipelines.knowledge.answers.question import mentions, versions
from omni_pipelines.knowledge.answers.units import Unit, answer_units, context_of, headings_of, titles
from omni_pipelines.knowledge.search.hits import Hit

MAX_LISTS = 6
"""Lists and paragraphs that are quoted."""
_ASKED = re.compile(
    r"\b(?:chang(?:e[sd]?|elog)|(?:what(?:['\u2019]s| is| was| are)?|anything|something) new"
    r"|new(?: features)?(?= in\b)|release notes|neuerungen|änderungen|geändert|was ist neu)\b"
    r"|変更点|新機能|更新内容|变化|更新了|新功能",
    re.IGNORECASE,
)
_KIND = re.compile(r"\b(?:added|deprecated|removed|fixed)\b", re.IGNORECASE)
"""A kind of changes, which lists of changes have as a heading."""
_FILLERS = re.compile(r"\b(?:versions?|releases?|hat sich)\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:since|from|after|before|seit|von|nach|vor)\b", re.IGNORECASE)
"""Words of a question or a heading about other versions than the one that it names."""
_ZEROS = re.compile(r"(?:\.0)+$")
"""2.3 and 2.3.0 are the same version."""
_QUOTED = (UnitKind.LIST, UnitKind.PARAGRAPH, UnitKind.SENTENCE, UnitKind.ITEM, UnitKind.DEFINITION)
"""What a list of changes consists of. Of units inside one another, the outermost is quoted."""


def changed_version(question: str) -> str:
    """The version whose changes a question asks for: 2.3 in "what changed in 2.3?"; "" if it asks for none."""
    named = versions(question)
    is_asked = _ASKED.search(question) or _KIND.search(question)
    return named[0].removeprefix("v") if len(named) == 1 and is_asked and not _OTHERS.search(question) else ""


def find_changes(question: str, hits: Sequence[Hit], find: FindHits) -> list[Hit]:
    """Passages below the heading of the version that a question asks for, which are not among its hits."""
    version = changed_version(question)
    if not version:
        return []
    heading, short = _heading_of(version), _ZEROS.sub("", version)
    written = dict.fromkeys([version, short, f"{short}.0"])
    found = [hit for each in written for query in (each, f"v{each}") for hit in find(f'"{query}"')]
    return [hit for hit in new_hits(found, hits) if any(_is_below(unit, heading) for unit in answer_units(hit))]


def version_changes(question: Question) -> list[Unit]:
    """The lists and paragraphs below the heading of the version whose changes a question asks for, in order.

    What else the question names, such as the program, must be in their headings, title or path.
    """
    version = changed_version(question.text)
    if not version:
        return []
    heading = _heading_of(version)
    rest = _FILLERS.sub(" ", _ASKED.sub(" ", question.text)).replace(version, " ")
    named = [word for word in question.words.words if mentions(rest, word.surface)]

    def says_changes(unit: Unit) -> bool:
        if unit.kind not in _QUOTED or not _is_below(unit, heading):
            return False
        forms = question.forms(context_of(unit.hit, headings_of(unit)))
        return not any(word.forms.isdisjoint(forms) for word in named)

    below = [unit for own in question.units for unit in own if says_changes(unit)]
    whole = [unit for unit in below if not any(other is not unit and other.contains(unit) for other in below)]
    documents = list(dict.fromkeys(unit.hit.doc_id for unit in whole))
    whole.sort(key=lambda unit: (documents.index(unit.hit.doc_id), unit.hit.start_byte, unit.ranges))
    return whole[:MAX_LISTS]


def _heading_of(version: str) -> re.Pattern[str]:
    """How the heading of a version begins: `[2.3.0] - 2024-05-21`, `What's new in Python 3.11`."""
    short = re.escape(_ZEROS.sub("", version))
    return re.compile(rf"\W*(?:[^\W\d][\w'\u2019]*\W+){{0,5}}?v?{short}(?:\.0)*(?!\.?\w|-[a-z])", re.IGNORECASE)


def _is_below(unit: Unit, heading: re.Pattern[str]) -> bool:
    """Whether one of the headings above a unit is that of a version, and not about other versions."""
    return any(heading.match(title) and not _OTHERS.search(title) for title in titles(headings_of(unit)))
