"""Words as the keyword index has them, and the forms in which people search for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.word_forms import identifier_parts, joined, normal, words


@given(
    st.lists(st.sampled_from(("parseHTTPHeader", "HTTPServer", "snake_case", "myName", "a_bC", "9lives", "ABC", " ")))
)
def test_identifier_parts_do_not_depend_on_other_text(names: list[str]) -> None:
    text = " ".join(names)
    assert [*identifier_parts(text)] == [*identifier_parts(text + " \u00e9")]
    assert [*identifier_parts("(parseHTTPHeader)")] == ["parse", "HTTP", "Header"]
    assert [*identifier_parts("PDFs, getURLsOf()")] == ["get", "URL", "Of"]


@pytest.mark.parametrize(
    ("text", "separated"),
    [
        ("C++ and Notepad++, g++", "Cpp and Notepad Notepadpp gpp"),
        ("C/C++, C++17", "C Cpp Cpp 17"),
        ("a C#7 sharp, C♯", "a Csharp 7 sharp Csharp"),
        ("#define X a#b *T* x*y **C** i++;", "define X a b T x y C ipp"),
        ("A* and C*-algebra", "Astar and Cstar algebra"),
        ("the .NET, .map(x) a.b ... .5", "the dotNET NET map x a b 5"),
        ("operator[](int) and operator <<=(x)", "operator operator5b5d int and operator operator3c3c3d x"),
        ("Java™, Wert² km²", "Java Wert 2 km2"),
        ("PDFs on VMs, GPS and CSS", "PDF on VM GPS and CSS"),
        ("٣٫٥ and १२", "3 5 and 12"),
        ("ב־צה״ל", "ב צהל"),
    ],
)
def test_signs_of_a_name_become_letters_and_others_separate(text: str, separated: str) -> None:
    assert words(normal(text)).split() == separated.split()


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("1,234.56", "1234 1234point56"),
        ("1.234.567,8", "1234567 1234567point8"),
        ("1 234 and 1'234 and 1\u2019234 and 1\u202f234", "1234 1234 1234 1234"),
        ("12,34,567 1_000_000", "1234567 1000000"),
        ("1234.56", "1234point56"),
        ("3.11.2 2024.01.05 0,123 1,2345 v1,234 12,34 1234", ""),
        ("e-mail (Wi-Fi) --dry-run, état-major", "email WiFi dryrun étatmajor"),
        ("a-b-c-d-e a-b-c-d-e-f x - y", "abcde"),
        ("U.S.A. and e.g. J.R.R. Tolkien", "USA JRR"),
    ],
)
def test_numbers_and_hyphenated_words_are_joined(text: str, whole: str) -> None:
    assert [*joined(normal(text))] == whole.split()


@given(st.text(st.sampled_from("a1B+#*.-, '\u2019_:éß\u0301\u200b½²™\n"), max_size=40))
def test_no_text_has_a_word_with_a_space_or_a_sign(text: str) -> None:
    for word in (*words(normal(text)).split(), *joined(normal(text))):
        assert all(character.isalnum() for character in word)


def test_colours_of_a_terminal_are_no_part_of_a_word() -> None:
    line = "\x1b[1;31mERROR\x1b[0m the\x1b[K valve"
    assert words(normal(line)).split() == ["ERROR", "the", "valve"]
