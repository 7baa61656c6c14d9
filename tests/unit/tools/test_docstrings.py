"""A docstring in Google's form is taken apart as its writer meant it."""

from __future__ import annotations

import pytest

from omni_pipelines.tools.docstrings import parse_docstring


def test_a_line_that_goes_on_belongs_to_its_argument() -> None:
    text = """Do it.

    Args:
        where: A place,
            note: not a parameter.
        k (int, optional): How many.

            More of it.
    """
    assert parse_docstring(text).arguments == {
        "where": "A place, note: not a parameter.",
        "k": "How many. More of it.",
    }


def test_other_sections_are_not_told_to_callers() -> None:
    text = """Do it.

    Second paragraph
    on two lines.

    Returns:
        x: a number.

    Raises:
        ValueError: never.
    """
    found = parse_docstring(text)
    assert found.description == "Do it.\n\nSecond paragraph on two lines."
    assert found.arguments == {}


def test_an_argument_is_described_below_its_name() -> None:
    assert parse_docstring("Do it.\n\nArgs:\n    x:\n        A number.").arguments == {"x": "A number."}


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_an_empty_docstring_says_nothing(text: str) -> None:
    assert parse_docstring(text).description == ""


def test_a_section_between_words_is_no_section() -> None:
    assert parse_docstring("Do it. Args: none.").description == "Do it. Args: none."
