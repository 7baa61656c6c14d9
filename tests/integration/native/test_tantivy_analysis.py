"""The analysis of the keyword index, which splits words without signs as Tantivy's pattern tokenizer would."""

from __future__ import annotations

import tantivy
from hypothesis import given
from hypothesis import strategies as st

from native.word_forms import words

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
PATTERN = rf"[{UNSPACED}]|[[\p{{L}}\p{{N}}\p{{M}}]--[{UNSPACED}]]+"
CHARACTERS = (
    "aZ9_ ,-\n\t\"'\u00e9\u00df\u0915\u094d\u093f\ud55c\u6771\u306e\u30bf\u0e2a\u0e35\u1780\u1000\u2014"
    "\u00b2\U00020000\U0001f600"
)


@given(st.text(st.sampled_from(CHARACTERS)))
def test_words_equal_those_of_tantivys_pattern_tokenizer(text: str) -> None:
    engine = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(PATTERN)).build()
    assert words(text).split() == engine.analyze(text)
