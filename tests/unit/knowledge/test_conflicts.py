"""Conflicts: contradicting sentences of different documents are reported, and similar ones are not."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.conflicts import difference, find_conflicts
from tests.unit.knowledge.answering import ask, hit, stem


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("Keys are rotated every 30 days.", "Keys are rotated every 90 days.", "30 against 90"),
        ("The limit is 1,000 calls a minute.", "The limit is 500 calls a minute.", "1000 against 500"),
        ("Version 3.2 is needed to build it here.", "Version 3.4 is needed to build it here.", "3.2 against 3.4"),
        ("Backups are kept by default.", "Backups are not kept by default.", "one denies what the other says"),
        (
            "- Your own car: 0.30 euros per kilometre.",
            "- Trains: 12 euros.\n- Your own car: 0.42 euros per kilometre. Ask for the pool car first.",
            "0.30 against 0.42",
        ),
        (
            "Users can delete their account.",
            "Users can never delete their account.",
            "one denies what the other says",
        ),
    ],
)
def test_difference_names_other_figures_and_negations(one: str, other: str, says: str) -> None:
    assert difference(one, other, stem) == says
    assert difference(other, one, stem)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Keys are rotated every 30 days.", "Keys are rotated every 30 days, or by hand."),
        ("Keys are rotated every 30 days.", "Logs are kept for 90 days."),
        ("The red pump weighs 30 kilos.", "The blue valve weighs 40 kilos."),
        ("Keys are rotated every 30 days.", "Keys are rotated by the owner every month."),
        ("Backups are not kept by default.", "Backups are never kept by default."),
        ("Status: accepted, supersedes decision 7.", "Status: superseded by decision 11."),
    ],
)
def test_difference_of_sentences_that_do_not_contradict_is_empty(one: str, other: str) -> None:
    assert difference(one, other, stem) == ""


def test_sentences_of_one_document_do_not_conflict() -> None:
    texts = ["Keys are rotated every 30 days.", "Keys are rotated every 90 days."]
    assert find_conflicts(texts, ["a", "a"], stem) == ()
    (conflict,) = find_conflicts(texts, ["a", "b"], stem)
    assert (conflict.first, conflict.second) == (1, 2)


def test_answer_quotes_both_sides_of_a_conflict() -> None:
    answer = ask(
        "How often are keys rotated?",
        [
            hit("Keys are rotated every 30 days by the service.", "new.md"),
            hit("The moon is far away from here.", "moon.md"),
            hit("Keys are rotated every 90 days by the service.", "old.md"),
        ],
    )
    (conflict,) = answer.conflicts
    quoted = {answer.sentences[number - 1].citations[0].path for number in (conflict.first, conflict.second)}
    assert quoted == {"new.md", "old.md"}


def test_answer_from_sources_that_agree_has_no_conflicts() -> None:
    answer = ask(
        "How do otters sleep?", [hit("Otters sleep in the kelp."), hit("Otters sleep holding hands.", "b.md")]
    )
    assert answer.sentences
    assert answer.conflicts == ()
