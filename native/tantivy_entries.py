"""Entries of the keyword index, and what Tantivy gets of each: to find the words of their texts costs most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from native import tantivy_analysis as analysis
from native.filters import MODIFIED
from native.tantivy_keys import SIGN_OFFSET
from native.word_forms import character_pairs, identifier_parts, inner_names, joined, normal, words

LANGUAGE = "language"
"""The filter that says how a text is analyzed."""
_HASH = re.compile("[0-9a-f]{32}")
_KEPT_TEXTS = 4
"""Texts whose analysis is kept: each is the text of one entry and around two others."""


@dataclass(frozen=True)
class KeywordEntry:
    """What is indexed of one chunk."""

    key: str
    fingerprint: str
    """Changes if anything below changes. Comparing it with the table shows which entries to write again."""
    text: str
    context: str
    """Title, heading, path, and what the document is: its source, and its language if it is code."""
    filters: Mapping[str, str]
    around: tuple[str, ...] = ()
    """The text between the texts before and after it. For a short document that is the whole document."""
    day: int = 1
    """Day of the last change, in UTC, as `date.toordinal` counts."""
    fields: Mapping[str, str | int] = field(default_factory=dict)
    """What Tantivy gets of it, once it is analyzed."""


def analyzed(entries: Iterable[KeywordEntry]) -> Iterator[KeywordEntry]:
    """The entries with their `fields`; those that have them already are not analyzed again.

    They keep no text besides, so they can be sent to another process at less cost.
    """
    for entry in entries:
        yield entry if entry.fields else _analyzed_entry(entry)


def _analyzed_entry(entry: KeywordEntry) -> KeywordEntry:
    language = entry.filters.get(LANGUAGE, "")
    text, separated, terms = _analyze(entry.text, language)
    above = words(normal(entry.context))
    context = analysis.terms(analysis.stems(above, language))
    around = [_analyze(piece, language).terms for piece in entry.around or (entry.text,)]
    fields: dict[str, str | int] = {
        "key": entry.key,
        **_key_halves(entry.key),
        "fingerprint": entry.fingerprint,
        analysis.PASSAGE: " ".join((context, terms, analysis.terms(" ".join(identifier_parts(text))))),
        analysis.AROUND: " ".join((*around, context)),
        analysis.SPELLINGS: analysis.other_spellings(
            f"{above} {separated}", (*joined(text), *dict.fromkeys(inner_names(text))), language
        ),
        "pairs": " ".join(character_pairs(text)),
        **entry.filters,
        MODIFIED: entry.day,
    }
    return KeywordEntry(entry.key, entry.fingerprint, "", "", {}, fields=fields)


class _Analyzed(NamedTuple):
    """A text in its normal form, and its words and terms, separated by spaces."""

    text: str
    words: str
    terms: str


@lru_cache(_KEPT_TEXTS)
def _analyze(text: str, language: str) -> _Analyzed:
    text = normal(text)
    separated = words(text)
    return _Analyzed(text, separated, analysis.terms(analysis.stems(separated, language)))


def _key_halves(key: str) -> dict[str, int]:
    """A key that is a hash as two signed integers, the only ones that Tantivy's columns take; {} for another key."""
    if not _HASH.fullmatch(key):
        return {}
    halves = (int(key[:16], 16) - SIGN_OFFSET, int(key[16:], 16) - SIGN_OFFSET)
    return dict(zip(analysis.KEY_HALVES, halves, strict=True))
