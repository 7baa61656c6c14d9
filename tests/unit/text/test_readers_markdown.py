"""Markdown: headings to sections, text untouched."""

from __future__ import annotations

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import markdown


def _read(text: str) -> Parsed:
    return markdown.read(text.encode(), "page.md")


def _sections(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The first word of each section, and its path."""
    parsed = _read(text)
    return [(parsed.text[each.start :].split()[0], each.path) for each in parsed.sections]


def test_headings_nest_by_level() -> None:
    found = _sections("# A\n\n## B\n\n### C\n\n## D\n\n# E\n")
    assert [path for _, path in found] == [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",)]


def test_a_skipped_level_nests_under_what_is_above() -> None:
    assert [path for _, path in _sections("# A\n\n#### B\n\n## C\n")] == [("A",), ("A", "B"), ("A", "C")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_underlined_headings_begin_at_their_text(newline: str) -> None:
    text = newline.join(["Intro", "=====", "", "x", "", "Part", "----", "y"])
    assert _sections(text) == [("Intro", ("Intro",)), ("Part", ("Intro", "Part"))]


def test_what_stands_in_a_fence_an_indent_or_a_quotation_is_no_heading() -> None:
    text = "# A\n\n```\n# no\n```\n\n    # no\n\n> # no\n\n- # no\n\n~~~sh\n# no\n"
    assert [path for _, path in _sections(text)] == [("A",)]


def test_the_text_is_the_file() -> None:
    text = "# Ü\r\n\r\n* 漢字 😀\r\n"
    parsed = markdown.read(b"\xef\xbb\xbf" + text.encode(), "x.md")
    assert parsed.verbatim
    assert parsed.text == text
    assert parsed.byte_offsets([0, 3]) == [3, 7]


def test_the_first_heading_is_the_title_else_the_name() -> None:
    assert _read("text\n\n## First\n\n# Second\n").title == "First"
    assert _read("only text\n").title == "page.md"


def test_a_heading_is_read_without_its_markup() -> None:
    text = "# The `omni` *command* [docs](http://x) <b>now</b> ![logo](l.png) &amp; more\n"
    assert _read(text).title == "The omni command docs now logo & more"


def test_an_empty_heading_opens_no_section() -> None:
    assert _sections("#\n\ntext\n") == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["---", "..."])
def test_front_matter_is_no_heading_and_its_title_counts(newline: str, end: str) -> None:
    lines = ["---", "layout: page", 'title: "A: better one"', end, "", "# Heading", "text"]
    parsed = _read(newline.join(lines))
    assert parsed.title == "A: better one"
    assert [(parsed.line(each.start), each.path) for each in parsed.sections] == [(6, ("Heading",))]


@pytest.mark.parametrize(
    ("line", "title"), [("title: Plain one", "Plain one"), ("title: 'Quoted'", "Quoted"), ("title:", "Heading")]
)
def test_the_title_in_front_matter_may_be_written_in_several_ways(line: str, title: str) -> None:
    assert _read(f"---\n{line}\n---\n# Heading\n").title == title


def test_front_matter_without_a_title_leaves_it_to_the_heading() -> None:
    assert _read("---\nsubtitle: x\nnested:\n  title: no\n---\n# Heading\n").title == "Heading"


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert [path for _, path in _sections("---\n\n# A\n\ntext\n\n---\n\n# B\n")] == [("A",), ("B",)]


def test_front_matter_that_never_ends_is_text() -> None:
    assert _read("---\na: b\r\n" + "c: d\r\n" * 2000).title == "page.md"


@pytest.mark.parametrize("hostile", ["[", "*a ", ">", "- ", "`a``b", "<!--", "|a", "![", "\r\n", "&#"])
def test_hostile_repetition_ends(hostile: str) -> None:
    text = "x\n" + hostile * 30_000
    assert _read(text + "\n\n# End\n").text.startswith(text)
