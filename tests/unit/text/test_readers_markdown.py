"""The reader of Markdown: headings become sections, and the text is the file's own."""

from __future__ import annotations

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import markdown


def _read(text: str) -> Parsed:
    return markdown.read(text.encode(), "page.md")


def _sections(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The first word of each section, and its path."""
    parsed = _read(text)
    return [(parsed.text[section.start :].split()[0], section.path) for section in parsed.sections]


def test_markdown_headings_nest_by_level() -> None:
    sections = _sections("# A\n\n## B\n\n### C\n\n## D\n\n# E\n")
    assert [path for _, path in sections] == [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",)]


def test_markdown_skipped_level_nests_under_the_heading_above() -> None:
    assert [path for _, path in _sections("# A\n\n#### B\n\n## C\n")] == [("A",), ("A", "B"), ("A", "C")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_markdown_underlined_heading_starts_at_its_text(newline: str) -> None:
    text = newline.join(["Intro", "=====", "", "x", "", "Part", "----", "y"])
    assert _sections(text) == [("Intro", ("Intro",)), ("Part", ("Intro", "Part"))]


def test_markdown_fences_indents_and_quotations_have_no_headings() -> None:
    text = "# A\n\n```\n# no\n```\n\n    # no\n\n> # no\n\n- # no\n\n~~~sh\n# no\n"
    assert [path for _, path in _sections(text)] == [("A",)]


def test_markdown_text_is_the_file() -> None:
    text = "# Ü\r\n\r\n* 漢字 😀\r\n"
    parsed = markdown.read(b"\xef\xbb\xbf" + text.encode(), "x.md")
    assert parsed.verbatim
    assert parsed.text == text
    assert parsed.byte_offsets([0, 3]) == [3, 7]


def test_markdown_title_is_the_first_heading_else_the_name() -> None:
    assert _read("text\n\n## First\n\n# Second\n").title == "First"
    assert _read("only text\n").title == "page.md"


def test_markdown_heading_loses_its_markup() -> None:
    text = "# The `omni` *command* [docs](http://x) <b>now</b> ![logo](l.png) &amp; more\n"
    assert _read(text).title == "The omni command docs now logo & more"


def test_markdown_empty_heading_starts_no_section() -> None:
    assert _sections("#\n\ntext\n") == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["---", "..."])
def test_markdown_front_matter_gives_the_title_and_no_heading(newline: str, end: str) -> None:
    lines = ["---", "layout: page", 'title: "A: better one"', end, "", "# Heading", "text"]
    parsed = _read(newline.join(lines))
    assert parsed.title == "A: better one"
    assert [(parsed.line(section.start), section.path) for section in parsed.sections] == [(6, ("Heading",))]


@pytest.mark.parametrize(
    ("line", "title"), [("title: Plain one", "Plain one"), ("title: 'Quoted'", "Quoted"), ("title:", "Heading")]
)
def test_markdown_front_matter_title_may_have_several_forms(line: str, title: str) -> None:
    assert _read(f"---\n{line}\n---\n# Heading\n").title == title


def test_markdown_front_matter_without_a_title_leaves_the_heading() -> None:
    assert _read("---\nsubtitle: x\nnested:\n  title: no\n---\n# Heading\n").title == "Heading"


def test_markdown_rule_at_the_top_is_no_front_matter() -> None:
    assert [path for _, path in _sections("---\n\n# A\n\ntext\n\n---\n\n# B\n")] == [("A",), ("B",)]


def test_markdown_unclosed_front_matter_is_text() -> None:
    assert _read("---\na: b\r\n" + "c: d\r\n" * 2000).title == "page.md"


@pytest.mark.parametrize("hostile", ["[", "*a ", ">", "- ", "`a``b", "<!--", "|a", "![", "\r\n", "&#"])
def test_markdown_hostile_repetition_ends(hostile: str) -> None:
    text = "x\n" + hostile * 30_000
    assert _read(text + "\n\n# End\n").text.startswith(text)
