"""The words of a question, weighted by how rare they are and by how much they say about its subject."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.query_words import QueryWord
from omni_pipelines.knowledge.answers.weighted_words import WeightedWords


def word(surface: str, count: int) -> QueryWord:
    return QueryWord(surface, frozenset([surface]), count)


def test_rare_words_weigh_more_and_all_weights_are_one() -> None:
    words = WeightedWords.of([word("sleep", 500), word("otter", 3)], 1_000)
    common, rare = words.weights
    assert rare > common > 0
    assert common + rare == pytest.approx(1.0)


def test_word_that_every_subject_shares_weighs_less() -> None:
    shared, own = WeightedWords.of([word("keep", 3), word("otter", 3)], 1_000).weights
    assert own > 3 * shared > 0


def test_words_that_only_ask_do_not_count_unless_there_are_no_others() -> None:
    assert [each.surface for each in WeightedWords.of([word("many", 3), word("otter", 3)], 9).words] == ["otter"]
    assert [each.surface for each in WeightedWords.of([word("many", 3)], 9).words] == ["many"]


@given(st.lists(st.integers(0, 50), max_size=6), st.integers(0, 50), st.data())
def test_coverage_is_a_share_that_grows_with_the_words(counts: list[int], entries: int, data: st.DataObject) -> None:
    surfaces = [f"w{number}" for number in range(len(counts))]
    words = WeightedWords.of([word(*pair) for pair in zip(surfaces, counts, strict=True)], entries)
    some = set(data.draw(st.lists(st.sampled_from(surfaces)) if surfaces else st.just([])))
    assert words.coverage(set()) == 0.0
    assert 0 <= words.coverage(some) <= words.coverage(set(surfaces)) <= 1 + 1e-9
    assert words.coverage(some) + words.heaviest_missing(some) <= 1 + 1e-9
    assert words.heaviest_missing(set(surfaces)) == 0.0


def test_near_meaning_counts_for_a_word_in_part() -> None:
    words = WeightedWords.of([word("sleep", 3), word("otter", 3)], 100)
    near = np.array([0.5, 0.0])
    assert words.coverage({"otter"}, near) == pytest.approx(0.75)
    assert words.heaviest_missing({"otter"}, near) == pytest.approx(0.25)


def test_question_without_words_is_covered_by_nothing() -> None:
    words = WeightedWords.of([], 10)
    assert (words.coverage({"otter"}), words.heaviest_missing(set())) == (0.0, 0.0)
