"""What a question asks: its words with their weights in the corpus, and the kind of answer it wants."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from native.query_words import QueryWord


class Asked(StrEnum):
    """The kind of answer that a question wants."""

    PERSON = "who"
    TIME = "when"
    NUMBER = "how many"
    PLACE = "where"
    DEFINED = "where defined"
    DEFAULT = "default"
    REASON = "why"
    STEPS = "how to"
    ANY = "any"


_ASKED: tuple[tuple[Asked, tuple[str, ...]], ...] = (
    (
        Asked.DEFINED,
        (
            r"\bwhere\b.*\b(?:defined|implemented|declared)\b",
            r"\bwhich (?:file|module|class)\b.*\b(?:defines?|implements?|declares?|contains?)\b",
            r"\bwo\b.*\bdefiniert\b",
        ),
    ),
    (Asked.DEFAULT, (r"\bdefaults?\b", r"\b(?:standard|vorgabe)(?:wert|m\w+ig)?\b", "デフォルト|既定|默认")),
    (
        Asked.PERSON,
        (
            r"\b(?:who|whom|whose)\b",
            r"\bwhich (?:person|author|maintainer|company|team)\b",
            r"\bwe[rmn]\b(?!n)",
            "誰|谁",
        ),
    ),
    (
        Asked.TIME,
        (
            r"^when\b",
            r"\bwhen (?:is|was|were|do|does|did|will|can|must|should)\b",
            r"\b(?:what|which) (?:year|date|day|month|release|version)\b",
            r"\bsince (?:when|which)\b|\bby when\b",
            r"\bwann\b|\bwelche[rmsn]? (?:jahr|datum|version)\b",
            "いつ|何年|什么时候|哪一年",
        ),
    ),
    (
        Asked.NUMBER,
        (
            r"\bhow (?:many|much|long|often|old|large|big|fast|far|high|deep)\b",
            r"\b(?:what|which) (?:\w+ ){0,2}(?:number|port|size|limit|maximum|minimum|percentage|amount)\b",
            r"\b(?:what|which) (?:\w+ ){0,2}(?:price|cost|rate|length|timeout|exit code|status)\b",
            r"\bwie ?(?:viele?|lange|oft|gro\w+|hoch)\b",
            r"\bwelche[rnms]? (?:port|nummer|gr\w+e|grenze)\b",
            "いくつ|何個|多少|几",
        ),
    ),
    (
        Asked.PLACE,
        (
            r"\bwhere\b|\bwohin\b|\bwo\b",
            r"\bin which (?:file|directory|folder|place|city|country)\b",
            "どこ|哪里|哪儿",
        ),
    ),
    (Asked.REASON, (r"\bwhy\b|\bwarum\b|\bwieso\b|\bweshalb\b", "なぜ|为什么")),
    (
        Asked.STEPS,
        (
            r"\bhow (?:do|can|to|should|would|does one)\b",
            r"\bwie (?:kann|wird|installier\w*|macht|geht|l\w+sst)\b",
            "どうやって|方法|如何|怎么",
        ),
    ),
)
_PATTERNS = tuple((asked, re.compile("|".join(patterns), re.IGNORECASE)) for asked, patterns in _ASKED)
_MONTHS = (
    r"\b(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sep(?:tember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\b"
)
_ANSWERS: dict[Asked, tuple[str, ...]] = {
    Asked.PERSON: (
        r"(?-i:\b[A-ZÄÖÜ][\w.-]+ (?:(?:van|von|de) )?[A-ZÄÖÜ][\w-]+)",
        r"\b(?:author|maintain\w*|written|created|developed|owner|manager|team|lead|officer|administrator|department)\b",
        r"\bby\b|@\w|さん|氏",
    ),
    Asked.TIME: (
        r"\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{1,2}:\d\d\b",
        _MONTHS,
        r"\bversions?\s+\d|\b\d+\.\d+",
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
        r"\b(?:after|before|until|within|every|once|as soon as|during|if|when)\b|年|月",
    ),
    Asked.NUMBER: (
        r"\d",
        r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|million|half|twice|once)\b",
        r"\b(?:no limit|unlimited|infinite)\b",
        r"\b(?:eine?[nrms]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn)\b|[一二三四五六七八九十百千]",
    ),
    Asked.PLACE: (
        r"[/\\]\w|\w\.\w{1,4}\b",
        r"\b(?:in|at|on|under|from|inside|im|unter|auf)\b|ディレクトリ|目录|に",
    ),
    Asked.DEFAULT: (
        r"\bdefaults?\b|=\s*\S|\botherwise\b|\bif (?:not|omitted|none)\b",
        r"\bstandard\w*\b|\bvorgabe\w*\b|デフォルト|既定|默认",
    ),
    Asked.REASON: (
        r"\b(?:because|since|so that|due to|therefore|as a result|in order to|otherwise|reason)\b",
        r"\bto (?:avoid|prevent|ensure|allow|keep)\b",
        r"\b(?:weil|da|damit|deshalb|denn|um)\b|ため|ので|因为",
    ),
}
_ANSWERED = {asked: re.compile("|".join(patterns), re.IGNORECASE) for asked, patterns in _ANSWERS.items()}
Terms = Callable[[str], Sequence[str]]
"""A text to its content words, stemmed as in an English document."""
_FIGURE = re.compile(r"(?<![\w.])\d[\d.,]*\d|(?<![\w.])\d")
_NEGATION = re.compile(r"\b(?:not|never|no|without|cannot|nicht|kein\w*|ohne|nie)\b|n't\b", re.IGNORECASE)


def asked_kind(question: str) -> Asked:
    """The kind of answer that the words of a question ask for."""
    return next((asked for asked, pattern in _PATTERNS if pattern.search(question)), Asked.ANY)


def answers_kind(asked: Asked, text: str) -> float:
    """1 if a text has something of the asked kind, -1 if not, 0 if any text may answer."""
    pattern = _ANSWERED.get(asked)
    if pattern is None:
        return 0.0
    return 1.0 if pattern.search(text) else -1.0


def figures(text: str) -> set[str]:
    """The numbers of a text."""
    return set(_FIGURE.findall(text))


def is_negated(text: str) -> bool:
    """Whether a text denies something."""
    return _NEGATION.search(text) is not None


@dataclass(frozen=True)
class WeightedWords:
    """The words of a question, weighted by how rare they are in the corpus."""

    words: tuple[QueryWord, ...]
    weights: tuple[float, ...]
    """BM25's inverse document frequency, as a share of their sum."""

    @classmethod
    def of(cls, words: Sequence[QueryWord], entries: int) -> "WeightedWords":
        """Weigh words by the number of entries that contain them, out of all entries."""
        raw = [math.log1p((max(entries - word.count, 0) + 0.5) / (word.count + 0.5)) for word in words]
        total = sum(raw)
        return cls(tuple(words), tuple(weight / total for weight in raw) if total else ())

    def coverage(self, forms: set[str]) -> float:
        """The share of the words, by weight, that have a form among `forms`, 0 to 1."""
        pairs = zip(self.words, self.weights, strict=True)
        return sum(weight for word, weight in pairs if not word.forms.isdisjoint(forms))

    def missing(self, forms: set[str]) -> list[tuple[QueryWord, float]]:
        """The words without a form among `forms`, with their weights, heaviest first."""
        pairs = zip(self.words, self.weights, strict=True)
        absent = [(word, weight) for word, weight in pairs if word.forms.isdisjoint(forms)]
        return sorted(absent, key=lambda pair: -pair[1])
