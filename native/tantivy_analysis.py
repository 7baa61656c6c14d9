"""How text becomes terms: words, pairs of characters in scripts without spaces, and the parts of identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

ANALYZER = "omni-3"
"""Name and version of the analysis: an index made with another one is built anew."""
GRAMS = "omni-grams"
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN = rf"[{_UNSPACED}]|[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]+"
"""Words; single characters in scripts that put no space between words."""
_RUN = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]+"
)
"""The same scripts for Python's engine, which knows no script names."""
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


def character_pairs(text: str) -> Iterator[str]:
    """Neighbouring characters of every run in a script without spaces: 東大寺 is 東大, 大寺.

    Pairs find words in a text that nobody has cut into words, without a dictionary.
    """
    for run in _RUN.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def identifier_parts(text: str) -> Iterator[str]:
    """The words inside camelCase and PascalCase: parseHTTPHeader is parse, HTTP, Header."""
    for name in _CAMEL.findall(text):
        yield from _HUMPS.findall(name)


def schema(filters: tuple[str, ...]) -> Any:
    """The fields of the index."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("fingerprint", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", stored=False, tokenizer_name=ANALYZER, index_option="position")
    builder.add_text_field("around", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("context", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("parts", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("pairs", stored=False, tokenizer_name=GRAMS, index_option="freq")
    for name in filters:
        builder.add_text_field(name, stored=False, tokenizer_name="raw", index_option="basic")
    return builder.build()


def register(index: Any) -> None:
    """Tell an opened index its analyzers: Tantivy keeps their names only."""
    import tantivy

    index.register_tokenizer(ANALYZER, analyzer(stopwords=False))
    index.register_tokenizer(GRAMS, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


def analyzer(*, stopwords: bool) -> Any:
    """Words to terms: lower case, English stems; with `stopwords`, without the words that questions are made of."""
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_TOKEN))
    builder = builder.filter(tantivy.Filter.remove_long(64)).filter(tantivy.Filter.lowercase())
    if stopwords:
        builder = builder.filter(tantivy.Filter.stopword("english"))
        builder = builder.filter(tantivy.Filter.custom_stopword(_QUESTION_WORDS))
    return builder.filter(tantivy.Filter.stemmer("english")).build()
