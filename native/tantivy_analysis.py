"""How text becomes terms: words, pairs of characters in scripts without spaces, and the parts of identifiers.

Words of a document are cut down to their stems by the rules of its language, and then, as all are, by those of
English. A query does not say its language: each of its words is looked for as every language of the index has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from native.filters import MODIFIED
from native.language_detection import detect_language

ANALYZER = "omni-7"
"""Name and version of the analysis: an index made with another one is built anew."""
GRAMS = "omni-grams"
KEY_HALVES = ("key_high", "key_low")
"""A key of 32 hexadecimal digits as two numbers in columns: read there, it costs a tenth of its document."""
_RUN = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]+"
)
"""Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Han, Hiragana, Katakana."""
_PAIRED = re.compile(f"{_RUN.pattern}|[\uac00-\ud7a3]+")
"""Hangul as well: its words have spaces between them, and particles at their ends."""
STEMMED = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "nn": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""ISO 639-1 codes of languages besides English whose stems Tantivy knows, and what it calls them."""
_TELLING, _SURE = 30, 0.97
"""Letters that a query must have to tell its language, and how likely that must be."""
_ALIKE = {"da", "nb", "nn"}
"""Languages of which one is easily taken for another."""
_FOLDED = {
    "\u0130": "i", "\u0131": "i",  # Turkish: small letters of I and \u0130 depend on the language
    "\u03c2": "\u03c3",  # the sigma at the end of a word
    "\u0451": "\u0435",  # Russian io is mostly written as ie
    "\u0622": "\u0627", "\u0623": "\u0627", "\u0625": "\u0627", "\u0671": "\u0627",  # alef with hamza, madda, wasla
    "\u0649": "\u064a", "\u06cc": "\u064a", "\u06a9": "\u0643", "\u0640": "",  # yeh, kaf; the stroke that stretches
    "\u00ad": "", "\u200d": "", "\u2060": "", "\ufeff": "",  # hyphens and joiners that are not seen
}  # fmt: skip
"""Spellings of one letter that writers do not keep apart."""
_VOWEL_SIGNS = re.compile("[\u0591-\u05c7\u064b-\u065f\u0670]")
"""Of Hebrew and Arabic: written in schoolbooks and holy ones."""
_GREEK = re.compile("[\u0386-\u03ce\u1f00-\u1fff]")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_ASCII = "".join(map(chr, range(128)))
_PLAIN = bytes(code if code > 127 or chr(code).isalnum() else 32 for code in range(256))
"""Every byte of UTF-8, with a space for what is neither a letter nor a digit of ASCII."""
_SHAPE = re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub(r"[0-9_]", "1", re.sub(r"\W", " ", _ASCII))))
"""For each character of ASCII: A and a for letters by their case, 1 for what else stands in words."""
_HUMPS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CAMEL = re.compile(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z0-9]*\b|\b[A-Z]{2,}[a-z][A-Za-z0-9]*\b")
_QUESTION_WORDS = (
    "how what when where which who whom whose why do does did done can could shall should will would may might must "
    "i me my we us our you your am is are was were be been being has have had s t there here from about so than"
).split()
"""Words a question is made of, beyond Tantivy's own short list."""


def normal(text: str) -> str:
    """One form of each character: full-width letters, half-width kana and ligatures as their plain ones."""
    return unicodedata.normalize("NFKC", text)


class _Apart(dict[int, str]):
    """A character of another script by its number: itself, itself with spaces around, or a space; learned as met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in _FOLDED or _VOWEL_SIGNS.match(character):
            self[code] = _FOLDED.get(character, "")
        elif unicodedata.category(character)[0] not in "LMN":  # letters, marks that belong to them, numbers
            self[code] = " "
        elif _GREEK.match(character):  # without its accents, which capitals do not bear
            self[code] = unicodedata.normalize("NFD", character)[0]
        else:
            self[code] = f" {character} " if _RUN.match(character) else character
        return self[code]


_APART = _Apart()


def words(text: str) -> str:
    """The words of a text with spaces between them; of scripts without spaces, the single characters.

    Tantivy's tokenizer by pattern could find them, and takes half of all that adding a text costs; cutting at spaces
    takes a tenth.
    """
    if not text.isascii():
        text = _FOREIGN.sub(lambda run: run[0].translate(_APART), text)
    return text.encode("utf-8", "surrogatepass").translate(_PLAIN).decode("utf-8", "surrogatepass")


def character_pairs(text: str) -> Iterator[str]:
    """Neighbouring characters of every run in a script without spaces: 東大寺 is 東大, 大寺.

    Pairs find words in a text that nobody has cut into words, without a dictionary.
    """
    if text.isascii():
        return
    for run in _PAIRED.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def identifier_parts(text: str) -> Iterator[str]:
    """The words inside camelCase and PascalCase: parseHTTPHeader is parse, HTTP, Header."""
    for name in _in_camel_case(text) if text.isascii() else _CAMEL.findall(text):
        yield from _HUMPS.findall(name)


def _in_camel_case(text: str) -> Iterator[str]:
    """What `_CAMEL` finds in ASCII, three times faster: only where case changes as it does in such names."""
    shape = text.translate(_SHAPE) + " "
    found = set()
    for change in ("aA", "AAa"):
        at = shape.find(change)
        while at >= 0:
            end = shape.index(" ", at)
            found.add((shape.rfind(" ", 0, at) + 1, end))
            at = shape.find(change, end)
    return (name for begin, end in sorted(found) if _CAMEL.fullmatch(name := text[begin:end]))


def schema(filters: tuple[str, ...]) -> Any:
    """The fields of the index."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    for half in KEY_HALVES:
        builder.add_integer_field(half, stored=False, indexed=False, fast=True)
    builder.add_text_field("fingerprint", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", stored=False, tokenizer_name=ANALYZER, index_option="position")
    builder.add_text_field("around", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("context", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("parts", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("pairs", stored=False, tokenizer_name=GRAMS, index_option="freq")
    for name in filters:
        builder.add_text_field(name, stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(MODIFIED, stored=False, indexed=True, fast=True)  # day, as `date.toordinal` has it
    return builder.build()


def register(index: Any) -> None:
    """Tell an opened index its analyzers: Tantivy keeps their names only."""
    import tantivy

    index.register_tokenizer(ANALYZER, _terms(stopwords=False))
    index.register_tokenizer(GRAMS, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


def stems(text: str, language: str) -> str:
    """The words of a text in one of `STEMMED`, as stems with spaces between them; of another, the words."""
    return " ".join(_stemmer(language).analyze(words(text))) if language in STEMMED else words(text)


class Analyzer:
    """Text to terms as the index has them of documents in some languages.

    With `stopwords`, without the words that questions are made of.
    """

    def __init__(self, *, stopwords: bool, languages: Iterable[str] = ()) -> None:
        rules = dict.fromkeys(STEMMED[each] for each in sorted(languages) if each in STEMMED)
        self._plain = _terms(stopwords=stopwords)
        self._stemmed = [_terms(stopwords=stopwords, rules=each) for each in rules]

    def analyze(self, text: str) -> list[str]:
        """The terms in their order, as documents in English have them."""
        return list(self._plain.analyze(words(text)))

    def readings(self, text: str) -> list[list[str]]:
        """The terms as documents in English have them, and every other way that documents in other languages do.

        A term stands at the same place in each; no two are the same.
        """
        cut = words(text)
        if not self._stemmed:
            return [list(self._plain.analyze(cut))]
        read = dict.fromkeys(tuple(each.analyze(cut)) for each in (self._plain, *self._stemmed))
        return [list(each) for each in read]


class Analyzers:
    """The analyzers for queries to an index with documents in some languages."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._languages = tuple(languages)
        self._made: dict[tuple[str, ...], tuple[Analyzer, Analyzer]] = {}

    def of_query(self, text: str) -> tuple[Analyzer, Analyzer]:
        """The one for the words of a query, without stop words unless it has nothing else; and that for its phrases.

        A query that is long enough to tell its language is read as that language has it, and as English does; any
        other as every language of the index does.
        """
        languages = self._languages
        if languages and sum(map(str.isalpha, text)) >= _TELLING:
            language, probability = detect_language(text)
            if probability >= _SURE and (language in languages or language not in STEMMED):
                languages = tuple(each for each in languages if each == language or {each, language} <= _ALIKE)
        if languages not in self._made:
            self._made[languages] = (
                Analyzer(stopwords=True, languages=languages),
                Analyzer(stopwords=False, languages=languages),
            )
        words_of, phrases_of = self._made[languages]
        return (words_of if words_of.analyze(text) else phrases_of), phrases_of


@lru_cache
def _stemmer(language: str) -> Any:
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    builder = builder.filter(tantivy.Filter.remove_long(64)).filter(tantivy.Filter.lowercase())
    return builder.filter(tantivy.Filter.stemmer(STEMMED[language])).build()


def _terms(*, stopwords: bool, rules: str = "") -> Any:
    """Words with spaces between them to terms: lower case, stems by the rules of a language, and of English."""
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    builder = builder.filter(tantivy.Filter.remove_long(64)).filter(tantivy.Filter.lowercase())
    if stopwords:
        builder = builder.filter(tantivy.Filter.stopword("english"))
        builder = builder.filter(tantivy.Filter.custom_stopword(_QUESTION_WORDS))
    if rules:
        builder = builder.filter(tantivy.Filter.stemmer(rules))
    return builder.filter(tantivy.Filter.stemmer("english")).build()
