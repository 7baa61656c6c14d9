"""Questions for what changed in a version are answered by what is below its heading."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.changes import changed_version, find_changes
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.extraction import DECLARED_EVIDENCE
from omni_pipelines.knowledge.search.hits import Hit
from tests.unit.knowledge.answering import ask, hit

LOG = (
    "## [2.3.1] - 2024-05-21\n\n### Fixed\n\n- Ropes in rain.\n\n"
    "## [2.3.0] - 2024-05-07\n\n### Added\n\n- Boats can be split.\n- Sails.\n\n### Removed\n\n"
    "- Oars made of old wood.\n"
)


def told(question: str, text: str = LOG) -> Answer:
    """The answer of a list of changes of Moor."""
    heading = "; ".join(line.removeprefix("## ") for line in text.splitlines() if line.startswith("## "))
    return ask(question, [hit(text, "moor/CHANGELOG.md", title="Changelog", heading=heading)])


@pytest.mark.parametrize(
    "question",
    [
        *("what changed in 2.3.0", "What's new in version 2.3?", "changelog v2.3.0", "new features in 2.3.0"),
        *("release notes of moor 2.3.0", "Was hat sich in 2.3.0 geändert?", "Which changes are in release 2.3.0?"),
    ],
)
def test_changes_of_a_version_are_the_lists_below_its_heading(question: str) -> None:
    answer = told(question)
    assert [(each.label, each.text) for each in answer.sentences] == [
        ("[2.3.0] - 2024-05-07 > Added", "- Boats can be split.\n- Sails."),
        ("[2.3.0] - 2024-05-07 > Removed", "- Oars made of old wood."),
    ]


def test_one_kind_of_changes_is_what_is_below_its_heading() -> None:
    assert told("What was removed in 2.3.0?").answer == "- Oars made of old wood."


@pytest.mark.parametrize(
    "heading",
    [
        "## 2.3.0",
        "## v2.3.0 (2024-05-07)",
        "## Version 2.3.0",
        "## What's new in Moor 2.3",
        "## Release of Moor 2.3.0",
    ],
)
def test_heading_of_a_version_begins_with_it_or_with_some_words(heading: str) -> None:
    answer = told("what changed in 2.3.0", f"## {heading}\n\nBoats can be split by sailors.\n")
    assert answer.evidence == DECLARED_EVIDENCE


@pytest.mark.parametrize(
    "heading", ["2.3.x", "2.3.01", "2.3.0rc1", "2.3.0-beta", "From 2.3.0 to 2.4", "12.3.0", "2.3.1"]
)
def test_heading_of_other_versions_is_none_of_a_version(heading: str) -> None:
    answer = told("what changed in 2.3.0", f"## {heading}\n\nBoats can be split by sailors.\n")
    assert answer.evidence < DECLARED_EVIDENCE


@pytest.mark.parametrize(
    "question",
    [
        *("what changed since 2.3.0", "what changed between 2.2 and 2.3", "how do I install 2.3.0", "what changed"),
        "does 2.3.0 need oars",
    ],
)
def test_other_questions_ask_for_no_list_of_changes(question: str) -> None:
    assert not changed_version(question)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("what changed in 2.3.0", LOG.replace("[2.3.0]", "[2.3.01]")),
        ("what changed in 2.3.0", LOG.replace("[2.3.0]", "[12.3.0]")),
        ("what changed in heron 2.3.0", LOG),
        ("which flags changed in 2.3.0", LOG),
    ],
)
def test_list_of_another_version_program_or_thing_is_not_told_as_a_whole(question: str, text: str) -> None:
    assert told(question, text).evidence < DECLARED_EVIDENCE == told("what changed in 2.3.0").evidence


def test_passages_of_a_version_are_found_by_it_alone_however_it_is_written() -> None:
    below = hit("- Oars made of old wood.", "a.md", heading="Changelog > 2.3.0 > Removed")
    inside = hit(f"# Changelog\n\n{LOG}", "c.md", heading="Changelog")
    other = hit("- Version 2.3.0 of the rope is here.", "b.md", heading="Ropes")
    asked: list[str] = []

    def find(query: str) -> list[Hit]:
        asked.append(query)
        return [other, below, inside]

    assert find_changes("what changed in 2.3.0", [], find) == [below, inside]
    assert find_changes("what changed in 2.3.0", [below], find) == [inside]
    assert set(asked) == {'"2.3.0"', '"v2.3.0"', '"2.3"', '"v2.3"'}
    assert find_changes("how do boats moor", [], find) == []


def test_changes_are_told_from_a_passage_that_begins_above_their_version() -> None:
    answer = ask("what is new in 2.3.0", [hit(f"# Changelog\n\n{LOG}", "CHANGELOG.md", heading="Changelog")])
    assert [each.text for each in answer.sentences] == ["- Boats can be split.\n- Sails.", "- Oars made of old wood."]
