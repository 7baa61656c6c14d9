"""Mask the secrets of a document without changing its length in characters or in bytes.

Sections, pages and line marks therefore stay valid, and a citation of the masked text opens at the same position.
"""

from __future__ import annotations

import contextlib
import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from omni_pipelines.settings import Settings
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.secrets.assignments import assignments
from omni_pipelines.text.secrets.finding import Finding
from omni_pipelines.text.secrets.personal import PERSONAL, personal_data
from omni_pipelines.text.secrets.vendor_tokens import vendor_tokens

NO_FINDINGS = "{}"
"""The column `findings` of a document in which nothing was found."""
DETECTOR = "secrets-3"
"""Name and version: documents that another version searched are read again."""
_SECRETS = "secret"
_APART = "\n" * 8
"""Between texts that are searched together: no detector reads on after so many line ends."""
_MASK_CHARACTERS = "*·•𐄁"
"""They take one, two, three and four bytes in UTF-8; each replaces characters of its own length."""


@dataclass(frozen=True)
class Masking:
    """What is masked. Whatever the options, everything is searched and counted."""

    secrets: bool = True
    personal: frozenset[str] = frozenset()
    """Kinds of `PERSONAL`."""

    @property
    def fingerprint(self) -> str:
        """The detector and what is masked, such as `secrets-3:card,iban,secret`."""
        names = {*self.personal, *([_SECRETS] if self.secrets else [])}
        return f"{DETECTOR}:{','.join(sorted(names))}"

    @classmethod
    def of(cls, fingerprint: str) -> Masking:
        """The masking with this fingerprint."""
        names = set(fingerprint.partition(":")[2].split(","))
        return cls(_SECRETS in names, frozenset(names.intersection(PERSONAL)))

    def masks(self, kind: str) -> bool:
        """Whether findings of a kind are masked."""
        return kind in self.personal if kind in PERSONAL else self.secrets


def is_masking_current(stored: str, findings: str, masking: Masking) -> bool:
    """Whether masking a document again would change nothing, by its columns `masking` and `findings`.

    If the current detector found nothing, the options do not matter.
    """
    is_same_detector = stored.startswith(f"{DETECTOR}:")
    return stored == masking.fingerprint or (is_same_detector and findings == NO_FINDINGS)


def masking_of(settings: Settings, source: str) -> Masking:
    """What is masked in the documents of a source: its own settings, else those for all sources."""
    own = settings.sources.get(source)
    secrets = settings.mask_secrets if own is None or own.mask_secrets is None else own.mask_secrets
    personal = settings.mask_personal if own is None or own.mask_personal is None else own.mask_personal
    return Masking(secrets, frozenset(personal))


@dataclass(frozen=True)
class MaskedDocument:
    """A document after masking."""

    parsed: Parsed
    masking: Masking
    found: dict[str, int]
    """Kind to the number of findings, masked or not."""
    masked: int
    """Number of findings that were masked."""

    @property
    def findings(self) -> str:
        """Kinds of findings and how often each occurs, as JSON; neither where they are, nor what."""
        return orjson.dumps(self.found, option=orjson.OPT_SORT_KEYS).decode()


def mask_document(parsed: Parsed, masking: Masking) -> MaskedDocument:
    """Mask the text, the title and the headings of a document."""
    text, found, masked = _mask(parsed.text, masking, parsed.decoded.encoding if parsed.verbatim else "utf-8")
    titles = _masked_titles(parsed, masking)
    found |= sum((found_in_title for _, found_in_title, _ in titles.values()), Counter[str]())
    masked = max(masked, sum(masked_in_title for _, _, masked_in_title in titles.values()))
    if not masked:
        return MaskedDocument(parsed, masking, dict(found), 0)
    if titles:
        parsed = _with_titles(parsed, {name: title for name, (title, _, _) in titles.items()})
    if parsed.verbatim:
        changed = replace(parsed, decoded=replace(parsed.decoded, text=text))
    else:
        changed = replace(parsed, extracted=text)
    return MaskedDocument(changed, masking, dict(found), masked)


def _masked_titles(parsed: Parsed, masking: Masking) -> dict[str, tuple[str, Counter[str], int]]:
    """The title, headings and properties, as `_mask` returns them; empty if nothing is found in any of them."""
    values = itertools.chain.from_iterable(parsed.properties.values())
    # a heading is in the paths of all below it
    names = dict.fromkeys([parsed.title, *values, *(name for section in parsed.sections for name in section.path)])
    if not find_sensitive(_APART.join(names)):
        return {}
    return {name: _mask(name, masking, "utf-8") for name in names}


def _with_titles(parsed: Parsed, titles: Mapping[str, str]) -> Parsed:
    """A document with other titles, headings and properties."""
    sections = tuple(
        Section(section.start, path)
        if (path := tuple(titles[name] for name in section.path)) != section.path
        else section
        for section in parsed.sections
    )
    properties = {name: [titles[each] for each in values] for name, values in parsed.properties.items()}
    return replace(parsed, title=titles[parsed.title], sections=sections, properties=properties)


def masked_text(text: str, masking: Masking, encoding: str = "utf-8") -> str:
    """Mask a text; its length in characters and in bytes of `encoding` does not change."""
    return _mask(text, masking, encoding)[0]


def _mask(text: str, masking: Masking, encoding: str) -> tuple[str, Counter[str], int]:
    findings = find_sensitive(text)
    chosen = [finding for finding in findings if masking.masks(finding.kind)]
    return _covered(text, chosen, encoding), Counter(finding.kind for finding in findings), len(chosen)


def find_sensitive(text: str) -> list[Finding]:
    """Secrets and personal data in a text, in order. Of two that overlap, the secret counts, else the first one."""
    secrets = list(_without_overlaps([*vendor_tokens(text), *assignments(text)]))
    personal = list(_without_overlaps(personal_data(text)))
    return sorted([*secrets, *_outside(personal, secrets)], key=lambda finding: finding.start)


def _outside(findings: Iterable[Finding], others: Sequence[Finding]) -> Iterator[Finding]:
    """The findings that overlap none of the others; both are in order."""
    starts = [other.start for other in others]
    for finding in findings:
        index = bisect_left(starts, finding.end)
        if index == 0 or others[index - 1].end <= finding.start:
            yield finding


def _without_overlaps(findings: Iterable[Finding]) -> Iterator[Finding]:
    end = 0
    for finding in sorted(findings, key=lambda finding: (finding.start, -finding.end)):
        if finding.start >= end:
            yield finding
            end = finding.end


def _covered(text: str, findings: Iterable[Finding], encoding: str) -> str:
    """Replace the findings by mask characters that take as many bytes in the encoding; whitespace stays."""
    parts, end = [], 0
    for finding in findings:
        secret = text[finding.start : finding.end]
        parts += [text[end : finding.start], *(_mask_character(letter, encoding) for letter in secret)]
        end = finding.end
    return "".join([*parts, text[end:]]) if parts else text


def _mask_character(letter: str, encoding: str) -> str:
    if letter.isspace() or letter.isascii():
        return letter if letter.isspace() else _MASK_CHARACTERS[0]
    return _masks_by_length(encoding).get(len(letter.encode(encoding, "surrogatepass")), letter)


@lru_cache
def _masks_by_length(encoding: str) -> dict[int, str]:
    masks: dict[int, str] = {}
    for character in _MASK_CHARACTERS:
        with contextlib.suppress(UnicodeEncodeError):
            masks.setdefault(len(character.encode(encoding)), character)
    return masks
