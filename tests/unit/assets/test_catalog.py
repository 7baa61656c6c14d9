"""What the catalog's page is given: Markdown tables that show what documents say, and render nothing of it."""

from __future__ import annotations

import html
import re

import hypothesis.strategies as st
import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from assets.catalog import markdown

PAGE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def cells(text: str) -> list[str]:
    """The cells of a row with `text` in it, as a browser would show them. Tags that were not escaped stay in."""
    shown = PAGE.render(markdown({"Some": [{"text": text, "n": 1}]}))
    return [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", shown, re.DOTALL)]


def test_sections_become_tables_under_headings() -> None:
    assert markdown({"Sizes": [{"name": "a", "rows": 1200}, {"name": "b", "rows": 3}]}) == (
        "#### Sizes\n\n| name | rows |\n| --- | ---: |\n| a | 1,200 |\n| b | 3 |"
    )


@pytest.mark.parametrize("sections", [{}, {"Sizes": []}], ids=str)
def test_where_there_is_nothing_it_says_so(sections: dict[str, list[dict[str, object]]]) -> None:
    assert markdown(sections) == "Nothing yet."


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/x.png)",
        "[x](https://evil.example)",
        "<img src=https://evil.example>",
        "<https://evil.example>",
        "&lt;b&gt;",
        "a | b",
        "`code` *strong* _em_ ~~out~~ # heading",
        "two\nlines",
        "back\\slash \\| \\",
    ],
)
def test_a_documents_markup_is_text_on_the_page(text: str) -> None:
    assert cells(text) == [" ".join(text.split()), "1"]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert cells(text) == [" ".join(text.split()), "1"]
