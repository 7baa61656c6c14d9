"""Help files of Vim: their titles, entries, listings and tables, and which texts are none."""

from __future__ import annotations

import time

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import vim_help
from omni_pipelines.text.readers.registry import reader_by_content, reader_for

HELP = """*harbour.txt*	Move between ports

==============================================================================
CONTENTS						*harbour-contents*
    1. Commands ............... |harbour-commands|
    2. Options ................ |harbour-options|

==============================================================================
1. Commands						*harbour-commands*

Type |:Dock| or `:Sail`: >vim
	:Dock pier

		:Sail
<Then wait.
------------------------------------------------------------------------------
1.1 Keys						*harbour-keys*
Key	Action ~
<C-D>	dock now
INSTALL
						*:Sink* *:Si*
:[range]Sink {name}	Forget the place.
			It is lost.

			For ever.

At the margin.

==============================================================================
2. Options						*harbour-options*
						*'limit'* *'hl'*
'limit' 'hl'	number	(default 25)
			global
	The largest number of places: >
		:set limit=3
<	Zero means none.
 vim:tw=78:ts=8:noet:ft=help:norl:
"""


def _read(text: str) -> Parsed:
    return vim_help.read(text.encode(), "a.txt")


def test_vim_help_is_read_as_it_is_shown() -> None:
    parsed = _read(HELP)
    assert parsed.text == (
        "Move between ports\n\n1. Commands\n\nType :Dock or :Sail:\n\n```\n:Dock pier\n\n        :Sail\n```\n\n"
        "Then wait.\n\n1.1 Keys\n\nKey | Action\n<C-D> | dock now\n\nINSTALL\n\n"
        ":[range]Sink {name}\n  Forget the place.\n  It is lost.\n\n  For ever.\n\nAt the margin.\n\n"
        "2. Options\n\n'limit' 'hl'  number  (default 25)\n  global\n  The largest number of places:\n\n"
        "  ```\n  :set limit=3\n  ```\n\n  Zero means none."
    )
    assert parsed.title == "harbour.txt"


def test_vim_help_titles_and_tags_are_sections_up_to_the_next_one() -> None:
    parsed = _read(HELP)
    assert [(parsed.text[each.start :].split("\n")[0], each.path) for each in parsed.sections] == [
        ("1. Commands", ("1. Commands",)),
        ("1.1 Keys", ("1. Commands", "1.1 Keys")),
        ("INSTALL", ("1. Commands", "1.1 Keys", "INSTALL")),
        (":[range]Sink {name}", ("1. Commands", "1.1 Keys", "INSTALL", ":Sink, :Si")),
        ("At the margin.", ("1. Commands", "1.1 Keys", "INSTALL")),
        ("2. Options", ("2. Options",)),
        ("'limit' 'hl'  number  (default 25)", ("2. Options", "'limit', 'hl'")),
    ]


@pytest.mark.parametrize("words", ["Move between", "Then wait", "<C-D>", "It is lost", "For ever", "  :set", "Zero"])
def test_each_line_of_vim_help_is_that_of_the_file(words: str) -> None:
    parsed = _read(HELP)
    line = HELP.splitlines()[parsed.line(parsed.text.index(words)) - 1]
    assert words.strip() in line


@pytest.mark.parametrize(
    ("name", "text", "reader"),
    [
        ("harbour.txt", HELP, "vim_help"),
        ("harbour.txt", HELP.partition(" vim:")[0], "vim_help"),
        ("harbour", HELP, "vim_help"),
        ("harbour.txt", "Use it.\n\n vim: set filetype=help :\n", "vim_help"),
        ("a.txt", "*Note* that this is bold.\n\n* one\n* two is *important*, too\n", "text"),
        ("a.txt", "*a.txt*  a list of names\n\nAnn\nBob\n", "text"),
        ("a.txt", "Write vim:ft=helpful in it.\n", "text"),
        ("a.txt", "For more, set ft=help in vim: the editor.\n" * 20, "text"),
        ("a.md", HELP, "markdown"),
    ],
)
def test_vim_help_is_known_by_its_last_line_or_its_tags(name: str, text: str, reader: str) -> None:
    named = reader_for(name)
    assert named is not None
    assert reader_by_content(named, text.encode()).name == reader


@pytest.mark.parametrize(
    "hostile", ["|", "*", "* ", " *a* ", "`", "`a", ">", " >", " > ", ".", "\t", "=", "'", "a  ", "\n*a*", "x >\n"]
)
def test_hostile_vim_help_is_read_in_time_that_grows_with_its_length(hostile: str) -> None:
    raw = f"*a.txt* x\n{hostile * 20_000} end\nvim:ft=help\n".encode()
    begun = time.process_time()
    assert vim_help.is_vim_help(raw)
    assert "end" in vim_help.read(raw, "a.txt").text
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("source", "text", "paths"),
    [
        ("Title ~\n\nIt says:\n\ta result ~\nEnd", "Title\n\nIt says:\na result\nEnd", [("Title",)]),
        ("Key\tUse\t~\na\tb\n\nc", "Key | Use\na | b\n\nc", []),
        ("See: >\n\n\n\tx\n<", "See:\n\n```\nx\n```", []),
        (
            "\t\t*:j* *:join*\n:j [flags]\n\t\tJoin.\n\n:j {count}\n\t\tJoin more.\n\nEnd",
            ":j [flags]\n  Join.\n\n:j {count}\n  Join more.\n\nEnd",
            [(":j, :join",), ()],
        ),
    ],
)
def test_vim_help_marks_are_read_by_what_they_mean(source: str, text: str, paths: list[tuple[str, ...]]) -> None:
    parsed = _read(f"*a.txt*\n{source}\n")
    assert (parsed.text, [section.path for section in parsed.sections]) == (text, paths)
