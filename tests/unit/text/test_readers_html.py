"""The reader of HTML: the visible text, with its lines in the file."""

from __future__ import annotations

import contextlib

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import html

PAGE = """<!doctype html>
<html><head><title>The
 title</title><style>p {}</style></head>
<body>
<h1
  class="x">Top</h1>
<!-- a comment
of two lines --><p>one
two <b>three</b>
four</p>
<script>let x = "<p>no</p>";
</script>
<h2>Sub <em>part</em></h2>
<pre>
def f():
    return 1
</pre>
<ul><li>a<li>b</ul>tail
</body></html>
"""


def _read(text: str) -> Parsed:
    return html.read(text.encode(), "page.html")


def _line_of(parsed: Parsed, words: str) -> int:
    return parsed.line(parsed.text.index(words))


def test_html_keeps_only_visible_text() -> None:
    hidden = "<script>a</script><style>b</style><template>c</template><noscript>d</noscript><p hidden>e</p><!-- f -->"
    assert _read(f"<p>seen{hidden}</p><p>too</p>").text.split() == ["seen", "too"]


def test_html_blocks_are_separated_and_inline_elements_are_not() -> None:
    text = _read("<p>a<b>b</b> c</p><p>d<br>e</p><ul><li>f</li><li>g</li></ul><td>h").text
    assert text.split("\n\n") == ["ab c", "d\ne", "f\ng", "h"]


def test_html_blanks_collapse_except_in_preformatted_text() -> None:
    parsed = _read("<p>a \n\t b</p><pre>if x:\n    y\n\n    z</pre><p>c   d</p>")
    assert parsed.text == "a b\n\nif x:\n    y\n\n    z\n\nc d"


def test_html_headings_nest_and_start_at_their_text() -> None:
    parsed = _read(PAGE)
    assert [(parsed.text[section.start :][:3], section.path) for section in parsed.sections] == [
        ("Top", ("Top",)),
        ("Sub", ("Top", "Sub part")),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_html_text_has_its_line_in_the_file(newline: str) -> None:
    parsed = _read(PAGE.replace("\n", newline))
    lines = {"Top": 6, "one": 8, "two": 9, "three": 9, "four": 10, "Sub": 13, "def f": 15, "return": 16, "tail": 18}
    assert {words: _line_of(parsed, words) for words in lines} == lines


def test_html_lines_are_right_beyond_the_line_limit_of_the_parser() -> None:
    assert _line_of(_read("<p>first</p>" + "\n" * 70_000 + "<p>last</p>"), "last") == 70_001


def test_html_title_is_the_head_title_else_the_first_heading_else_the_name() -> None:
    assert _read(PAGE).title == "The title"
    assert _read("<svg><title>icon</title></svg><h2>Heading</h2>").title == "Heading"
    assert _read("<p>x").title == "page.html"


def test_html_entities_become_characters() -> None:
    assert _read("<p>a &lt;b&gt; &amp; &eacute;&#x1F600;").text == "a <b> & é😀"


def test_html_declared_charset_is_used() -> None:
    raw = '<meta charset="shift_jis"><p>日本語'.encode("shift_jis")
    assert html.read(raw, "x").text == "日本語"


@pytest.mark.parametrize(("declared", "actual"), [("shift_jis", "utf-8"), ("utf-8", "cp1252"), ("utf-16", "utf-8")])
def test_html_wrong_charset_is_ignored(declared: str, actual: str) -> None:
    raw = f'<meta http-equiv="x" content="text/html; charset={declared}"><p>café “x”'.encode(actual)
    assert html.read(raw, "x").text == "café “x”"


def test_html_byte_offsets_refer_to_the_extracted_text() -> None:
    parsed = _read("<p>é</p><p>b")
    assert not parsed.verbatim
    assert parsed.byte_offsets([0, 1, 4]) == [0, 2, 5]


@pytest.mark.parametrize("empty", ["", " \n", "<!-- x -->", "<script>x</script>", "<title>only</title>"])
def test_html_without_visible_text_is_refused(empty: str) -> None:
    with pytest.raises(Unreadable, match="E_NO_TEXT"):
        _read(empty)


def test_html_deeply_nested_text_is_kept() -> None:
    parsed = _read("<p>first" + "<div>" * 1500 + "deep" + "</div>" * 1500 + "<p>last")
    assert parsed.text.split() == ["first", "deep", "last"]


def test_html_too_deep_for_the_parser_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_PARSE: more than 2048"):
        _read("<p>first" + "<div>" * 100_000 + "deep")


def test_html_tag_with_many_attributes_keeps_its_text_and_line() -> None:
    attributes = "\n".join(f"a{number}='>' b{number}" for number in range(50_000))
    parsed = _read(f"<p {attributes}>text</p>")
    assert parsed.text == "text"
    assert _line_of(parsed, "text") == 50_000


@pytest.mark.parametrize(
    "hostile", ["<a '", '<a "', "<", "</", "<!--", "<table>", "<b><p>", "&", "<script>", "<p hidden>"]
)
def test_html_hostile_repetition_ends(hostile: str) -> None:
    with contextlib.suppress(Unreadable):
        assert "x" in _read("<p>x</p>" + hostile * 30_000).text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("<tr><th>animal<th>kg<tr><td>otter<td>7", "animal | kg\notter | 7"),
        ("<tr><td><p>a</p><td><p>b</p><p>c</p>", "a | b\n\nc"),
        ("<tr><td>a<td><td>c", "a |  | c"),
        ("<tr><td>a<tr>\n<td>\n<td>b", "a\n | b"),
        ("<tr><td>a <b>b</b> <td> c", "a b | c"),
    ],
)
def test_html_table_row_is_one_line(rows: str, text: str) -> None:
    assert _read(f"<p>before<table>{rows}</table>after").text == f"before\n\n{text}\n\nafter"


@pytest.mark.parametrize("tag", ["main", "article", "section", "nav", "p"])
def test_html_without_a_body_tag_is_read(tag: str) -> None:
    page = f"<!doctype html><title>Herons</title><{tag}><h1>The heron</h1><p>It waits.</p></{tag}>"
    parsed = html.read(page.encode(), "heron.html")
    assert (parsed.title, parsed.text) == ("Herons", "The heron\n\nIt waits.")
