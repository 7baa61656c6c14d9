"""Words that every subject shares: that no source has them says little about what the sources lack."""

from collections.abc import Iterable

from native.word_forms import character_pairs

_VERBS = (
    "use make take give come become go get keep put try help need want work happen mean call know think say tell "
    "show explain describe look see find learn understand deal seem like prefer matter wonder ask answer"
).split()
_ENGLISH = (
    "made took taken gave given came gone got getting putting kept said told shown saw seen found knew known "
    "thought understood meant tries tried dealt possible able certain sure good better best bad worse worst right "
    "wrong easy easier easily easiest simple simply different differently difference differences same proper "
    "properly correct correctly own other others another actually exactly usually normally currently really "
    "already still just only even ever again instead yet always sometimes often maybe quickly together much many "
    "more most few fewer less least several any each every all both way ways thing things kind kinds "
    "case cases example examples reason purpose meaning stuff lot lots someone anyone everyone somebody anybody "
    "something anything nothing everything people nobody none nowhere somewhere anywhere everywhere somehow anymore "
    "one ones too also since until unless although though while whether"
).split()
_GERMAN = (
    "benutzen benutze benutzt verwenden verwende verwendet nutzen nutze nutzt machen mache macht gemacht gehen "
    "geht funktioniert funktionieren brauchen brauche braucht tun tut gibt geben heißt heißen bedeutet bedeuten "
    "lassen lässt möchte möchten will wollen soll sollte sollen würde würden könnte könnten unterschied "
    "unterschiede beispiel beispiele besten besser richtig eigentlich genau möglich jemand etwas "
    "alles immer"
).split()
_INFLECTED = (f"{verb.removesuffix('e')}{ending}" for verb in _VERBS for ending in ("", "e", "s", "es", "ed", "ing"))
_COMMON = frozenset((*_INFLECTED, *_ENGLISH, *_GERMAN))


def is_common(surface: str) -> bool:
    """Whether a word is one that every subject shares."""
    return surface.casefold() in _COMMON


def named_words(surfaces: Iterable[str]) -> tuple[str, ...]:
    """The words that say something about a subject. Pairs of characters that overlap are one word: 東大, 大寺."""
    joined: list[str] = []
    for surface in surfaces:
        if joined and list(character_pairs(surface)) == [surface] and joined[-1][-1] == surface[0]:
            joined[-1] += surface[1]
        else:
            joined.append(surface)
    return tuple(word for word in joined if not is_common(word))
