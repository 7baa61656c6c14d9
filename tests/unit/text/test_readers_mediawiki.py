"""Pages of MediaWiki: the text as it is shown, its sections, and the lines of the file."""

from __future__ import annotations

import time

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import mediawiki


def _read(text: str) -> Parsed:
    return mediawiki.read(text.encode(), "a.wiki")


def test_mediawiki_titles_outside_listings_are_sections() -> None:
    text = "a\n== ''Early'' [[x|years]] ==\nb\n=== In ===\n<!--\n== no ==\n-->\n<pre>\n== no ==\n</pre>\n== Last ==\n"
    parsed = _read(f"{text}[[Category:Ships]]")
    paths = [section.path for section in parsed.sections]
    assert paths == [("Early years",), ("Early years", "In"), ("Last",)]
    assert parsed.properties == {"tags": ["Ships"], "links": ["x"]}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("'''Bold''', ''italic'' and <u>more</u> &amp; so<br/>on", "Bold, italic and more & so on"),
        ("[[Page]], [[Page#a|label]] and [[:Category:X|x]]", "Page, label and x"),
        ("[http://a.b here] and [http://c.d]", "here and http://c.d"),
        ("[[File:a.jpg|thumb|200px|A [[x|ship]]]] b [[File:a.jpg|thumb]]", "A ship b"),
        ("One.<ref>Two.</ref> Three.<ref name=x />", "One. Three.\n\nFootnote: Two."),
        ("<nowiki>'''x''' [[y]]</nowiki> z", "'''x''' [[y]] z"),
        ("a <!-- b\nc --> d", "a\nd"),
        ("{{small|a {{b|c}}}} d {{stub}}", "a c d"),
        ("{{Infobox ship\n| name = Ness\n| flag =\n| length = 40 m\n}}\nText", "name: Ness\n\nlength: 40 m\n\nText"),
        ("* a\n** b\n* c\n\n# d\n# e", "- a\n  - b\n- c\n\n1. d\n2. e"),
        ("; Term : said\n; Other\n: below", "Term: said\n\nOther\n  below"),
        ("; Term : said", "Term: said"),
        ("Run:\n a\n\tb ''c''\nend", "Run:\n\n```\na\nb c\n```\n\nend"),
        (
            "x\n<syntaxhighlight lang=\"bash\">\n  # ''a'' &amp;\n\n[[b]]\n</syntaxhighlight>\ny",
            "x\n\n```bash\n  # ''a'' &amp;\n\n[[b]]\n```\n\ny",
        ),
        ("__TOC__\n----\na", "a"),
        (
            '{| class="x"\n|+ Names\n! A !! B\n|-\n| style="a:b" | 1 || [[c|2]]\n|-\n| 3\n| 4\n* more\n|}\nEnd',
            "Names\n\nA | B\n1 | 2\n3 | 4 more\n\nEnd",
        ),
        ("{| \n| a\n== Title ==\nb", "a\n\nTitle\n\nb"),
    ],
)
def test_mediawiki_is_read_as_it_is_shown(source: str, text: str) -> None:
    assert _read(source).text == text


def test_header_of_a_mediawiki_table_is_known() -> None:
    parsed = _read("{|\n! Line !! Last\n|-\n| North || 22:40\n|}\n")
    assert [table.header for table in parsed.tables] == ["Line | Last"]


@pytest.mark.parametrize("word", ["one", "two", "three", "four", "five", "six"])
def test_each_line_of_mediawiki_is_that_of_the_file(word: str) -> None:
    source = (
        "one\n<!--\nx\n-->\n{{Box\n|a=1\n|b=two\n}}\n[[x|y\nz]]\n* three\n<pre>\nfour\n</pre>\n{|\n|-\n| a\n| b\n|-\n"
        "| five || c\n|}\n== six ==\n"
    )
    parsed = _read(source)
    assert word in source.splitlines()[parsed.line(parsed.text.index(word)) - 1]


@pytest.mark.parametrize(
    "hostile",
    [
        "[[", "[[a|", "{{", "{{a|", "{|\n", "<ref>", "<!--", "<nowiki>", "<pre>\n", "'''", "* ", "\n* a", "\n** a",
        "; a : ", "=", "\n== a ==", "[http://a ", "|", "||", "{|\n|a\n", "\n a", "&", "<b", "]]", "}}", "{{a|b=",
        "[[File:a|",
    ],
)  # fmt: skip
def test_hostile_mediawiki_is_read_in_time_that_grows_with_its_length(hostile: str) -> None:
    begun = time.process_time()
    assert _read(f"begin\n\n{hostile * 10_000}\n").text.startswith("begin")
    assert time.process_time() - begun < 2
