"""Text to terms: words, pairs of characters in scripts without spaces, and the parts of identifiers.

The words of a document are stemmed by the rules of its language and then, as all words are, by those of English. A
query does not state its language, so each of its words is searched in the form that each language of the index gives
it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from native.filters import MODIFIED
from native.language_detection import detect_language
from native.stop_words import question_words

if TYPE_CHECKING:
    from tantivy import Index, Schema, TextAnalyzer

ANALYZER = "omni-8"
"""Name and version of the analysis. An index with another one is rebuilt."""
GRAMS = "omni-grams"
PASSAGE, AROUND = "passage", "around"
"""The fields whose BM25 scores are added: an entry itself, and the entry with its neighbours.

Both contain title, heading, path and what the document is, so that a term counts once for all of them, as in BM25F
(Robertson, Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted Fields", 2004), and is rare only if it is
rare in all of them: "Python" is no rare word among Python files, although few of them contain it.
"""
KEY_HALVES = ("key_high", "key_low")
"""Columns for a key of 32 hexadecimal digits, as two numbers: a tenth of the cost of reading it from its document."""
_RUN = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]+"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Han, Hiragana, Katakana."""
_PAIRED = re.compile(f"{_RUN.pattern}|[\uac00-\ud7a3]+")
"""These scripts and Hangul, which has spaces between words, but particles at their ends."""
STEMMED = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "nn": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Languages besides English that Tantivy can stem: ISO 639-1 code to Tantivy's name."""
_WITHOUT_STOP_WORDS = {"arabic", "greek", "romanian", "tamil", "turkish"}
"""Languages that Tantivy can stem but has no stop words for."""
_MIN_LETTERS = 30
"""Letters that a query must have for its language to be detected."""
_MIN_PROBABILITY = 0.97
"""Probability from which a detected language counts."""
_ALIKE = {"da", "nb", "nn"}
"""Languages that are easily mistaken for each other."""
_FOLDED = {
    "\u0130": "i", "\u0131": "i",  # Turkish: the lower case of I and \u0130 depends on the language
    "\u03c2": "\u03c3",  # sigma at the end of a word
    "\u0451": "\u0435",  # Russian yo is mostly written as ye
    "\u0622": "\u0627", "\u0623": "\u0627", "\u0625": "\u0627", "\u0671": "\u0627",  # alef with hamza, madda, wasla
    "\u0649": "\u064a", "\u06cc": "\u064a", "\u06a9": "\u0643", "\u0640": "",  # yeh, kaf; the stretching stroke
    "\u00ad": "", "\u200d": "", "\u2060": "", "\ufeff": "",  # invisible hyphens and joiners
}  # fmt: skip
"""Variants of a letter that writers use interchangeably, and the one that is indexed."""
_VOWEL_SIGNS = re.compile("[\u0591-\u05c7\u064b-\u065f\u0670]")
"""Vowel signs of Hebrew and Arabic, which only schoolbooks and scripture write."""
_GREEK = re.compile("[\u0386-\u03ce\u1f00-\u1fff]")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_ASCII = "".join(map(chr, range(128)))
_PLAIN = bytes(code if code > 127 or chr(code).isalnum() else 32 for code in range(256))
"""A translation table for bytes of UTF-8: ASCII other than letters and digits becomes a space."""
_SHAPE = re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub(r"[0-9_]", "1", re.sub(r"\W", " ", _ASCII))))
"""For each ASCII character: A or a for letters by case, 1 for other characters of a word, else a space."""
_HUMPS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CAMEL = re.compile(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z0-9]*\b|\b[A-Z]{2,}[a-z][A-Za-z0-9]*\b")


def normal(text: str) -> str:
    """A text in Unicode's NFKC form: full-width letters, half-width kana and ligatures become plain characters."""
    return unicodedata.normalize("NFKC", text)


class _CharacterTable(dict[int, str]):
    """A translation table for characters outside ASCII, filled on demand: letters stay, others become spaces.

    Characters of a script without spaces get spaces around them.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in _FOLDED or _VOWEL_SIGNS.match(character):
            self[code] = _FOLDED.get(character, "")
        elif unicodedata.category(character)[0] not in "LMN":  # letters, marks, numbers
            self[code] = " "
        elif _GREEK.match(character):  # without accents, which capitals do not have
            self[code] = unicodedata.normalize("NFD", character)[0]
        else:
            self[code] = f" {character} " if _RUN.match(character) else character
        return self[code]


_CHARACTERS = _CharacterTable()


def words(text: str) -> str:
    """The words of a text, separated by spaces; in scripts without spaces, the single characters.

    Tantivy's tokenizer by pattern could find them too, but would take half of the time to add a text. To split at
    spaces takes a tenth.
    """
    if not text.isascii():
        text = _FOREIGN.sub(lambda run: run[0].translate(_CHARACTERS), text)
    return text.encode("utf-8", "surrogatepass").translate(_PLAIN).decode("utf-8", "surrogatepass")


def character_pairs(text: str) -> Iterator[str]:
    """The pairs of adjacent characters in scripts without spaces: 東大寺 gives 東大, 大寺.

    They find words without a dictionary.
    """
    if text.isascii():
        return
    for run in _PAIRED.findall(text):
        yield from (run[start : start + 2] for start in range(len(run) - 1))


def identifier_parts(text: str) -> Iterator[str]:
    """The words inside camelCase and PascalCase: parseHTTPHeader gives parse, HTTP, Header."""
    for name in _in_camel_case(text) if text.isascii() else _CAMEL.findall(text):
        yield from _HUMPS.findall(name)


def _in_camel_case(text: str) -> Iterator[str]:
    """The matches of `_CAMEL` in ASCII, found three times as fast, by looking only where the case changes."""
    shape = text.translate(_SHAPE) + " "
    spans = set()
    for change in ("aA", "AAa"):
        position = shape.find(change)
        while position >= 0:
            end = shape.index(" ", position)
            spans.add((shape.rfind(" ", 0, position) + 1, end))
            position = shape.find(change, end)
    return (name for start, end in sorted(spans) if _CAMEL.fullmatch(name := text[start:end]))


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
    builder.add_text_field("pairs", stored=False, tokenizer_name=GRAMS, index_option="freq")
    for name in filters:
        builder.add_text_field(name, stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(MODIFIED, stored=False, indexed=True, fast=True)  # a day, as `date.toordinal` counts
    return builder.build()


def register(index: Index) -> None:
    """Give an opened index its analyzers, because Tantivy stores only their names."""
    import tantivy

    index.register_tokenizer(ANALYZER, _analyzer("english"))
    index.register_tokenizer(GRAMS, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


def stems(text: str, language: str) -> str:
    """The stems of a text, separated by spaces; for a language that is not in `STEMMED`, its words."""
    return " ".join(_stemmer(language).analyze(words(text))) if language in STEMMED else words(text)


class Analyzer:
    """Text to the terms of an index with documents in some languages, without the stop words of one language."""

    def __init__(self, *, stopwords: str | None, languages: Iterable[str] = ()) -> None:
        """`stopwords` is the ISO 639-1 code of the language whose stop words are removed; with None, all stay."""
        names = dict.fromkeys(STEMMED[language] for language in sorted(languages) if language in STEMMED)
        self._plain = _analyzer("english", stopwords=stopwords)
        self._stemmed = [_analyzer(name, "english", stopwords=stopwords) for name in names]

    def analyze(self, text: str) -> list[str]:
        """The terms in order, as in an English document."""
        return self._plain.analyze(words(text))

    def readings(self, text: str) -> list[list[str]]:
        """The distinct term lists of a text: as in an English document, then as in documents of the other languages.

        The lists are parallel: the same index is the same word.
        """
        separated = words(text)
        readings = dict.fromkeys(tuple(each.analyze(separated)) for each in (self._plain, *self._stemmed))
        return [list(reading) for reading in readings]


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


@lru_cache
def _stemmer(language: str) -> TextAnalyzer:
    return _analyzer(STEMMED[language])


def _analyzer(*stemmers: str, stopwords: str | None = None) -> TextAnalyzer:
    """An analyzer for words separated by spaces: lower case, then stems by the rules of each language."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    filters = [Filter.remove_long(64), Filter.lowercase()]
    if stopwords is not None:
        language = STEMMED.get(stopwords, "english")
        filters.append(Filter.stopword("english" if language in _WITHOUT_STOP_WORDS else language))
        filters.append(Filter.custom_stopword(words(" ".join(question_words(stopwords))).split()))
    builder = TextAnalyzerBuilder(Tokenizer.whitespace())
    for step in (*filters, *map(Filter.stemmer, stemmers)):
        builder = builder.filter(step)
    return builder.build()
