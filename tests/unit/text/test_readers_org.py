"""Files of Org: the text as it is shown, its sections, and the lines of the file."""

from __future__ import annotations

import time

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import org


def _read(text: str) -> Parsed:
    return org.read(text.encode(), "a.org")


def test_org_headings_lose_their_states_and_tags() -> None:
    parsed = _read(
        "#+TITLE: Notes\n#+FILETAGS: :work:\n* TODO [#A] Buy [[file:a.org][rope]] :urgent:\n** Sub\n"
        "#+begin_src c\n* no\n#+end_src\n* "
    )
    paths = [section.path for section in parsed.sections]
    assert (parsed.title, paths) == ("Notes", [("Buy rope",), ("Buy rope", "Sub")])
    assert parsed.properties == {"tags": ["work", "urgent"], "links": ["a.org"]}
    assert parsed.text == "Buy rope\n\nState: TODO\n\nSub\n\n```c\n* no\n```"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("*Bold*, /italic/, _under_, =code= and ~verb~.", "Bold, italic, under, code and verb."),
        ("2*3*4, a/b/c, snake_case_name and x = y = z", "2*3*4, a/b/c, snake_case_name and x = y = z"),
        ("[[http://a.b][here]] and [[http://c.d]]", "here and http://c.d"),
        ("One.[fn:1] Two[fn::three].\n\n[fn:1] Four.", "One. Two (three).\n\nFootnote: Four."),
        ("a\n# comment\nb\n#+STARTUP: no\nc", "a\nb\nc"),
        ("* A\n:PROPERTIES:\n:ID: x\n:END:\nb\n:LOGBOOK:\nno\n:END:\nc", "A\n\nb\n\nc"),
        ("* A\nSCHEDULED: <2024-05-01 Wed> DEADLINE: <2024-05-03 Fri>\nb",
         "A\n\nScheduled: 2024-05-01 Wed; Deadline: 2024-05-03 Fri\n\nb"),
        ("- a\n  more\n  - [X] b\n- c :: d\nEnd", "- a\n  more\n  - [x] b\n- c: d\n\nEnd"),
        ("1. a\n2) b", "1. a\n2) b"),
        ("| A | B |\n|---+---|\n| *1* | 2 |\nEnd", "A | B\n1 | 2\n\nEnd"),
        ("x\n#+begin_src sh -n :tangle no\n  a *b*\n\n    ,* c\n#+end_src\ny",
         "x\n\n```sh\na *b*\n\n  ,* c\n```\n\ny"),
        ("#+BEGIN_EXAMPLE\n,* a\n#+begin_src\n#+END_EXAMPLE\nb", "```\n* a\n#+begin_src\n```\n\nb"),
        ("#+begin_quote\na /b/\n#+begin_src c\nx\n#+end_src\n#+end_quote\nc", "a b\n\n```c\nx\n```\n\nc"),
        (": a\n:   b\nc", "```\na\n  b\n```\n\nc"),
        ("a\n#+begin_comment\nno\n#+end_comment\nb", "a\n\nb"),
        ("- a\n  #+begin_src c\n  x\n  #+end_src", "- a\n\n  ```c\n  x\n  ```"),
    ],
)  # fmt: skip
def test_org_is_read_as_it_is_shown(source: str, text: str) -> None:
    assert _read(source).text == text


def test_header_of_an_org_table_is_known() -> None:
    assert [table.header for table in _read("| Line | 1 |\n|--+--|\n| North | 2 |\n").tables] == ["Line | 1"]


@pytest.mark.parametrize("word", ["one", "two", "three", "four", "five", "six", "seven"])
def test_each_line_of_org_is_that_of_the_file(word: str) -> None:
    source = (
        "#+TITLE: T\n\n* one\n:PROPERTIES:\n:A: b\n:END:\ntwo\nthree\n- x\n  four\n#+begin_src c\n\nfive\n#+end_src\n"
        "| a | b |\n|---+---|\n| six | c |\n\n: d\n: seven\n"
    )
    parsed = _read(source)
    assert word in source.splitlines()[parsed.line(parsed.text.index(word)) - 1]


@pytest.mark.parametrize(
    "hostile",
    [
        "*", "* ", "\n* a", "[[", "[[a][", "*a ", "=a", "| ", "|a\n", "- ", "\n- a", "\n#+begin_src", "\n:a:\n",
        "[fn:", " :a", ":a:",
        "\n: a", "<<", " ", "\t", "\n#+a: b", "a :: ", "\nDEADLINE: <", "\n:PROPERTIES:",
    ],
)  # fmt: skip
def test_hostile_org_is_read_in_time_that_grows_with_its_length(hostile: str) -> None:
    begun = time.process_time()
    assert _read(f"begin\n\n{hostile * 10_000}\n").text.startswith("begin")
    assert time.process_time() - begun < 2


def test_org_items_further_and_further_right_are_read_in_time_that_grows_with_their_length() -> None:
    begun = time.process_time()
    assert _read("".join(f"{' ' * depth}- a\n" for depth in range(1_000))).text.startswith("- a")
    assert time.process_time() - begun < 2
