"""Splitting text into paragraphs, lines, sentences and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.text.sentences import Range, lines, paragraphs, sentences, trimmed, words

Splitter = Callable[[str, int, int], Iterator[Range]]


def _split(splitter: Splitter, text: str) -> list[str]:
    return [text[start:end] for start, end in splitter(text, 0, len(text))]


@pytest.mark.parametrize("splitter", [paragraphs, lines, sentences, words])
@given(text=st.text(st.sampled_from("aB.!?。 \t\r\n\"')(é"), max_size=60), data=st.data())
def test_ranges_follow_each_other_without_gaps(splitter: Splitter, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    ranges = list(splitter(text, start, end))
    assert all(first < last for first, last in ranges)
    ends = [start, *(last for _, last in ranges)]
    assert [first for first, _ in ranges] == ends[:-1]
    assert ends[-1] == end


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_paragraphs_end_at_blank_lines_only(newline: str) -> None:
    text = newline.join(["one", "still one", "", " \t", "two"])
    first = newline.join(["one", "still one", "", " \t", ""])
    assert _split(paragraphs, text) == [first, "two"]


def test_lines_end_at_every_line_end() -> None:
    assert _split(lines, "a\r\nb\rc\n\nd") == ["a\r\n", "b\r", "c\n", "\n", "d"]


def test_words_include_the_space_after_them() -> None:
    assert _split(words, "one  two\nthree") == ["one  ", "two\n", "three"]


def test_sentences_end_at_punctuation() -> None:
    assert _split(sentences, "It works. Does it? Yes!") == ["It works. ", "Does it? ", "Yes!"]


@pytest.mark.parametrize("text", ["Use it, e.g. Lance.", "See J. Smith.", "Fig. 3 shows it.", "version 3.11 is old"])
def test_sentences_do_not_end_at_abbreviations_and_numbers(text: str) -> None:
    assert _split(sentences, text) == [text]


def test_sentences_in_japanese_need_no_space() -> None:
    assert _split(sentences, "これは本です。それも。") == ["これは本です。", "それも。"]


def test_sentence_includes_its_closing_quotation_mark() -> None:
    assert _split(sentences, 'He said "go." She went.') == ['He said "go." ', "She went."]


def test_sentence_continues_after_a_windows_line_end() -> None:
    assert _split(sentences, "one line\r\ngoes on") == ["one line\r\ngoes on"]


def test_sentence_without_punctuation_ends_at_a_blank_line() -> None:
    assert _split(sentences, "A heading\r\n\r\nIts text") == ["A heading\r\n\r\n", "Its text"]


@pytest.mark.parametrize(("text", "inner"), [("  a b \n", "a b"), ("a", "a"), (" \n", ""), ("", "")])
def test_trimmed_range_has_no_blank_ends(text: str, inner: str) -> None:
    start, end = trimmed(text, 0, len(text))
    assert text[start:end] == inner
