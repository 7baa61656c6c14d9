"""Words of a question: without stop words, once each, with a form for every language of the index."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from native.query_words import QueryWord, query_words, text_forms
from native.tantivy_analysis import Analyzer

ENGLISH = Analyzer(stopwords="en")
GERMAN = Analyzer(stopwords="de", languages=["de"])
TEXT = Analyzer(stopwords=None, languages=["de"])


def surfaces(text: str, analyzer: Analyzer = ENGLISH) -> list[str]:
    """The words of a text as they stand in it."""
    return [word.surface for word in query_words(text, analyzer)]


def test_words_keep_their_order_and_spelling_without_stop_words() -> None:
    assert surfaces("How do the Otters sleep?") == ["Otters", "sleep"]


def test_word_that_differs_only_in_its_ending_counts_once() -> None:
    assert surfaces("otter sleeps, otters sleep") == ["otter", "sleeps"]


def test_word_has_the_stem_of_each_language() -> None:
    (english,) = query_words("Bewegungen", ENGLISH)
    (german,) = query_words("Bewegungen", GERMAN)
    assert english.forms < german.forms
    assert german.count == 0


def test_scripts_without_spaces_give_pairs_and_a_lone_character_stays() -> None:
    assert surfaces("東大寺") == ["東大", "大寺"]
    assert surfaces("寺") == ["寺"]
    assert surfaces("寺 otter") == ["寺", "otter"]


def test_full_width_letters_are_plain_letters() -> None:
    assert surfaces("\uff2f\uff34\uff34\uff25\uff32") == ["OTTER"]


def test_text_without_words_has_none() -> None:
    assert query_words("?!", ENGLISH) == []
    assert query_words("", ENGLISH) == []
    assert text_forms("", TEXT) == set()


@given(st.text())
def test_every_word_of_a_question_is_found_in_the_same_text(text: str) -> None:
    found = text_forms(text, TEXT)
    for word in query_words(text, GERMAN):
        assert isinstance(word, QueryWord)
        assert word.forms
        assert not word.forms.isdisjoint(found)
