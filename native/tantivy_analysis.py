"""Words to terms, and the fields of the index.

The words of a document are stemmed by the rules of its language and then, as all words are, by those of English. A
query does not state its language, so each of its words is searched in the form that each language of the index gives
it. What people also write for a word, without accents or hyphens, is in a field of its own, so that both spellings
find each other and the one that was typed ranks first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from native.filters import MODIFIED
from native.language_detection import detect_language
from native.stop_words import question_words
from native.word_forms import with_marks, words

if TYPE_CHECKING:
    from tantivy import Index, Schema, TextAnalyzer

ANALYZER = "omni-12"
"""Name and version of the analysis. An index with another one is rebuilt."""
FOLDING, GRAMS = "omni-folding", "omni-grams"
PASSAGE, AROUND = "passage", "around"
"""The fields whose BM25 scores are added: an entry itself, and the entry with its neighbours.

Both contain title, heading, path and what the document is, so that a term counts once for all of them, as in BM25F
(Robertson, Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted Fields", 2004), and is rare only if it is
rare in all of them: "Python" is no rare word among Python files, although few of them contain it.
"""
SPELLINGS = "spellings"
"""The field of what people also write for the words of an entry: without accents, hyphens and separators."""
_CACHED_WORDS = 20_000
_MAX_KEPT_TERMS = 100_000
MAX_WORD_BYTES = 256
"""A longer word is not indexed."""
_NOT_INDEXED = "-"
"""Stands for such a word, so that the words after it keep their positions. No word has this sign."""
KEY_HALVES = ("key_high", "key_low")
"""Columns for a key of 32 hexadecimal digits, as two numbers: a tenth of the cost of reading it from its document."""
STEMMED = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "nn": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Languages besides English that Tantivy can stem: ISO 639-1 code to Tantivy's name."""
_COMPOUNDING = {"da", "de", "fi", "hu", "nb", "nl", "nn", "sv"}
"""Languages that write compounds as one word."""
_WITHOUT_STOP_WORDS = {"arabic", "greek", "romanian", "tamil", "turkish"}
"""Languages that Tantivy can stem but has no stop words for."""
_MIN_LETTERS = 30
"""Letters that a query must have for its language to be detected."""
_MIN_PROBABILITY = 0.97
"""Probability from which a detected language counts."""
_ALIKE = {"da", "nb", "nn"}
"""Languages that are easily mistaken for each other."""


def schema(filters: tuple[str, ...]) -> Schema:
    """The fields of an index that searches can filter by `filters`."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    for half in KEY_HALVES:
        builder.add_integer_field(half, stored=False, indexed=False, fast=True)
    builder.add_text_field("fingerprint", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(PASSAGE, stored=False, tokenizer_name=ANALYZER, index_option="position")
    builder.add_text_field(AROUND, stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field(SPELLINGS, stored=False, tokenizer_name=FOLDING, index_option="freq")
    builder.add_text_field("pairs", stored=False, tokenizer_name=GRAMS, index_option="freq")
    for name in filters:
        builder.add_text_field(name, stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(MODIFIED, stored=False, indexed=True, fast=True)  # a day, as `date.toordinal` counts
    return builder.build()


def register(index: Index) -> None:
    """Give an opened index its analyzers, because Tantivy stores only their names.

    It gets the terms of most fields, and does not find them again for each entry that has a text around it.
    """
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    terms = TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.custom_stopword([_NOT_INDEXED])).build()
    index.register_tokenizer(ANALYZER, terms)
    index.register_tokenizer(FOLDING, _analyzer("english", fold=True))
    index.register_tokenizer(GRAMS, terms)


class _Terms(dict[str, str]):
    """The terms of words. A corpus has few distinct words, so most are found once."""

    def __missing__(self, word: str) -> str:
        if len(self) >= _MAX_KEPT_TERMS:
            self.clear()
        self[word] = term = "".join(_english().analyze(word)) or _NOT_INDEXED
        return term


_TERMS = _Terms()


def terms(separated: str) -> str:
    """The terms of words that are separated by spaces, in their order."""
    return " ".join(map(_TERMS.__getitem__, separated.split()))


def stems(separated: str, language: str) -> str:
    """The stems of words separated by spaces; for a language that is not in `STEMMED`, the words."""
    return " ".join(_stemmer(language).analyze(separated)) if language in STEMMED else separated


def other_spellings(separated: str, joined: Iterable[str], language: str) -> str:
    """The stems of words without their accents, and of joined words; no accents where the stem is the same anyway."""
    others = (*with_marks(separated), *joined)
    if language in STEMMED:
        return " ".join(filter(None, (_other_stem(word, language) for word in others)))
    return " ".join(others)


@lru_cache(_CACHED_WORDS)
def _other_stem(word: str, language: str) -> str:
    """The stem of a word without accents; "" if the word has accents, but its stem has not."""
    plain, folded = (" ".join(_stemmer(language, fold=fold).analyze(word)) for fold in (False, True))
    return folded if word.isascii() or plain != folded else ""


class Analyzer:
    """Text to the terms of an index with documents in some languages, without the stop words of one language."""

    def __init__(self, *, stopwords: str | None, languages: Iterable[str] = ()) -> None:
        """`stopwords` is the ISO 639-1 code of the language whose stop words are removed; with None, all stay."""
        codes = [language for language in sorted(languages) if language in STEMMED]
        self.has_compounds = not _COMPOUNDING.isdisjoint(codes)
        """Whether one of the languages writes compounds as one word."""
        names = dict.fromkeys(STEMMED[language] for language in codes)
        stemmers = [("english",), *((name, "english") for name in names)]
        self._readers = [_analyzer(*each, stopwords=stopwords) for each in stemmers]
        self._folding = [_analyzer(*each, stopwords=stopwords, fold=True) for each in stemmers]

    def analyze(self, text: str) -> list[str]:
        """The terms in order, as in an English document."""
        return self._readers[0].analyze(words(text))

    def readings(self, text: str) -> list[list[str]]:
        """The distinct term lists of a text: as in an English document, then as in documents of the other languages.

        The lists are parallel: the same index is the same word.
        """
        return _distinct(self._readers, words(text))

    def folded(self, text: str) -> list[list[str]]:
        """The readings of a text without accents, parallel to each other and to `readings`."""
        return _distinct(self._folding, words(text))


class Analyzers:
    """The analyzers for queries to an index that has documents in some languages."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._languages = tuple(languages)
        self._cache: dict[tuple[str, ...], tuple[Analyzer, Analyzer]] = {}

    @property
    def of_text(self) -> Analyzer:
        """The analyzer for texts of any language of the index, with stop words."""
        return self._of("en", self._languages)[1]

    def of_query(self, text: str) -> tuple[Analyzer, Analyzer]:
        """The analyzer for the words of a query, and the one for its phrases.

        The first one removes stop words, unless the query has nothing else. If the language of the query can be
        detected, the analyzers stem for that language and English, and its stop words are removed; otherwise they
        stem for all languages of the index and remove those of English.
        """
        languages, stopwords = self._languages, "en"
        if languages and sum(map(str.isalpha, text)) >= _MIN_LETTERS:
            language, probability = detect_language(text)
            if probability >= _MIN_PROBABILITY and (language in languages or language not in STEMMED):
                languages = tuple(other for other in languages if other == language or {other, language} <= _ALIKE)
                stopwords = language if language in languages else "en"
        for_words, for_phrases = self._of(stopwords, languages)
        return (for_words if for_words.analyze(text) else for_phrases), for_phrases

    def _of(self, stopwords: str, languages: tuple[str, ...]) -> tuple[Analyzer, Analyzer]:
        chosen = (stopwords, *languages)
        if chosen not in self._cache:
            self._cache[chosen] = (
                Analyzer(stopwords=stopwords, languages=languages),
                Analyzer(stopwords=None, languages=languages),
            )
        return self._cache[chosen]


def _distinct(analyzers: Iterable[TextAnalyzer], separated: str) -> list[list[str]]:
    return [list(terms) for terms in dict.fromkeys(tuple(each.analyze(separated)) for each in analyzers)]


@lru_cache
def _stemmer(language: str, *, fold: bool = False) -> TextAnalyzer:
    return _analyzer(STEMMED[language], fold=fold)


@lru_cache
def _english() -> TextAnalyzer:
    return _analyzer("english")


def _analyzer(*stemmers: str, stopwords: str | None = None, fold: bool = False) -> TextAnalyzer:
    """An analyzer for words separated by spaces: lower case, then stems by the rules of each language.

    With `fold`, accents are removed before that, but after the stop words, so that these stay the same.
    """
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    filters = [Filter.remove_long(MAX_WORD_BYTES + 1), Filter.lowercase()]
    if stopwords is not None:
        language = STEMMED.get(stopwords, "english")
        filters.append(Filter.stopword("english" if language in _WITHOUT_STOP_WORDS else language))
        filters.append(Filter.custom_stopword(words(" ".join(question_words(stopwords))).split()))
    if fold:
        filters.append(Filter.ascii_fold())
    builder = TextAnalyzerBuilder(Tokenizer.whitespace())
    for step in (*filters, *map(Filter.stemmer, stemmers)):
        builder = builder.filter(step)
    return builder.build()
