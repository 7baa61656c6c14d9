"""The words of a question as the keyword index knows them: their forms, and how many entries contain them."""

from dataclasses import dataclass

from native.tantivy_analysis import Analyzer
from native.word_forms import character_pairs, identifier_parts, inner_names, joined, normal, with_marks, words


@dataclass(frozen=True)
class QueryWord:
    """A word of a question that is not a stop word, or a pair of characters in scripts without spaces."""

    surface: str
    """As in the question."""
    forms: frozenset[str]
    """Its terms: one, or one for each language of the index that stems it in another way; also without accents."""
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
        forms = frozenset(_forms(surface, analyzer))
        if forms and surface not in paired:
            found.setdefault(forms, QueryWord(surface, forms))
    for pair in pairs:
        found.setdefault(frozenset([pair]), QueryWord(pair, frozenset([pair])))
    return list(found.values())


def content_forms(text: str, analyzer: Analyzer) -> set[str]:
    """The forms of the words of a query, of those that it has in parts, and of the parts of its identifiers."""
    others = " ".join((*identifier_parts(text), *joined(normal(text))))
    return _forms(others, analyzer).union(*(word.forms for word in query_words(text, analyzer)))


def text_forms(text: str, analyzer: Analyzer) -> set[str]:
    """All forms that occur in a text, in the reading of every language of the index, with its character pairs."""
    text = normal(text)
    forms = _forms(" ".join((text, *identifier_parts(text), *inner_names(text), *joined(text))), analyzer)
    forms.update(character_pairs(text))
    return forms


def _forms(text: str, analyzer: Analyzer) -> set[str]:
    readings = analyzer.readings(text)
    if with_marks(words(text)):
        readings += analyzer.folded(text)
    return {term for reading in readings for term in reading}
