"""Requests find the skill or tool for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.routing import RoutingScores, built_in_router, labelled_queries
from omni_pipelines.agent_tools.routing import Confidence, Router, RoutingEntry, confidence_in
from omni_pipelines.testing.fakes import FakeEmbedder

ROUTER = built_in_router(None)
QUERIES = list(labelled_queries())


def test_there_are_at_least_ten_kinds_of_queries_and_each_names_what_ships() -> None:
    assert len(QUERIES) >= 120
    assert len({query.kind for query in QUERIES}) >= 10
    assert all(query.best and (query.best | query.good) <= set(ROUTER.names) for query in QUERIES)
    assert sum(query.is_held_back for query in QUERIES) == len(QUERIES) // 3


def test_words_alone_find_most_of_what_is_asked_for() -> None:
    scores = RoutingScores.of([(query, ROUTER.route(query.text)) for query in QUERIES])
    assert scores.ndcg >= 0.83, scores
    assert scores.success >= 0.85, scores


@pytest.mark.parametrize(
    ("query", "first", "reason"),
    [
        ("git.log", "git.log", "log"),
        ("list fodlers", "files", "fodlers"),
        ("knowledge", "knowledge", "knowledge"),
    ],
)
def test_the_first_route_has_its_reason(query: str, first: str, reason: str) -> None:
    route = ROUTER.route(query)[0]
    assert (route.name, route.confidence) == (first, Confidence.HIGH)
    assert reason in route.reason


def test_a_meaning_without_any_common_word_is_found_with_an_embedder() -> None:
    entries = [RoutingEntry("a", "tool", "one thing"), RoutingEntry("b", "tool", "another thing")]
    assert Router(entries).route("unheard") == []
    routes = Router(entries, FakeEmbedder()).route("one thing")
    assert routes[0].name == "a"
    assert "meaning: 1.00" in routes[0].reason


def test_confidence_is_high_for_a_high_score_or_a_clear_lead_and_low_below_the_middle() -> None:
    assert confidence_in(0.8, 0.0) is Confidence.HIGH
    assert confidence_in(0.6, 0.2) is Confidence.HIGH
    assert confidence_in(0.6, 0.1) is Confidence.MEDIUM
    assert confidence_in(0.4, 0.4) is Confidence.LOW


@given(st.text(max_size=2_000))
def test_any_text_is_routed_in_order_and_the_same_way_again(text: str) -> None:
    routes = ROUTER.route(text, 3)
    assert routes == ROUTER.route(text, 3)
    assert [each.score for each in routes] == sorted((each.score for each in routes), reverse=True)
    assert len(routes) <= 3
