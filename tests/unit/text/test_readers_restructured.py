"""The reader of reStructuredText: underlined titles become sections."""

from __future__ import annotations

import pytest

from omni_pipelines.text.readers.markup import restructured


def _paths(text: str) -> list[tuple[str, ...]]:
    return [section.path for section in restructured.read(text.encode(), "page.rst").sections]


def test_rst_levels_follow_the_order_of_the_title_styles() -> None:
    text = "Doc\n~~~\n\nPart\n====\n\nMore\n~~~~\n\nSub\n===\n\nLeaf\n....\n"
    assert _paths(text) == [("Doc",), ("Doc", "Part"), ("More",), ("More", "Sub"), ("More", "Sub", "Leaf")]


def test_rst_overlined_title_is_another_level() -> None:
    assert _paths("=====\n Doc\n=====\n\nPart\n====\n\nNext\n====\n") == [("Doc",), ("Doc", "Part"), ("Doc", "Next")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_rst_section_starts_at_its_title_with_any_line_end(newline: str) -> None:
    text = newline.join(["intro", "", "Title", "=====", "", "text", "", "Next", "====", "x"])
    parsed = restructured.read(text.encode(), "x.rst")
    assert [parsed.text[section.start :][:4] for section in parsed.sections] == ["Titl", "Next"]
    assert [parsed.line(section.start) for section in parsed.sections] == [3, 8]


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
def test_rst_tables_transitions_code_and_paragraphs_are_no_titles(text: str) -> None:
    assert _paths(text) == []


def test_rst_title_may_follow_a_target_or_another_title() -> None:
    assert _paths(".. _here:\nTitle\n=====\nSub\n---\n") == [("Title",), ("Title", "Sub")]


def test_rst_title_of_the_document_is_the_first_title_else_the_name() -> None:
    assert restructured.read(b"x\n\nFirst\n-----\n", "n.rst").title == "First"
    assert restructured.read(b"only text\n", "n.rst").title == "n.rst"


def test_rst_long_rules_end() -> None:
    assert _paths("=" * 200_000 + "\n" + "-" * 200_000 + "\n" + "=-" * 100_000) == []


def test_rst_description_of_an_object_is_a_section_up_to_the_end_of_its_indentation() -> None:
    text = (
        "Boats\n=====\n\n.. class:: Boat(name, *, fee=3)\n\n   A boat.\n\n"
        "   .. method:: moor(\\*quays)\n\n      Moor it.\n\n"
        "   It floats.\n\n.. c:macro:: QUAY\n\n   A quay.\n\nThe end.\n\nMore\n====\n"
    )
    parsed = restructured.read(text.encode(), "x.rst")
    assert parsed.title == "Boats"
    assert [(parsed.text[each.start :].split("\n")[0].strip(), each.path[1:]) for each in parsed.sections] == [
        ("Boats", ()),
        (".. class:: Boat(name, *, fee=3)", ("Boat(name, *, fee=3)",)),
        (".. method:: moor(\\*quays)", ("Boat(name, *, fee=3)", "moor(*quays)")),
        ("It floats.", ("Boat(name, *, fee=3)",)),
        (".. c:macro:: QUAY", ("QUAY",)),
        ("The end.", ()),
        ("More", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        ".. note:: Boats\n\n   are grey.\n",
        ".. code-block:: rst\n\n   .. option:: -j\n\n      Boats.\n",
        "Write this::\n\n   .. option:: -j\n\n      Boats.\n",
        ".. image:: boats.png\n",
        ".. option::\n\n   Boats.\n",
    ],
)
def test_rst_other_directives_and_shown_ones_are_no_sections(text: str) -> None:
    assert _paths(text) == []
