"""Groups are what comparing all pairs would give, and the same every time."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.text.near_duplicates import MIN_SIMILARITY, near_duplicates, resemblance, shingles, signature

WORDS = [f"word{number}" for number in range(40)]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS[:8]), max_size=12).map(" ".join), max_size=12)


def story(seed: int, length: int = 120) -> list[str]:
    chance = random.Random(seed)
    return [f"{chance.choice(WORDS)}{chance.randrange(50)}" for _ in range(length)]


def by_all_pairs(texts: list[str], least: float) -> list[tuple[int, ...]]:
    marks = [shingles(text) for text in texts]
    group = list(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            if resemblance(marks[one], marks[other]) >= least:
                old, new = group[one], group[other]
                group = [new if each == old else each for each in group]
    members = {each: tuple(at for at in range(len(texts)) if group[at] == each) for each in group}
    return sorted(found for found in members.values() if len(found) > 1)


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
    print(f"seed {seed}")  # noqa: T201
    expected = [(3 * number, 3 * number + 1) for number in range(20)]
    assert [group.members for group in near_duplicates(texts)] == expected
    assert by_all_pairs(texts, MIN_SIMILARITY) == expected


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
