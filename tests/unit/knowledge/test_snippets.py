"""Snippets show the lines of a passage in which the words of the query stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.knowledge.search.snippets import SnippetLine, matches, snippet


def forms(text: str) -> set[str]:
    """Words without a plural s; pairs of letters where there is no space between words."""
    words = text.lower().replace(",", " ").replace(".", " ").replace("?", " ").split()
    return {
        pair
        for word in words
        for pair in ([word.rstrip("s")] if word.isascii() else [word[at : at + 2] for at in range(len(word) - 1)])
    }


def shown(text: str, query: str, lines: int = 2, width: int = 40) -> list[str]:
    return [line.text for line in snippet(text, forms(query), forms, lines=lines, width=width)]


def marked(line: SnippetLine) -> list[str]:
    return [line.text[start:end] for start, end in line.matches]


def test_snippet_begins_where_most_different_words_of_the_query_stand() -> None:
    text = "Keys, keys, keys.\n\nAbout locks.\n\nA key is rotated.\nThe end."
    assert shown(text, "rotated key") == ["A key is rotated.", "The end."]


def test_snippet_of_a_passage_without_a_word_of_the_query_is_its_beginning() -> None:
    assert shown("One.\nTwo.\nThree.", "walrus") == ["One.", "Two."]


def test_words_in_another_form_are_marked_too() -> None:
    (line,) = snippet("The Keys and a key.", forms("key"), forms, lines=1, width=40)
    assert marked(line) == ["Keys", "key"]


def test_long_line_is_cut_around_its_first_match() -> None:
    text = "word " * 30 + "walrus " + "word " * 30
    (line,) = snippet(text, forms("walrus"), forms, lines=1, width=40)
    assert marked(line) == ["walrus"]
    assert len(line.text) <= 40
    assert line.text[0] == line.text[-1] == "…"


def test_long_line_whose_match_stands_at_its_beginning_is_cut_at_its_end() -> None:
    (line,) = snippet("walrus " + "word " * 30, forms("walrus"), forms, lines=1, width=40)
    assert line.text.startswith("walrus word")
    assert line.text.endswith("…")


def test_words_without_spaces_between_them_are_marked_inside_a_run() -> None:
    text = "河马生活在水里"
    assert [text[start:end] for (start, end), _ in matches(text, forms("生活"), forms)] == ["生活"]


def test_empty_passage_has_no_snippet() -> None:
    assert shown(" \n\n", "walrus") == []


@given(st.text("ab s\n…", max_size=60), st.integers(1, 4), st.integers(8, 30))
def test_snippet_never_exceeds_its_lines_or_width_and_marks_stand_inside(text: str, lines: int, width: int) -> None:
    found = snippet(text, forms("a b"), forms, lines=lines, width=width)
    assert len(found) <= lines
    for line in found:
        assert len(line.text) <= width
        assert all(0 <= start < end <= len(line.text) for start, end in line.matches)
