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
def test_ranges_follow_one_another_without_a_gap(cutter: Cutter, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    ranges = list(cutter(text, start, end))
    assert all(first < last for first, last in ranges)
    places = [start, *(last for _, last in ranges)]
    assert [first for first, _ in ranges] == places[:-1]
    assert places[-1] == end


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_only_blank_lines_part_paragraphs(newline: str) -> None:
    text = newline.join(["one", "still one", "", " \t", "two"])
    first = newline.join(["one", "still one", "", " \t", ""])
    assert _cut(paragraphs, text) == [first, "two"]


def test_every_line_end_ends_a_line() -> None:
    assert _cut(lines, "a\r\nb\rc\n\nd") == ["a\r\n", "b\r", "c\n", "\n", "d"]


def test_words_keep_the_space_after_them() -> None:
    assert _cut(words, "one  two\nthree") == ["one  ", "two\n", "three"]


def test_sentences_end_at_their_marks() -> None:
    assert _cut(sentences, "It works. Does it? Yes!") == ["It works. ", "Does it? ", "Yes!"]


@pytest.mark.parametrize("text", ["Use it, e.g. Lance.", "See J. Smith.", "Fig. 3 shows it.", "version 3.11 is old"])
def test_what_only_looks_like_an_end_is_none(text: str) -> None:
    assert _cut(sentences, text) == [text]


def test_sentences_in_japanese_need_no_space() -> None:
    assert _cut(sentences, "これは本です。それも。") == ["これは本です。", "それも。"]


def test_a_quotation_mark_belongs_to_the_sentence_it_closes() -> None:
    assert _cut(sentences, 'He said "go." She went.') == ['He said "go." ', "She went."]


def test_a_line_end_of_windows_is_no_end_of_a_sentence() -> None:
    assert _cut(sentences, "one line\r\ngoes on") == ["one line\r\ngoes on"]


def test_a_blank_line_ends_a_sentence_without_a_mark() -> None:
    assert _cut(sentences, "A heading\r\n\r\nIts text") == ["A heading\r\n\r\n", "Its text"]


@pytest.mark.parametrize(("text", "inner"), [("  a b \n", "a b"), ("a", "a"), (" \n", ""), ("", "")])
def test_trimmed_leaves_no_blank_ends(text: str, inner: str) -> None:
    start, end = trimmed(text, 0, len(text))
    assert text[start:end] == inner
