"""Manuals of Info: the text of their nodes, without menus, indexes and tables."""

from __future__ import annotations

import time

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import info
from omni_pipelines.text.readers.registry import reader_by_content, reader_for

MANUAL = """This is a.info, produced by makeinfo version 7.0.

INFO-DIR-SECTION Ports
START-INFO-DIR-ENTRY
* A: (a).           Tie ships.
END-INFO-DIR-ENTRY

\x1f
File: a.info,  Node: Top,  Next: Use,  Up: (dir)

Mooring
*******

Ships need berths.

* Menu:

* Use::      How to
             use it.

 — The Detailed Node Listing —

Use

* Open::     Begin.

\x1f
File: a.info,  Node: Use,  Next: Index,  Prev: Top,  Up: Top

1 Use
*****

Read this first (*note Open::).
*Note Open: Open, for more.

   Two kinds:

   • The quay.
   • The pier, which
     is long.

   Then call:

     moor --day

     moor --all

‘-d DAY’
‘--day=DAY’
     Plan DAY.

          moor -d 1

   The end.

\x1f
File: a.info,  Node: Open,  Up: Use

1.1 Open
========

 -- Function: plan_t moor_open (int A,
          int B)
 -- Function: int moor_drop (int A)
     Open it.

     Twice.

Back.

\x1f
File: a.info,  Node: Index,  Up: Top

Index
*****

\0\b[index\0\b]
* Menu:

* --day:     Use.  (line 8)

\x1f
Tag Table:
Node: Top\x7f261
\x1f
End Tag Table
"""


def _read(text: str) -> Parsed:
    return info.read(text.encode(), "a.info")


def test_info_is_read_as_a_manual_without_menus_and_tables() -> None:
    parsed = _read(MANUAL)
    assert parsed.text == (
        "Mooring\n\nShips need berths.\n\n1 Use\n\nRead this first (see Open).\nSee Open, for more.\n\nTwo kinds:\n\n"
        "- The quay.\n- The pier, which\n  is long.\n\nThen call:\n\n```\nmoor --day\n\nmoor --all\n```\n\n"
        "‘-d DAY’, ‘--day=DAY’\n  Plan DAY.\n\n  ```\n  moor -d 1\n  ```\n\nThe end.\n\n"
        "1.1 Open\n\nFunction: plan_t moor_open (int A,\n  int B)\n  int moor_drop (int A)\n"
        "  Open it.\n\n  Twice.\n\nBack."
    )
    assert (parsed.title, parsed.partial) == ("Mooring", "")


def test_info_titles_terms_and_definitions_are_sections_up_to_their_end() -> None:
    parsed = _read(MANUAL)
    assert [(parsed.text[each.start :].split("\n")[0], each.path) for each in parsed.sections] == [
        ("Mooring", ("Mooring",)),
        ("1 Use", ("1 Use",)),
        ("‘-d DAY’, ‘--day=DAY’", ("1 Use", "-d DAY, --day=DAY")),
        ("The end.", ("1 Use",)),
        ("1.1 Open", ("1 Use", "1.1 Open")),
        ("Function: plan_t moor_open (int A,", ("1 Use", "1.1 Open", "moor_open, moor_drop")),
        ("Back.", ("1 Use", "1.1 Open")),
    ]


@pytest.mark.parametrize("words", ["Ships", "The pier", "moor --all", "Plan DAY", "int B", "Twice", "Back"])
def test_each_line_of_info_is_that_of_the_file(words: str) -> None:
    parsed = _read(MANUAL)
    assert words in MANUAL.splitlines()[parsed.line(parsed.text.index(words)) - 1]


def test_part_of_a_manual_has_the_node_around_its_first_title() -> None:
    head, _, tail = MANUAL.partition("\x1f\nFile: a.info,  Node: Open")
    parsed = _read(f"{head[:50]}\n\x1f\nFile: a.info,  Node: Open{tail}")
    assert parsed.sections[-1].path == ("Use", "1.1 Open")
    assert {section.path[0] for section in parsed.sections} == {"Use"}


def test_node_without_a_title_is_a_section_with_its_name() -> None:
    parsed = _read("\x1f\nFile: a.info,  Node: Buoys,  Up: Top\n\nThey float.\n")
    assert [(parsed.text[each.start :], each.path) for each in parsed.sections] == [("They float.", ("Buoys",))]


def test_indented_sentences_are_no_listing() -> None:
    parsed = _read("\x1f\nFile: a,  Node: B\n\nHe said:\n\n     Ships that lie here\n     must pay a small fee.\n")
    assert parsed.text == "He said:\n\nShips that lie here\nmust pay a small fee."


@pytest.mark.parametrize(
    ("name", "text", "reader"),
    [
        ("a.info", MANUAL, "info"),
        ("a.info-1", MANUAL, "info"),
        ("a.info", "This is a.info\n\x1f\nIndirect:\na.info-1: 12\n", "info"),
        ("module.info", "name = Views\ncore = 7.x\n", "text"),
        ("a.txt", "The line `File: a.info,  Node: Top` begins a node.\n", "text"),
    ],
)
def test_info_is_known_by_its_nodes(name: str, text: str, reader: str) -> None:
    named = reader_for(name)
    assert named is not None
    assert reader_by_content(named, text.encode()).name == reader


@pytest.mark.parametrize(
    "hostile",
    [
        "*note a", "*note ", "* a", "* a: ", "\n   * a", "\n -- Function: f", "*note\n",
        "\n\x1f\nFile: a,  Node: b\n", "a\n***\n", "\0\b[",
        "-", "‘a’\n     b\n", "(", "\n\n     x", "Aa bb ",
    ],
)  # fmt: skip
def test_hostile_info_is_read_in_time_that_grows_with_its_length(hostile: str) -> None:
    raw = f"\x1f\nFile: a,  Node: B\n\n{hostile * 20_000}\n\nend\n".encode()
    begun = time.process_time()
    assert "end" in info.read(raw, "a.info").text
    assert time.process_time() - begun < 2


def test_info_with_indentation_that_grows_is_read_in_time_that_grows_with_its_length() -> None:
    text = "".join(f"{' ' * depth * 5}a{depth}\n{' ' * (depth + 1) * 5}b\n\n" for depth in range(300))
    begun = time.process_time()
    assert "b" in _read(f"\x1f\nFile: a,  Node: B\n\n{text}").text
    assert time.process_time() - begun < 2
