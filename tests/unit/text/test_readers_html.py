"""The reader of HTML: the visible text, with its lines in the file."""

from __future__ import annotations

import contextlib
import re

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import html
from omni_pipelines.text.text_tables import text_tables

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
    assert text.split("\n\n") == ["ab c", "d\ne", "- f\n- g", "h"]


def test_html_blanks_collapse_except_in_preformatted_text() -> None:
    parsed = _read("<p>a \n\t b</p><pre>if x:\n    y\n\n    z</pre><p>c   d</p>")
    assert parsed.text == "a b\n\n```\nif x:\n    y\n\n    z\n```\n\nc d"


def test_html_no_line_ends_with_a_blank() -> None:
    rows = "<tr><td>Part<td>Price <br></td></tr><tr><td>Pump <td>7 <br></td></tr>"
    assert (
        _read(f"<table>{rows}</table><p>one <b>two </b> <p>three").text
        == "Part | Price\nPump | 7\n\none two\n\nthree"
    )


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
        ("<tr><th>animal<th>kg<tr><td>otter<td>7", "animal | kg\n--- | ---\notter | 7"),
        ("<thead><tr><td>a<td>b<tbody><tr><td>c<td>d", "a | b\n--- | ---\nc | d"),
        ("<tr><th>a<td>b<tr><th>c<td>d", "a | b\nc | d"),
        ("<tr><th>a<th>b<tr><td><p>c</p><td><p>d</p><tr><td><p>e</p><td>f", "a | b\n--- | ---\nc | d\ne | f"),
        ("<caption>Weights</caption><tr><th>a<th>b", "Weights\n\na | b\n--- | ---"),
        ("<tr><td>a<td><tr><td>b<td>c", "a\nb | c"),
        ("<tr><td><pre>x = 1</pre><td>b", "```\nx = 1\n```\n | b"),
        ("<tr><td>b<td><pre>x = 1</pre>", "b | x = 1"),
        ("<tr><td><p>a</p><td><p>b</p><p>c</p>", "a | b\n\nc"),
        ("<tr><td>a<td><td>c", "a |  | c"),
        ("<tr><td>a<tr>\n<td>\n<td>b", "a\n | b"),
        ("<tr><td>a <b>b</b> <td> c", "a b | c"),
    ],
)
def test_html_table_row_is_one_line(rows: str, text: str) -> None:
    assert _read(f"<p>before<table>{rows}</table>after").text == f"before\n\n{text}\n\nafter"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("<tr><td rowspan=2>North<td>Bremen<tr><td>Kiel", "North | Bremen\nNorth | Kiel"),
        ("<tr><td>1<td rowspan=3>kg<tr><td>2<tr><td>3<tr><td>4<td>g", "1 | kg\n2 | kg\n3 | kg\n4 | g"),
        ("<tr><td>1<td rowspan=2>kg<td>a<tr><td>2<td>b", "1 | kg | a\n2 | kg | b"),
        ("<tr><td rowspan=2 colspan=2>both<td>a<tr><td>b", "both | both | a\nboth | both | b"),
        ("<tr><td rowspan=0>all<td>a<tr><td>b<tr><td>c", "all | a\nall | b\nall | c"),
        (f"<tr><td rowspan=2>{'long ' * 50}<td>a<tr><td>b", f"{'long ' * 49}long | a\nb"),
        ("<tr><td rowspan=2>x<b hidden>no</b><td>a<tr><td>b", "x | a\nb"),
        ("<thead><tr><th rowspan=2>a<th>b<tbody><tr><td>c<td>d", "a | b\n--- | ---\nc | d"),
        ("<tr><td colspan=3>Total<td>17<tr><td>a<td>b<td>c<td>5", "Total | Total | Total | 17\na | b | c | 5"),
        (f"<tr><td colspan=2>{'long ' * 50}<td>a", f"{'long ' * 50}|  | a"),
        ("<tr><td colspan=3>Parts<tr><td>a<td>b<td>c", "Parts\na | b | c"),
        ("<tr><td rowspan=2>North<td colspan=2>x<tr><td colspan=2>y", "North | x | x\nNorth | y | y"),
    ],
)
def test_html_cell_over_several_rows_or_columns_is_in_each_of_them(rows: str, text: str) -> None:
    assert _read(f"<table>{rows}</table>").text == text


def test_html_columns_below_two_rows_of_names_have_both_names() -> None:
    head = "<tr><th rowspan=2>Region<th colspan=2>Sales<tr><th>2023<th>2024"
    page = _read(f"<table><thead>{head}<tbody><tr><td>North<td>5<td>7<tr><td>South<td>6<td>8</table>")
    assert page.text.startswith("Region | Sales | Sales\nRegion | 2023 | 2024\n--- | --- | ---\nNorth | 5 | 7")
    assert [table.header for table in text_tables(page.text)] == ["Region | Sales 2023 | Sales 2024"]
    without_parts = _read(f"<table>{head}<tr><td>North<td>5<td>7<tr><td>South<td>6<td>8</table>")
    assert without_parts.text == page.text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mfrac><mn>12</mn><mn>34</mn></mfrac>", "12/34"),
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><msqrt><mi>y</mi></msqrt>", "x^2+√(y)"),
        ("<msub><mi>a</mi><mi>i</mi></msub><mo>=</mo><mn>1</mn>", "a_i=1"),
    ],
)
def test_html_formula_is_one_line_in_its_sentence(formula: str, text: str) -> None:
    assert _read(f"<p>It is <math>{formula}</math> here.").text == f"It is {text} here."
    assert _read(f"<p>one</p><math display=block>{formula}</math><p>two</p>").text == f"one\n\n{text}\n\ntwo"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("10<sup>6</sup>, 10<sup>-6</sup>, 2<sup>n</sup>", "10^6, 10^-6, 2^n"),
        ("the 1<sup>st</sup> m<sup>2</sup>, CO<sub>2</sub>", "the 1st m2, CO2"),
        ("the valve<sup>1</sup>, Smith,<sup>1,2</sup>", "the valve[1], Smith,[1,2]"),
        ("the <b>lid</b><sup><a href='#n1'>1</a></sup>", "the lid[1]"),
        ("the valve<a href='#n' role='doc-noteref'><sup>2</sup></a> turns", "the valve[2] turns"),
        ("the valve<a href='#n' epub:type='noteref'>*</a>", "the valve[*]"),
        ("the valve<sup><a href='#n'>[3]</a></sup>", "the valve[3]"),
        ("<!-- --><sup><!-- --><a href='#n'>see the annex</a></sup>", "see the annex"),
    ],
)
def test_html_raised_figure_is_no_part_of_the_word_before_it(page: str, text: str) -> None:
    assert _read(f"<p>{page}</p>").text == text


def test_html_formula_that_is_nested_too_deeply_keeps_its_words() -> None:
    assert "x" in _read(f"<p>a<math>{'<mrow>' * 500}<mi>x</mi>").text


@pytest.mark.parametrize("tag", ["main", "article", "section", "nav", "p"])
def test_html_without_a_body_tag_is_read(tag: str) -> None:
    page = f"<!doctype html><title>Herons</title><{tag}><h1>The heron</h1><p>It waits.</p></{tag}>"
    parsed = html.read(page.encode(), "heron.html")
    assert (parsed.title, parsed.text) == ("Herons", "The heron\n\nIt waits.")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>first:</p><ul><li><p>a</p></li><li><p>b</p><p>c</p></li></ul>end", "first:\n\n- a\n- b\n\n  c\n\nend"),
        ("<ol><li>a<li>b</ol><ol start=7><li>c<li value=9>d<li>e</ol>", "1. a\n2. b\n\n7. c\n9. d\n10. e"),
        ("<ul><li>a<ul><li>b<ol><li>c</ol></ul><li>d</ul>", "- a\n  - b\n    1. c\n- d"),
        ("<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li>c</ul>", "- a\n  - b\n- c"),
        ("<p>x<ul><li></li><li>a<br>b</ul>", "x\n\n- a\n  b"),
        ("<li>alone", "- alone"),
        ("<ol start=x><li>a</ol><ul><li><ul><li>b</ul></ul>", "1. a\n\n  - b"),
        ("<ul><li>run<pre>a\n\nb</pre><li>c</ul>", "- run\n\n  ```\n  a\n\n  b\n  ```\n- c"),
    ],
)
def test_html_list_items_have_their_marks_and_indents(page: str, text: str) -> None:
    assert _read(page).text == text


def test_html_deep_lists_do_not_grow_without_limit() -> None:
    page = "<ul><li>a" * 500 + "</ul>" * 500
    assert len(_read(page).text) < 40 * 500


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<dl><dt>a<dd>one<dd><p>two</p><p>three</p><dt>b<dt>c<dd>four</dl>end",
         "a\n    one\n    two\n\n    three\n\nb\nc\n    four\n\nend"),
        ("<dl><dt>a<dd><ul><li>x<li>y</ul></dl>", "a\n    - x\n    - y"),
        ("<dl><dt id=f>f(x)<dd><p>Do.</p></dl>end", "f(x)\n\nDo.\n\nend"),
    ],
)  # fmt: skip
def test_html_terms_stand_above_their_descriptions(page: str, text: str) -> None:
    assert _read(page).text == text


def test_html_terms_that_links_can_point_to_are_sections_until_their_list_ends() -> None:
    parsed = _read(
        "<h2>Top</h2><dl><dt id=c>class C<a href='#c'>¶</a><dd>It.<dl><dt><a name=m></a>m(\n x)<dd>Do m.</dl>Rest."
        "<dt id=x>A</dt><dt>A(b)<dd>Two names.</dl><p>After.</p><h3>Next</h3>"
    )
    paths = {words: path for words, path in _sections(parsed)}
    assert paths == {
        "Top": ("Top",),
        "class C": ("Top", "class C"),
        "m( x)": ("Top", "class C", "m( x)"),
        "Rest.": ("Top", "class C"),
        "A": ("Top", "A, A(b)"),
        "After.": ("Top",),
        "Next": ("Top", "Next"),
    }


def test_html_page_without_headings_takes_no_title_from_the_end_of_a_list_of_terms() -> None:
    parsed = _read("<dl><dt id=a>a<dd>b</dl>c")
    assert (parsed.title, _sections(parsed)) == ("a", [("a", ("a",)), ("c", ())])


def test_html_signatures_are_sections_even_if_links_cannot_point_to_them() -> None:
    assert _sections(_read("<dl><dt class='sig sig-object'>f(x)<dd>Do.</dl>")) == [("f(x)", ("f(x)",))]


def test_html_long_terms_are_cut_in_the_heading_and_kept_in_the_text() -> None:
    term = "f(" + "argument, " * 30 + ")"
    parsed = _read(f"<dl><dt id=f>{term}<dd>Do.</dl>")
    assert term in parsed.text
    assert parsed.sections[0].path[0].endswith("argument…")
    assert len(parsed.sections[0].path[0]) <= 120


@pytest.mark.parametrize("term", ["<dt>a", "<dt id=f1>[1]", "<dt id=f1><span>12</span>"])
def test_html_terms_without_a_name_and_footnotes_are_no_sections(term: str) -> None:
    assert _read(f"<dl>{term}<dd>Note.</dl>").sections == ()


@pytest.mark.parametrize(
    ("listing", "text"),
    [
        ("<pre>\n  a\n b\n\n</pre>", "```\n  a\n b\n```"),
        ("<div class='highlight-python3 x'><div><pre><span></span>x</pre></div></div>", "```python3\nx\n```"),
        ("<pre><code class='hljs language-js'>x\n</code></pre>", "```js\nx\n```"),
        ("<pre class='sourceCode bash'>x</pre>", "```bash\nx\n```"),
        ("<div class='highlight-default'><pre>x</pre></div>", "```\nx\n```"),
        ("<pre>```\nx\n```</pre>", "````\n```\nx\n```\n````"),
        ("<pre><div>a</div><div>b</div></pre>", "```\na\nb\n```"),
        ("<pre>Dear reader, this letter has several words.\nIt goes on for two lines.\n</pre>",
         "Dear reader, this letter has several words.\nIt goes on for two lines."),
        ("<pre>void copy (Context *c,<br> Node node,<br> const Node old here)</pre>",
         "```\nvoid copy (Context *c,\n Node node,\n const Node old here)\n```"),
        ("<pre>鹭在水边等待。\n它不动。</pre>", "鹭在水边等待。\n它不动。"),
        ("<pre> \n </pre>", ""),
    ],
)  # fmt: skip
def test_html_listings_are_fenced_with_their_language(listing: str, text: str) -> None:
    assert _read(f"<p>before</p>{listing}<p>after</p>").text == "\n\n".join(filter(None, ["before", text, "after"]))


def test_html_lines_of_a_listing_are_those_of_the_file() -> None:
    parsed = _read("<ul><li>\n<pre>\n\na\n\nb</pre>\n<li>c</ul>")
    assert [_line_of(parsed, word) for word in "abc"] == [4, 6, 7]


@pytest.mark.parametrize(
    "sign",
    [
        "<a href='#x'>¶</a>", "<a href='#x'><i>\ue900</i></a>", "<a class=anchor href='#x'> # </a>",
        "<a href='#x'>\u200b</a>", "<a href='../code/x.html#x'><span>[source]</span></a>",
    ],
)  # fmt: skip
def test_html_permalinks_are_no_text(sign: str) -> None:
    parsed = _read(f"<h1>Top{sign}</h1>")
    assert (parsed.text, parsed.title) == ("Top", "Top")


@pytest.mark.parametrize("link", ["<a href='#x'>#x</a>", "<a href='y'>#</a>", "<a href='#x'>§ 5</a>", "<a>¶</a>"])
def test_html_other_links_keep_their_text(link: str) -> None:
    assert _read(f"<p>Top {link}</p>").text.split() == ["Top", *re.sub("<.*?>", "", link).split()]


@pytest.mark.parametrize(
    "listing",
    [
        "<table><tr><td class=linenos><pre>1\n2</pre><td class=code><pre>a\nb</pre></table>",
        "<pre><span class=lineno>1 </span>a\n<span class='x linenos'>2 </span>b</pre>",
    ],
)
def test_html_line_numbers_of_listings_are_no_text(listing: str) -> None:
    assert _read(listing).text == "```\na\nb\n```"


def test_html_table_gives_its_header_to_the_chunks_of_its_rows() -> None:
    parsed = _read(
        "<table><tr><th>animal<th>kg" + "".join(f"<tr><td><p>otter<td><p>{n}" for n in range(9)) + "</table>"
    )
    assert [table.header for table in text_tables(parsed.text)] == ["animal | kg"]


def _sections(parsed: Parsed) -> list[tuple[str, tuple[str, ...]]]:
    return [(parsed.text[section.start :].partition("\n")[0], section.path) for section in parsed.sections]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p style='display:none'>no</p>",
        "<p style='color: red; DISPLAY : none !important'>no</p>",
        "<div style='visibility: hidden'><b>no</b></div>",
        "<table style='visibility:collapse'><tr><td>no</table>",
        "<style>.a { display: none }</style><p class='b a'>no</p>",
        "<style>#a, .c {color: red; visibility: hidden}</style><p id=a>no</p>",
        "<style>p.a{display:none!important} .a{display:block}</style><p class=a style='display:block'>no</p>",
        "<style>@media screen { .a {display: none} }</style><p class=a>no</p>",
        "<span class='visually-hidden'>no</span>",
        "<p hidden=''>no</p>",
        "<dialog>no</dialog>",
        "<noscript><p>no</p></noscript>",
        "<template><p>no</p></template>",
        "<video>no</video>",
        "<math><semantics><mi></mi><annotation>no</annotation></semantics></math>",
        "<svg><title>no</title><defs><text>no</text></defs></svg>",
        "<img src='a.png' alt='a.png'>",
    ],
)
def test_html_what_is_not_displayed_is_left_out(hidden: str) -> None:
    assert _read(f"<p>one</p>{hidden}<p>two</p>").text == "one\n\ntwo"


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='display:none; display:block'>yes</p>",
        "<p class=a>yes</p><style>@media print { .a {display: none} }</style>",
        "<p class=a>yes</p><style media=print>.a {display: none}</style>",
        "<p class=a>yes</p><style>/* .a {display:none} */ .a:hover, .b .a {display: none}</style>",
        "<noscript><style>.a {display: none}</style></noscript><p class=a>yes</p>",
        "<style>.a {display: none} .a.on {display: block}</style><p class='a on'>yes</p>",
        "<style>.a {display: none} p {display: block}</style><p>yes</p>",
        "<p aria-label='no' aria-hidden=true>yes</p>",
        "<p hidden=until-found>yes</p>",
        "<dialog open>yes</dialog>",
        "<details><summary></summary>yes</details>",
        "<textarea>yes</textarea>",
        "<svg><text>yes</text></svg>",
        "<div><template shadowrootmode=open><p>yes</p></template></div>",
    ],
)
def test_html_what_is_displayed_is_kept(shown: str) -> None:
    assert _read(shown).text == "yes"


def test_html_description_of_a_picture_stands_in_its_sentence() -> None:
    assert _read("<p>It lasts <img src=x alt='two years'>.").text == "It lasts two years."


def test_html_of_too_much_text_is_cut_and_says_so() -> None:
    parsed = html.read(b"<h1>One</h1><p>two</p><p>three and more</p><h2>Four</h2>", "a", 12)
    assert (parsed.text, parsed.partial) == (
        "One\n\ntwo",
        "its text is longer than 12 characters; the rest was not read",
    )
    assert [section.path for section in parsed.sections] == [("One",)]
