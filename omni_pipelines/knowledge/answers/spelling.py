"""Misspelt words of a question, and what they are read as."""

import difflib
import re
from collections.abc import Sequence

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
    unknown = [word.surface for word in words if not word.count and len(word.surface) >= MIN_LETTERS]
    unknown = [surface for surface in unknown if surface.isalpha()]
    if not unknown:
        return question
    texts = "\n".join(f"{hit.title}\n{hit.heading}\n{hit.path}\n{hit.text}" for hit in hits)
    known = {word.casefold(): word for word in _WORD.findall(texts) if len(word) >= MIN_LETTERS}
    for surface in unknown:
        lowered = surface.casefold()
        alike = [word for word in known if word[0] == lowered[0]]
        nearest = difflib.get_close_matches(lowered, alike, n=1, cutoff=MIN_SIMILARITY)
        if nearest:
            meant = known[nearest[0]]
            meant = meant.lower() if surface.islower() and meant.istitle() else meant
            question = re.sub(rf"(?<!\w){re.escape(surface)}(?!\w)", meant, question)
    return question
