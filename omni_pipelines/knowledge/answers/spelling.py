"""Misspelt words of a question, and what they are read as."""

import difflib
import re
from collections.abc import Iterable, Sequence

from native.query_words import QueryWord
from omni_pipelines.knowledge.search.hits import Hit

MIN_LETTERS = 5
"""Shorter words have too many neighbours."""
MIN_SIMILARITY = 0.85
"""Of two spellings, by the letters that they share in order (Ratcliff and Metzener, 1988): one letter too many, too
few or in the wrong place is enough from five letters on, another letter from seven on."""
_WORD = re.compile(r"[^\W\d_]+")


def respelled(question: str, words: Sequence[QueryWord], hits: Sequence[Hit]) -> str:
    """The question, in which words that no source contains become those of its hits that are spelled nearly the same.

    A search finds near spellings too, so the word that was meant stands in the hits. The first letter must be
    the same: few people mistype it, and other names differ in it.
    """
    unknown = [word.surface for word in words if not word.count and word.surface.isalpha()]
    if not unknown:
        return question
    texts = "\n".join(f"{hit.title}\n{hit.heading}\n{hit.path}\n{hit.text}" for hit in hits)
    known = {word.casefold(): word for word in _WORD.findall(texts)}
    for surface in unknown:
        meant = known.get(_meant(surface.casefold(), known))
        if meant:
            meant = meant.lower() if surface.islower() and meant.istitle() else meant
            question = re.sub(rf"(?<!\w){re.escape(surface)}(?!\w)", meant, question)
    return question


def _meant(word: str, known: Iterable[str]) -> str:
    """The known word that a word in lower case may be: its singular, or one spelled nearly the same; "" for none."""
    singular = word.removesuffix("s")
    if singular in known and len(singular) > 1:  # acronyms, such as pdf: the plurals of others are no unknown words
        return singular
    if len(word) < MIN_LETTERS:
        return ""
    alike = [other for other in known if other[0] == word[0] and len(other) >= MIN_LETTERS]
    return next(iter(difflib.get_close_matches(word, alike, n=1, cutoff=MIN_SIMILARITY)), "")
