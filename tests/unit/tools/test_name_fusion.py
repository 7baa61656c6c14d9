"""Rank fusion for tools gives the published figures, and its parts add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.tools.name_fusion import NamedItem, adaptive_rrf, weighted_rrf

KEYS = st.text("abcdef", min_size=1, max_size=3)
KEYWORD = st.dictionaries(KEYS, st.floats(0, 40), max_size=8)
VECTOR = st.dictionaries(KEYS, st.floats(-1, 1), max_size=8)
COMMAND_VECTORS = {"git.commit": 0.92, "git.status": 0.83, "filesystem.read": 0.55}
COMMAND_KEYWORDS = {"git.commit": 3.2, "git.status": 2.4, "git.diff": 1.1}


def commands(*names: str) -> dict[str, NamedItem]:
    return {name: NamedItem(name, f"Description of {name}", "tool") for name in names}


def test_weighted_rrf_gives_the_published_figures() -> None:
    fused = weighted_rrf("git commit", COMMAND_KEYWORDS, COMMAND_VECTORS, commands(*COMMAND_VECTORS, "git.diff"))
    assert [(each.key, round(each.score, 6)) for each in fused] == [
        ("git.commit", 0.887273),
        ("git.status", 0.538333),
        ("git.diff", 0.445385),
        ("filesystem.read", 0.076923),
    ]


def test_adaptive_rrf_gives_the_published_figures() -> None:
    vectors = {"git.commit": 0.95, "git.status": 0.79, "filesystem.read": 0.51}
    fused = adaptive_rrf("git commit", {"git.commit": 2.8, "git.status": 2.0}, vectors, commands(*vectors))
    assert [(each.key, round(each.score, 6)) for each in fused] == [
        ("git.commit", 1.18),
        ("git.status", 0.799333),
        ("filesystem.read", 0.327077),
    ]


def test_weighted_rrf_with_few_keyword_hits_trusts_the_vectors() -> None:
    fused = {each.key: each for each in weighted_rrf("x", {"a": 5.0}, {"b": 0.5}, {})}
    assert fused["a"].score == pytest.approx(0.1 / 11)
    assert fused["b"].score == pytest.approx(2.0 / 11 + 0.3 * 0.5)


def test_adaptive_rrf_counts_keyword_only_items_half() -> None:
    keyword = dict.fromkeys("abcde", 1.0)
    fused = {each.key: each.score for each in adaptive_rrf("x", keyword, {"b": 0.9}, {})}
    assert fused["a"] == pytest.approx(0.5 * 1.5 / 11)
    assert fused["b"] == pytest.approx(1.5 / 12 + 1.0 / 11)


def test_weighted_rrf_boosts_names_that_contain_the_query_and_search_for_files() -> None:
    items = {"tool": NamedItem("find files", "by extension"), "other": NamedItem("commit", "a change")}
    fused = {each.key: each for each in weighted_rrf("find files", {}, dict.fromkeys(items, 0.5), items)}
    assert fused["tool"].boost_part == pytest.approx(2 * 0.3 + 0.5 + 0.25)
    assert fused["other"].boost_part == 0.0


def test_weighted_rrf_boosts_words_in_category_and_description_up_to_a_limit() -> None:
    words = "alpha beta gamma delta epsilon zeta"
    items = {"k": NamedItem("x", words, words)}
    one_word, all_words = (
        next(each for each in weighted_rrf(query, {"k": 1.0, "l": 1.0}, {}, items) if each.key == "k").boost_part
        for query in ("alpha", words)
    )
    assert one_word == pytest.approx(0.05 + 0.03)
    assert all_words == pytest.approx(0.45)


@given(keyword=KEYWORD, vector=VECTOR)
def test_name_fusion_has_parts_that_add_up(keyword: dict[str, float], vector: dict[str, float]) -> None:
    items = {key: NamedItem(key, "about a") for key in keyword.keys() | vector.keys()}
    for each in weighted_rrf("abc a", keyword, vector, items):
        assert each.score == pytest.approx(each.keyword_part + each.vector_part + each.boost_part)
