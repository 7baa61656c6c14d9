"""Cutting text at the places where it is cut anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.text.sentences import Range, lines, paragraphs, sentences, trimmed, words

Cutter = Callable[[str, int, int], Iterator[Range]]


def _cut(cutter: Cutter, text: str) -> list[str]:
    return [text[start:end] for start, end in cutter(text, 0, len(text))]


@pytest.mark.parametrize("cutter", [paragraphs, lines, sentences, words])
@given(text=st.text(st.sampled_from("aB.!?。 \t\r\n\"')(é"), max_size=60), data=st.data())
def test_ranges_follow_each_other_without_gaps(cutter: Cutter, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    ranges = list(cutter(text, start, end))
    assert all(first < last for first, last in ranges)
    places = [start, *(last for _, last in ranges)]
    assert [first for first, _ in ranges] == places[:-1]
    assert places[-1] == end


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_paragraphs_end_at_blank_lines_only(newline: str) -> None:
    text = newline.join(["one", "still one", "", " \t", "two"])
    first = newline.join(["one", "still one", "", " \t", ""])
    assert _cut(paragraphs, text) == [first, "two"]


def test_lines_end_at_every_line_end() -> None:
    assert _cut(lines, "a\r\nb\rc\n\nd") == ["a\r\n", "b\r", "c\n", "\n", "d"]


def test_words_include_the_space_after_them() -> None:
    assert _cut(words, "one  two\nthree") == ["one  ", "two\n", "three"]


def test_sentences_end_at_punctuation() -> None:
    assert _cut(sentences, "It works. Does it? Yes!") == ["It works. ", "Does it? ", "Yes!"]


@pytest.mark.parametrize("text", ["Use it, e.g. Lance.", "See J. Smith.", "Fig. 3 shows it.", "version 3.11 is old"])
def test_sentences_do_not_end_at_abbreviations_and_numbers(text: str) -> None:
    assert _cut(sentences, text) == [text]


def test_sentences_in_japanese_need_no_space() -> None:
    assert _cut(sentences, "これは本です。それも。") == ["これは本です。", "それも。"]


def test_sentence_includes_its_closing_quotation_mark() -> None:
    assert _cut(sentences, 'He said "go." She went.') == ['He said "go." ', "She went."]


def test_sentence_continues_after_a_windows_line_end() -> None:
    assert _cut(sentences, "one line\r\ngoes on") == ["one line\r\ngoes on"]


def test_sentence_without_punctuation_ends_at_a_blank_line() -> None:
    assert _cut(sentences, "A heading\r\n\r\nIts text") == ["A heading\r\n\r\n", "Its text"]


@pytest.mark.parametrize(("text", "inner"), [("  a b \n", "a b"), ("a", "a"), (" \n", ""), ("", "")])
def test_trimmed_range_has_no_blank_ends(text: str, inner: str) -> None:
    start, end = trimmed(text, 0, len(text))
    assert text[start:end] == inner
