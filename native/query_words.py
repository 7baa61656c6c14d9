"""The words of a question as the keyword index knows them: their forms, and how many entries contain them."""

from dataclasses import dataclass

from native.tantivy_analysis import Analyzer, character_pairs, normal, words


@dataclass(frozen=True)
class QueryWord:
    """A word of a question that is not a stop word, or a pair of characters in scripts without spaces."""

    surface: str
    """As in the question."""
    forms: frozenset[str]
    """Its terms: one, or one for each language of the index that stems it in another way."""
    count: int = 0
    """Entries of the index that contain one of its forms."""


def query_words(text: str, analyzer: Analyzer) -> list[QueryWord]:
    """The distinct words of a text in its order, without counts.

    Characters of scripts without spaces count in pairs, and alone only where they have no neighbour.
    """
    text = normal(text)
    pairs = list(character_pairs(text))
    paired = set("".join(pairs))
    found: dict[frozenset[str], QueryWord] = {}
    for surface in words(text).split():
        forms = frozenset(term for reading in analyzer.readings(surface) for term in reading)
        if forms and surface not in paired:
            found.setdefault(forms, QueryWord(surface, forms))
    for pair in pairs:
        found.setdefault(frozenset([pair]), QueryWord(pair, frozenset([pair])))
    return list(found.values())


def text_forms(text: str, analyzer: Analyzer) -> set[str]:
    """All forms that occur in a text, in the reading of every language of the index, with its character pairs."""
    text = normal(text)
    forms = {term for reading in analyzer.readings(text) for term in reading}
    forms.update(character_pairs(text))
    return forms
