"""A document with its secrets masked: character for character and byte for byte as long as before.

So every section, page and line mark stays right, and a citation of the masked text opens at the same place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import orjson

from omni_pipelines.settings import Settings
from omni_pipelines.text.decoding import Decoded
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.secrets.assignments import assignments
from omni_pipelines.text.secrets.finding import Finding
from omni_pipelines.text.secrets.personal import PERSONAL
from omni_pipelines.text.secrets.tokens import tokens

NOTHING = "{}"
"""The column `findings` of a document in which nothing was found."""
DETECTOR = "secrets-1"
"""Name and version: documents searched by another one are read again."""
_SECRETS = "secret"
_SIGNS = "*·•𐄁"
"""What stands for a character, by the bytes it takes: one, two, three or four in UTF-8."""


@dataclass(frozen=True)
class Masking:
    """What is masked. Everything is looked for and counted all the same."""

    secrets: bool = True
    personal: frozenset[str] = frozenset()
    """Kinds of `PERSONAL`."""

    @property
    def fingerprint(self) -> str:
        """Detector and what is masked, as `secrets-1:card,iban,secret`."""
        names = {*self.personal, *([_SECRETS] if self.secrets else [])}
        return f"{DETECTOR}:{','.join(sorted(names))}"

    @classmethod
    def of(cls, fingerprint: str) -> Masking:
        """The masking that a document's row names."""
        names = set(fingerprint.partition(":")[2].split(","))
        return cls(_SECRETS in names, frozenset(names & PERSONAL.keys()))

    def masks(self, kind: str) -> bool:
        """Whether findings of a kind are masked."""
        return kind in self.personal if kind in PERSONAL else self.secrets


def is_current(stored: str, findings: str, masking: Masking) -> bool:
    """Whether a document would be masked the same today, given its columns `masking` and `findings`.

    If the current detector had found nothing, the settings make no difference.
    """
    same_detector = stored.startswith(f"{DETECTOR}:")
    return stored == masking.fingerprint or (same_detector and findings == NOTHING)


def masking_of(settings: Settings, source: str) -> Masking:
    """What is masked in the documents of a source."""
    own = settings.sources.get(source)
    secrets = own.mask_secrets if own is not None else None
    personal = own.mask_personal if own is not None else None
    return Masking(
        settings.mask_secrets if secrets is None else secrets,
        frozenset(settings.mask_personal if personal is None else personal),
    )


@dataclass(frozen=True)
class MaskedDocument:
    """A document without its secrets, and how many there were."""

    parsed: Parsed
    masking: Masking
    found: dict[str, int]
    """Kind to how many places, masked or not."""
    masked: int
    """Places that were masked."""

    @property
    def findings(self) -> str:
        """The kinds of secrets and how often each occurs, as JSON; it does not say where, or what they are."""
        return orjson.dumps(self.found, option=orjson.OPT_SORT_KEYS).decode()


def mask_document(parsed: Parsed, masking: Masking) -> MaskedDocument:
    """The document with everything masked that `masking` names: in its text, its title and its headings."""
    text, found, masked = _mask(parsed.text, masking, parsed.decoded.encoding if parsed.verbatim else "utf-8")
    titles = _Titles(masking)
    title = titles.masked(parsed.title)
    sections = tuple(
        Section(each.start, path) if (path := tuple(map(titles.masked, each.path))) != each.path else each
        for each in parsed.sections
    )
    found, masked = found | titles.found, max(masked, titles.count)
    if not masked:
        return MaskedDocument(parsed, masking, dict(found), 0)
    if parsed.verbatim:
        decoded = Decoded(text, parsed.decoded.encoding, parsed.decoded.bom_bytes)
        changed = replace(parsed, decoded=decoded, title=title, sections=sections)
    else:
        changed = replace(parsed, extracted=text, title=title, sections=sections)
    return MaskedDocument(changed, masking, dict(found), masked)


def masked_text(text: str, masking: Masking, encoding: str = "utf-8") -> str:
    """The text with everything masked that `masking` names, as long as it was in characters and bytes."""
    return _mask(text, masking, encoding)[0]


class _Titles:
    """Masks titles, each once: headings are repeated in the paths of those below them."""

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self._known: dict[str, str] = {}
        self.found: Counter[str] = Counter()
        self.count = 0

    def masked(self, title: str) -> str:
        if title not in self._known:
            self._known[title], found, count = _mask(title, self._masking, "utf-8")
            self.found += found
            self.count += count
        return self._known[title]


def _mask(text: str, masking: Masking, encoding: str) -> tuple[str, Counter[str], int]:
    findings = find(text)
    chosen = [each for each in findings if masking.masks(each.kind)]
    return _covered(text, chosen, encoding), Counter(each.kind for each in findings), len(chosen)


def find(text: str) -> list[Finding]:
    """Secrets and personal data in a text, in order; of two that overlap the secret, or the one that begins first."""
    secrets = list(_apart([*tokens(text), *assignments(text)]))
    personal = list(_apart(each for look in PERSONAL.values() for each in look(text)))
    return sorted([*secrets, *_beside(personal, secrets)], key=lambda each: each.start)


def _beside(findings: Iterable[Finding], others: Sequence[Finding]) -> Iterator[Finding]:
    """Those that overlap none of the others; both in order."""
    starts = [each.start for each in others]
    for each in findings:
        at = bisect_left(starts, each.end)
        if at == 0 or others[at - 1].end <= each.start:
            yield each


def _apart(findings: Iterable[Finding]) -> Iterator[Finding]:
    end = 0
    for each in sorted(findings, key=lambda each: (each.start, -each.end)):
        if each.start >= end:
            yield each
            end = each.end


def _covered(text: str, findings: Iterable[Finding], encoding: str) -> str:
    parts, at = [], 0
    signs = _Signs(encoding)
    for each in findings:
        parts += [text[at : each.start], signs.instead_of(text[each.start : each.end])]
        at = each.end
    return "".join([*parts, text[at:]]) if parts else text


class _Signs:
    """The signs that stand for characters in an encoding."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def instead_of(self, secret: str) -> str:
        return "".join(letter if letter.isspace() else self._sign(letter) for letter in secret)

    def _sign(self, letter: str) -> str:
        if letter.isascii():
            return _SIGNS[0]
        length = len(letter.encode(self._encoding, "surrogatepass"))
        return self._by_length.get(length, letter)

    @cached_property
    def _by_length(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for sign in _SIGNS:
            try:
                found.setdefault(len(sign.encode(self._encoding)), sign)
            except UnicodeEncodeError:
                continue
        return found
