"""How text becomes terms: words, pairs of characters in scripts without spaces, and the parts of identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from native.narrowing import MODIFIED

ANALYZER = "omni-6"
"""Name and version of the analysis: an index made with another one is built anew."""
GRAMS = "omni-grams"
KEY_HALVES = ("key_high", "key_low")
"""A key of 32 hexadecimal digits as two numbers in columns: read there, it costs a tenth of its document."""
_RUN = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]+"
)
"""Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Han, Hiragana, Katakana."""
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
        if unicodedata.category(character)[0] not in "LMN":  # letters, marks that belong to them, numbers
            self[code] = " "
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
    for run in _RUN.findall(text):
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


class Analyzer:
    """Text to terms as the index has them; with `stopwords`, without the words that questions are made of."""

    def __init__(self, *, stopwords: bool) -> None:
        self._terms = _terms(stopwords=stopwords)

    def analyze(self, text: str) -> list[str]:
        """The terms, in their order."""
        return list(self._terms.analyze(words(text)))


def _terms(*, stopwords: bool) -> Any:
    """Words with spaces between them to terms: lower case, English stems."""
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    builder = builder.filter(tantivy.Filter.remove_long(64)).filter(tantivy.Filter.lowercase())
    if stopwords:
        builder = builder.filter(tantivy.Filter.stopword("english"))
        builder = builder.filter(tantivy.Filter.custom_stopword(_QUESTION_WORDS))
    return builder.filter(tantivy.Filter.stemmer("english")).build()
