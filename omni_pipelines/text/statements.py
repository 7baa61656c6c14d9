"""Statements: what a text says, split and compared word by word, in English and German.

Figures, names and relations must be equal; other words may be inflected, and those that say little may differ.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Stem = Callable[[str], Sequence[str]]
"""A text to its content words, stemmed."""
SUBJECT_WORDS = 3
"""Words at the beginning of a statement that the next one may refer to."""
MAX_TERM_LENGTH = 60
"""Characters of a term that a colon separates from its definition."""
NUMBER_WORDS = {
    word: str(number)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    )
    for number, word in enumerate(words.split())
}
"""English and German words for small numbers, to their digits."""
MIN_PREFIX = 4
"""Letters in common that make two words one, as in `week` and `weekly`."""
_ALIKE = {
    form: forms.split("/")[0]
    for forms in (
        "buy/bought keep/kept lose/lost/loss send/sent make/made run/ran take/took/taken write/wrote/written "
        "begin/began/begun begin/start begin/starts begin/started give/gave/given find/found hold/held pay/paid "
        "build/built leave/left set/sets get/got leave/leaves choose/chose/chosen say/said mean/meant grow/grew/grown"
    ).split()
    for form in forms.split("/")[1:]
}
"""Irregular forms, and words that mean the same, to the form that is compared."""
_SLIGHT = frozenset(
    "a an the this that these those it its they them their there he she his her you your we our i one ones of in on "
    "at to for from by with as and or so if when while where which who whose what how be is are was were been being "
    "am do does did done has have had having can could may might must should shall will would than then once each "
    "every also get gets given happen happens called call named following use used uses using set setting value "
    "values occur occurs need needs needed require requires allow allows mean means say says state states include "
    "includes last lasts take takes during within about between into per such thing way case possible able der die "
    "das den dem des ein eine einen einem einer eines und oder ist sind war wird werden kann können muss müssen hat "
    "haben sich es sie er im zum zur von mit für auf bei aus nach als auch man wenn dass".split()
)
"""Words that may differ: a claim does not say more by them."""
_RELATIONS = frozenset(
    "above below before after under over until more less most least longer shorter larger smaller faster slower "
    "higher lower earlier later first last next both only all any always north south east west left right up down "
    "default über unter vor nach mehr weniger nur alle immer zuerst zuletzt".split()
)
"""Words that change a statement if they stand in another clause of it."""
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"-{0,2}[^\W_]+(?:[-_.'\u2019:,][^\W_]+)*")
_IDENTIFIER = re.compile(r"[^\W\d_]*[a-zß-ÿ][A-ZÄ-Þ]|.*[_\d]|-|[A-ZÄ-Þ]{2}")
_ENDS = (".", ":", "!", "?", ";")
STATEMENT = re.compile(r"[.;!?](?=\s|$)|\n|,?\s(?=(?:but|aber|sondern)\s)")
_REFERENCE = re.compile(
    r"^(?:but|and|or|aber|und|oder)\b"
    r"|\b(?:it|its|they|them|their|these|those|this|one|ones|er|sie|es|ihn|ihr|diese\w*)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(rf"{STATEMENT.pattern}|,\s|\s(?=(?:and|or|unless|und|oder)\s)")
NEGATION = re.compile(
    r"\b(?:[Nn]ot|[Nn]o|[Nn]ever|none|[Nn]obody|[Nn]othing|[Nn]either|nor|cannot|[Nn]icht|[Kk]ein\w*|[Nn]ie"
    r"|[Nn]iemals)\b|n['\u2019]t\b"
)
"""`None` is left out because it is a value in programs, `without` because it denies less than the clause."""


@dataclass(frozen=True)
class Word:
    """A word of a text as it is compared."""

    text: str
    """In lower case, numbers as digits, irregular forms as their stem."""
    stems: frozenset[str]
    is_anchor: bool
    """Whether it is a figure, a name or a relation, which must be the same word."""


Statement = tuple[str, list[Word]]
"""The text of a statement and its words."""


def read_words(text: str, stem: Stem) -> list[Word]:
    """The words of a text, as they are compared."""
    words = []
    for match in _WORD.finditer(text):
        raw = match[0].rstrip("-_.'\u2019:,")
        plain = NUMBER_WORDS.get(raw.lower(), raw.lower())
        plain = _ALIKE.get(plain, plain)
        is_name = raw.lower() != raw and match.start() > 0 and not text[: match.start()].rstrip().endswith(_ENDS)
        is_anchor = bool(_FIGURE.match(plain) or is_name or _IDENTIFIER.match(raw) or plain in _RELATIONS)
        words.append(Word(plain, frozenset(stem(plain)), is_anchor))
    return words


def split(pattern: re.Pattern[str], text: str) -> list[str]:
    """The parts of a text between matches, those with a word."""
    return [each.strip() for each in pattern.split(text) if _WORD.search(each)]


def topic(unit: str) -> str:
    """What all statements of a unit are about: its first line, as of a table or a list, or a term before a colon."""
    line, _, rest = unit.partition("\n")
    term, _, definition = line.partition(": ")
    return line if rest else term if definition and len(term) <= MAX_TERM_LENGTH else ""


def is_stated(words: Sequence[Word], statements: Sequence[Statement], about: Sequence[Word]) -> bool:
    """Whether one statement of the unit has all words that say something.

    A statement that refers back, as "It is cleaned every week", also has the subject of the one before.
    """
    said = [word for word in words if not is_slight(word)]
    before: Sequence[Word] = ()
    for text, found in statements:
        subject = before[:SUBJECT_WORDS] if _REFERENCE.search(text) else ()
        if all(is_in(word, [*found, *about, *subject]) for word in said):
            return True
        before = [word for word in found if not is_slight(word)]
    return False


def is_slight(word: Word) -> bool:
    """Whether a word says so little that a claim may have it on its own."""
    return word.text in _SLIGHT and not word.is_anchor


def is_in(word: Word, present: Sequence[Word]) -> bool:
    """Whether a word is among others, perhaps inflected."""
    return any(_are_one(word, other) for other in present)


def _are_one(word: Word, other: Word) -> bool:
    if word.text == other.text or (word.stems and word.stems <= other.stems):
        return True
    if word.is_anchor or other.is_anchor:
        return False
    length = min(len(word.text), len(other.text))
    return (
        length >= MIN_PREFIX and word.text[: max(MIN_PREFIX, length - 2)] == other.text[: max(MIN_PREFIX, length - 2)]
    )


def share(words: Sequence[Word], present: Sequence[Word]) -> float:
    """The share of words that are among others."""
    return sum(is_in(word, present) for word in words) / len(words) if words else 1.0


def keeps_measures(words: Sequence[Word], present: Sequence[Word]) -> bool:
    """Whether each figure of the claim stands before the same word as in the unit: 8 metres are not 8 tonnes."""
    found = {(one.text, stem) for one, other in itertools.pairwise(present) for stem in other.stems}
    for figure, measure in itertools.pairwise(words):
        if _FIGURE.match(figure.text) and not is_slight(measure) and measure.stems:
            measures = {stem for text, stem in found if text == figure.text}
            if measures and not measure.stems & measures:
                return False
    return True
