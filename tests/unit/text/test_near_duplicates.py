"""Near duplicates: the groups are those that comparing all pairs would give."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.text.near_duplicates import near_duplicates, resemblance, shingles, signature

WORDS = [f"word{number}" for number in range(40)]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS[:8]), max_size=12).map(" ".join), max_size=12)


def story(seed: int, length: int = 120) -> list[str]:
    r = random.Random(seed)
    return [f"{r.choice(WORDS)}{r.randrange(50)}" for _ in range(length)]


def by_all_pairs(texts: list[str], min_similarity: float) -> list[tuple[int, ...]]:
    marks = [shingles(text) for text in texts]
    group = list(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            if resemblance(marks[one], marks[other]) >= min_similarity:
                old, new = group[one], group[other]
                group = [new if label == old else label for label in group]
    members = {label: tuple(index for index in range(len(texts)) if group[index] == label) for label in group}
    return sorted(indices for indices in members.values() if len(indices) > 1)


@given(texts=TEXTS)
def test_groups_equal_those_of_comparing_all_pairs(texts: list[str]) -> None:
    assert sorted(group.members for group in near_duplicates(texts, 0.9)) == by_all_pairs(texts, 0.9)


@pytest.mark.parametrize("seed", range(5))
def test_edited_copies_are_grouped_and_other_texts_are_not(seed: int) -> None:
    texts = []
    for number in range(20):
        words = story(1_000 * seed + number)
        edited = [*words]
        edited[number * 3] = "changed"
        texts += [" ".join(words), " ".join(edited), " ".join(story(1_000 * seed + 500 + number))]
    expected = [(3 * number, 3 * number + 1) for number in range(20)]
    assert [group.members for group in near_duplicates(texts)] == expected
    assert by_all_pairs(texts, 0.8) == expected


@pytest.mark.parametrize(("length", "groups"), [(11, [(0, 1)]), (10, [])], ids=["0.8", "0.78"])
def test_texts_are_near_duplicates_from_a_similarity_of_four_fifths(
    length: int, groups: list[tuple[int, ...]]
) -> None:
    words = WORDS[:length]
    texts = [" ".join(words), " ".join([*words[:-1], "changed"])]  # they share all shingles of three words but one
    assert [group.members for group in near_duplicates(texts)] == groups


def test_signature_estimates_the_resemblance() -> None:
    words = story(1, 400)
    one, other = shingles(" ".join(words)), shingles(" ".join(words[:300] + story(2, 100)))
    estimated = float(np.mean(signature(one) == signature(other)))
    assert estimated == pytest.approx(resemblance(one, other), abs=0.15)


def test_case_and_punctuation_are_ignored() -> None:
    (group,) = near_duplicates(["The Quick, brown fox!", "the quick brown (fox)", "a slow red hen"])
    assert (group.members, group.similarity) == ((0, 1), 1.0)


def test_texts_without_words_are_in_no_group() -> None:
    assert near_duplicates(["", "", "---", "---"]) == []


def test_texts_without_spaces_are_compared_by_character() -> None:
    text = "東京は日本の首都である。人口は約千四百万人で、世界最大級の都市である。"
    (group,) = near_duplicates([text, text.replace("約", "凡"), "京都は古い都である。寺が多い。"], 0.7)
    assert group.members == (0, 1)
