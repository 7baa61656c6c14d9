"""Fusion of two lists: the parts add up, ties have an order, and rank fusion adds its terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.knowledge.search.fusion import (
    evidence_fusion,
    keyword_evidence,
    plain_rrf,
    vector_evidence,
)
from omni_pipelines.knowledge.search.relevance import Match, log_odds, probability
from omni_pipelines.text.calibration import Calibration

KEYS = st.text("abcdef", min_size=1, max_size=3)
KEYWORD = st.dictionaries(KEYS, st.floats(0, 40), max_size=8)
VECTOR = st.dictionaries(KEYS, st.floats(-1, 1), max_size=8)
SCALE = Calibration(unrelated=0.1, related=0.6)


@given(keyword=KEYWORD, vector=VECTOR)
def test_evidence_fusion_has_parts_that_add_up_in_any_order_of_the_lists(
    keyword: dict[str, float], vector: dict[str, float]
) -> None:
    fused = evidence_fusion(keyword, vector)
    assert {each.key for each in fused} == keyword.keys() | vector.keys()
    assert fused == sorted(fused, key=lambda each: (-each.score, each.key))
    assert fused == evidence_fusion(dict(reversed(keyword.items())), dict(reversed(vector.items())))
    for each in fused:
        assert each.score == pytest.approx(each.keyword_part + each.vector_part)


def test_evidence_of_a_cosine_grows_with_the_best_cosine_of_the_query() -> None:
    sure, unsure = (vector_evidence({"a": best, "b": 0.35}, SCALE, 1.0) for best in (0.6, 0.35))
    assert sure["a"] == pytest.approx(1.0)
    assert sure["b"] == pytest.approx(0.5)
    assert unsure["b"] == pytest.approx(0.25)


def test_evidence_of_a_half_readable_query_is_a_quarter() -> None:
    assert vector_evidence({"a": 0.6}, SCALE, 0.5)["a"] == pytest.approx(0.25)


@given(vector=VECTOR)
def test_evidence_keeps_the_order_of_the_cosines(vector: dict[str, float]) -> None:
    evidence = vector_evidence(vector, SCALE, 1.0)
    by_cosine = sorted(vector, key=lambda key: vector[key])
    assert [evidence[key] for key in by_cosine] == sorted(evidence.values())


def test_evidence_of_words_is_their_score_times_the_weight() -> None:
    assert keyword_evidence({"a": 10.0, "b": 5.0}, 0.1) == pytest.approx({"a": 1.0, "b": 0.5})


def test_plain_rrf_adds_the_terms_of_both_lists_and_breaks_ties_by_key() -> None:
    fused = plain_rrf(["b", "a"], ["a", "b"], k=10)
    assert [each.key for each in fused] == ["a", "b"]
    assert [each.score for each in fused] == pytest.approx([(1 + 11 / 12) / 2] * 2)


@given(keyword=KEYWORD, vector=VECTOR, words=st.floats(0, 1), meaning=st.floats(-1, 2))
def test_probability_keeps_the_order_of_the_evidence(
    keyword: dict[str, float], vector: dict[str, float], words: float, meaning: float
) -> None:
    fused = evidence_fusion(keyword, vector)
    best = fused[0].score if fused else 0.0
    for match in (Match(words, meaning, best), Match(words, None, best), Match(None, meaning, best)):
        scores = [probability(log_odds(each, match)) for each in fused]
        assert all(0 < score < 1 for score in scores)
        assert scores == sorted(scores, reverse=True)
