"""Spelling: words that no source contains are read as the words of the hits that are spelled nearly the same."""

from __future__ import annotations

import pytest

from native.query_words import QueryWord
from omni_pipelines.knowledge.answers.spelling import respelled
from tests.unit.knowledge.answering import hit

HITS = [
    hit(
        "Parents take parental leave of 30 weeks; a method of the class RotatingFileHandler, LocalProtocolError; "
        "a PDF of the VM."
    )
]


def read(question: str, count: int = 0) -> str:
    """How a question is read of whose words every one occurs `count` times in the sources."""
    words = [QueryWord(word, frozenset([word.casefold()]), count) for word in question.replace("?", "").split()]
    return respelled(question, words, HITS)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("how long is the parrental leave?", "how long is the parental leave?"),
        ("how long is the paretnal leave?", "how long is the parental leave?"),
        ("what is a metod", "what is a method"),
        ("rotatingfilehandlr levels", "RotatingFileHandler levels"),
        ("LocalProtocolEror?", "LocalProtocolError?"),
        ("scanned pdfs on vms", "scanned PDF on VM"),
    ],
)
def test_misspelt_word_is_read_as_the_word_of_a_hit(written: str, read_as: str) -> None:
    assert read(written) == read_as


@pytest.mark.parametrize("written", ["the carental leave", "the paternity leave", "tak it", "parental2 leave", ""])
def test_other_words_stay(written: str) -> None:
    assert read(written) == written


def test_word_that_a_source_contains_is_not_misspelt() -> None:
    assert read("the parrental leave", count=1) == "the parrental leave"
