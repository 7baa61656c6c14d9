"""reStructuredText: titles by their rules."""

from __future__ import annotations

import pytest

from omni_pipelines.text.readers import restructured


def _paths(text: str) -> list[tuple[str, ...]]:
    return [section.path for section in restructured.read(text.encode(), "page.rst").sections]


def test_levels_go_by_the_order_in_which_rules_appear() -> None:
    text = "Doc\n~~~\n\nPart\n====\n\nMore\n~~~~\n\nSub\n===\n\nLeaf\n....\n"
    assert _paths(text) == [("Doc",), ("Doc", "Part"), ("More",), ("More", "Sub"), ("More", "Sub", "Leaf")]


def test_a_rule_above_as_well_is_another_level() -> None:
    assert _paths("=====\n Doc\n=====\n\nPart\n====\n\nNext\n====\n") == [("Doc",), ("Doc", "Part"), ("Doc", "Next")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_section_begins_at_its_title_whatever_ends_its_lines(newline: str) -> None:
    text = newline.join(["intro", "", "Title", "=====", "", "text", "", "Next", "====", "x"])
    parsed = restructured.read(text.encode(), "x.rst")
    assert [parsed.text[each.start :][:4] for each in parsed.sections] == ["Titl", "Next"]
    assert [parsed.line(each.start) for each in parsed.sections] == [3, 8]


@pytest.mark.parametrize(
    "text",
    [
        "===== =====\nA     B\n===== =====\n1     2\n===== =====\n",
        "+---+---+\n| a | b |\n+---+---+\n",
        "before\n\n------\n\nafter\n",
        "code::\n\n    Title\n    =====\n",
        "Too long a title\n===\n",
        "a paragraph\nthat goes on\n------------\n",
    ],
)
def test_tables_transitions_code_and_paragraphs_are_no_titles(text: str) -> None:
    assert _paths(text) == []


def test_a_title_may_follow_a_target_or_another_title() -> None:
    assert _paths(".. _here:\nTitle\n=====\nSub\n---\n") == [("Title",), ("Title", "Sub")]


def test_the_first_title_is_that_of_the_document_else_its_name() -> None:
    assert restructured.read(b"x\n\nFirst\n-----\n", "n.rst").title == "First"
    assert restructured.read(b"only text\n", "n.rst").title == "n.rst"


def test_long_rules_end() -> None:
    assert _paths("=" * 200_000 + "\n" + "-" * 200_000 + "\n" + "=-" * 100_000) == []
