"""Evidence: units with the words, names and kind that a question asks for are more probable answers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from omni_pipelines.knowledge.answers.composing import CONTAINERS
from omni_pipelines.knowledge.answers.evidence import (
    FEATURES,
    MAX_CANDIDATES,
    MAX_CANDIDATES_PER_HIT,
    Question,
    answer_probability,
    unit_scores,
)
from tests.unit.knowledge.answering import CALIBRATION, asked, hit

FILLER = "The weather was fine on most of these days."


def scores(question: Question) -> dict[str, float]:
    """The score of each candidate, by its text."""
    return dict(zip((each.text for each in question.candidates), unit_scores(question.features), strict=True))


def probability(question: Question) -> float:
    """The probability that the best candidate is an answer."""
    best = int(np.argmax(unit_scores(question.features)))
    return answer_probability(question.features[best], question.calibration)


@pytest.mark.parametrize(
    ("question", "with_words", "without"),
    [
        ("How do otters sleep?", "Otters sleep holding hands in the kelp.", FILLER),
        ("How often are keys rotated?", "Keys are rotated every 30 days.", "Logs are read by the owner of them."),
        ("東大寺はどこにありますか", "東大寺は奈良にあります。", "今日は天気が良かったです。"),
    ],
)
def test_unit_with_all_words_of_the_question_scores_above_one_without(
    question: str, with_words: str, without: str
) -> None:
    found = scores(asked(question, [hit(without), hit(with_words, "b.md")]))
    assert found[with_words] > found.get(without, 0.0)


def test_passage_with_the_words_is_a_more_probable_answer_than_one_without() -> None:
    question = "How often are the keys rotated?"
    near = probability(asked(question, [hit("Keys are rotated every 30 days.")]))
    far = probability(asked(question, [hit(FILLER)]))
    assert near > far


def test_number_scores_above_none_where_a_question_asks_how_many() -> None:
    number, none = "The handbook says vacation lasts 27 days.", "The handbook says vacation lasts some days."
    found = scores(asked("How many days of vacation?", [hit(none), hit(number, "b.md")]))
    assert found[number] > found[none]


def test_name_that_no_passage_has_lowers_the_probability() -> None:
    text = "The default timeout of the client is 30 seconds."
    named = probability(asked("What is the default timeout of the client?", [hit(text)]))
    other = probability(asked("What is the default timeout of the ZX81 client?", [hit(text)]))
    assert other < named


def test_heading_and_title_count_as_words_of_a_unit() -> None:
    text = "They sleep holding hands in the kelp."
    with_heading = probability(asked("How do otters sleep?", [hit(text, heading="Otters")]))
    without = probability(asked("How do otters sleep?", [hit(text)]))
    assert with_heading > without


def test_evidence_has_the_bias_of_the_embedder() -> None:
    question = asked("How do otters sleep?", [hit(f"Otters sleep in the kelp. {FILLER}")])
    doubted = replace(question, calibration=replace(CALIBRATION, answer_bias=-0.4))
    odds = [each / (1 - each) for each in (probability(question), probability(doubted))]
    assert math.log(odds[0] / odds[1]) == pytest.approx(0.4)


def test_scores_are_shares_of_the_best() -> None:
    question = asked("How do otters sleep?", [hit(f"Otters sleep in the kelp. {FILLER}")])
    found = unit_scores(question.features)
    assert question.features.shape == (len(question.candidates), len(FEATURES))
    assert max(found) == 1.0
    assert all(0 < score <= 1 for score in found)
    assert all(0 < answer_probability(features, CALIBRATION) < 1 for features in question.features)


def test_candidates_are_limited_and_contain_no_other_unit() -> None:
    text = " ".join(f"Otters sleep well on day {number} of the year." for number in range(30))
    question = asked("How do otters sleep?", [hit(text, f"{number}.md") for number in range(9)])
    assert len(question.candidates) == MAX_CANDIDATES
    by_hit = [each.unit.hit.path for each in question.candidates]
    assert max(by_hit.count(path) for path in by_hit) <= MAX_CANDIDATES_PER_HIT
    assert not any(each.unit.kind in CONTAINERS for each in question.candidates)


def test_question_without_passages_has_no_candidates() -> None:
    question = asked("How do otters sleep?", [])
    assert question.candidates == []
    assert question.features.shape == (0, len(FEATURES))


def test_words_that_no_source_has_are_unmentioned() -> None:
    question = asked("Do otters sleep in an eclipse?", [hit("Otters sleep in the kelp.")])
    assert question.unmentioned == ("eclipse",)


@pytest.mark.parametrize(
    ("question", "unmentioned"),
    [
        ("How do I use an eclipse?", ("eclipse",)),
        ("What is an eclipse used for?", ("eclipse",)),
        ("How does an eclipse work, exactly?", ("eclipse",)),
        ("How does nobody see an eclipse anymore?", ("eclipse",)),
        ("What is the best way to make anything?", ()),
        ("Wie benutze ich eine Finsternis?", ("Finsternis",)),
        ("日食使用", ("日食使用",)),
    ],
)
def test_words_that_every_subject_shares_are_not_named_as_unmentioned(
    question: str, unmentioned: tuple[str, ...]
) -> None:
    assert asked(question, [hit("Otters sleep in the kelp.")]).unmentioned == unmentioned


def test_licences_are_quoted_only_where_the_question_asks_for_one() -> None:
    text = "The project is licensed under the terms of the Apache licence."
    assert asked("Which terms has the project?", [hit(text)]).candidates == []
    assert asked("Which licence has the project?", [hit(text)]).candidates
